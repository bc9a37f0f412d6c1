import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { problem } from "@/shared/test/network";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import AdminScreen from "../AdminScreen";
import { admin, Desk } from "../test-kit";
import type { Provider } from "./api";

const ui = (
  <Desk>
    <AdminScreen />
  </Desk>
);
const at = { at: "/admin/providers", path: "/admin/$section", me: admin };

const kinds = [
  {
    kind: "anthropic",
    label: "Anthropic",
    base_url: "https://api.anthropic.com/v1",
    protocols: ["anthropic"],
    keys_at: "https://console.anthropic.com/settings/keys",
    is_local: false,
    needs_key: true,
  },
  {
    kind: "compatible",
    label: "OpenAI-compatible",
    base_url: null,
    protocols: ["openai_chat"],
    keys_at: null,
    is_local: false,
    needs_key: false,
  },
];

function makeProvider(change: Partial<Provider> = {}): Provider {
  return {
    id: "50000000-0000-4000-8000-000000000001",
    kind: "anthropic",
    label: "Anthropic",
    protocol: "anthropic",
    base_url: "https://api.anthropic.com/v1",
    is_enabled: true,
    is_local: false,
    is_built_in: false,
    needs_key: true,
    concurrency: 16,
    timeouts: {},
    quirks: {},
    version: 3,
    state: "ok",
    error_code: null,
    error: null,
    checked_at: "2026-11-20T12:00:00Z",
    latency_ms: 210,
    refreshed_at: null,
    created_at: "2026-11-01T12:00:00Z",
    keys: [
      {
        id: "70000000-0000-4000-8000-000000000001",
        provider_id: "50000000-0000-4000-8000-000000000001",
        ending: "4f2a",
        state: "ok",
        tested_at: null,
        last_used_at: null,
        created_at: "2026-11-01T12:00:00Z",
      },
    ],
    models: 12,
    models_enabled: 3,
    problem: null,
    health: {
      state: "ok",
      ticks: [{ at: new Date().toISOString(), ok: 3, failed: 1, first_ms: 700 }],
      first_ms_p50: 700,
      first_ms_p95: 1900,
      requests: 1284,
      failed: 1,
    },
    ...change,
  };
}

const anthropic = makeProvider();
const refused = makeProvider({
  id: "50000000-0000-4000-8000-000000000002",
  label: "Campus gateway",
  state: "down",
  error_code: "gateway.key_refused",
  keys: [{ ...(anthropic.keys[0] as Provider["keys"][number]), id: "k2", ending: "c03e", state: "refused" }],
});
const network = {
  "GET /api/v1/admin/providers": { items: [anthropic, refused], kinds },
  "GET /api/v1/admin/providers/{id}/health": {
    ...anthropic.health,
    checked_at: null,
    ok_at: null,
    failed_at: null,
    latency_ms: null,
    error_code: null,
    error: null,
    errors: [{ at: "2026-11-20T11:00:00Z", code: "gateway.provider_busy", text: "Slow down", count: 3 }],
  },
};

describe("the providers", () => {
  it("are listed with how they fare and what their key ends in", async () => {
    await renderScreen(ui, { ...at, network });
    const row = (await screen.findByRole("button", { name: "Anthropic" })).closest("tr") as HTMLElement;
    const text = row.textContent?.replaceAll("\u00a0", " ");
    for (const part of ["3 models", "Healthy", "0.7 s", "1.9 s", "0.1%", "1,284", "ends in 4f2a"]) {
      expect(text).toContain(part);
    }
    expect(within(row).getByRole("img", { name: /One half-hour with failures/ })).toBeVisible();
    expect(screen.getByText("Key refused")).toBeVisible();
    await expectAccessible();
  });

  it("tell what a test found, and the failures of the day", async () => {
    const { user } = await renderScreen(ui, {
      ...at,
      network: {
        ...network,
        "POST /api/v1/admin/providers/{id}/test": {
          ok: false,
          ms: null,
          models: null,
          code: "gateway.key_refused",
          text: null,
        },
      },
    });
    await user.click(await screen.findByRole("button", { name: "Anthropic" }));
    const panel = await screen.findByRole("region", { name: "Inspector: Anthropic" });
    expect(await within(panel).findByText("Slow down", { exact: false })).toBeVisible();
    await user.click(within(panel).getByRole("button", { name: "Test" }));
    expect(await within(panel).findByText(/does not accept this key/)).toBeVisible();
    await expectAccessible();
  });

  it("load their models again and say what came of it", async () => {
    const { user } = await renderScreen(ui, {
      ...at,
      network: {
        ...network,
        "POST /api/v1/admin/providers/{id}/refresh": { added: 2, changed: 1, gone: 0, total: 14 },
      },
    });
    await user.click(await screen.findByRole("button", { name: "Anthropic" }));
    await user.click(await screen.findByRole("button", { name: "Load model list" }));
    expect(await screen.findByText("14 models: 2 new, 1 changed, 0 gone")).toBeVisible();
  });

  it("are added by a key whose owner is recognised", async () => {
    const { user, requests } = await renderScreen(ui, {
      ...at,
      network: {
        ...network,
        "POST /api/v1/llm/keys/recognise": { kinds: [kinds[0]] },
        "POST /api/v1/admin/providers": { ...anthropic, problem: null },
      },
    });
    await user.click(await screen.findByRole("button", { name: "Add provider" }));
    const dialog = await screen.findByRole("dialog", { name: "Add provider" });
    await user.type(within(dialog).getByLabelText(/^API key/), "sk-ant-0123456789");
    await user.tab();
    expect(await within(dialog).findByText("Keys are made at console.anthropic.com")).toBeVisible();
    await expectAccessible();
    await user.click(within(dialog).getByRole("button", { name: "Add provider" }));
    expect(await screen.findByText("Added: Anthropic")).toBeVisible();
    expect(requests.find(({ method, path }) => method === "POST" && path.endsWith("/providers"))?.body).toEqual({
      kind: "anthropic",
      key: "sk-ant-0123456789",
    });
  });

  it("get another key in the place of a refused one", async () => {
    const { user, requests } = await renderScreen(ui, {
      ...at,
      network: {
        ...network,
        "POST /api/v1/admin/providers/{id}/keys": { ...anthropic.keys[0], ending: "beef" },
        "DELETE /api/v1/admin/providers/{id}/keys/{key}": null,
      },
    });
    await user.click(await screen.findByRole("button", { name: "Replace key" }));
    const dialog = await screen.findByRole("dialog");
    await user.type(within(dialog).getByLabelText("API key"), "sk-ant-beef");
    await user.click(within(dialog).getByRole("button", { name: "Store" }));
    expect(await screen.findByText("Key stored: beef")).toBeVisible();
    await waitFor(() =>
      expect(requests.find(({ method }) => method === "DELETE")?.path).toBe(
        `/api/v1/admin/providers/${refused.id}/keys/k2`,
      ),
    );
  });

  it("are switched off at once, and Undo switches them on", async () => {
    const { user, requests } = await renderScreen(ui, {
      ...at,
      network: {
        ...network,
        "PATCH /api/v1/admin/providers/{id}": ({ body }: { body: object }) => ({ ...anthropic, ...body }),
      },
    });
    await user.click(await screen.findByRole("button", { name: "More for Anthropic" }));
    await user.click(await screen.findByRole("menuitem", { name: "Switch off" }));
    await user.click(await screen.findByRole("button", { name: /Undo/ }));
    await waitFor(() =>
      expect(requests.filter(({ method }) => method === "PATCH").map(({ body }) => body)).toEqual([
        { is_enabled: false },
        { is_enabled: true },
      ]),
    );
  });

  it("warn before an address is changed, and send the version one saw", async () => {
    const { user, requests } = await renderScreen(ui, {
      ...at,
      network: { ...network, "PATCH /api/v1/admin/providers/{id}": () => problem(412, "http.stale") },
    });
    await user.click(await screen.findByRole("button", { name: "More for Anthropic" }));
    await user.click(await screen.findByRole("menuitem", { name: "Edit" }));
    const dialog = await screen.findByRole("dialog");
    const address = within(dialog).getByRole("textbox", { name: "Address" });
    await user.clear(address);
    await user.type(address, "https://example.org/v1");
    expect(within(dialog).getByText(/keys have to be entered anew/)).toBeVisible();
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await within(dialog).findByText(/Someone changed this/)).toBeVisible();
    expect(requests.find(({ method }) => method === "PATCH")?.headers.get("if-match")).toBe('"3"');
  });

  it("say what to do where there is none, and what failed", async () => {
    const { unmount } = await renderScreen(ui, {
      ...at,
      network: { "GET /api/v1/admin/providers": { items: [], kinds } },
    });
    expect(await screen.findByText("No provider is set up yet.")).toBeVisible();
    unmount();
    await renderScreen(ui, { ...at, network: { "GET /api/v1/admin/providers": () => problem(503, "database.away") } });
    expect(await screen.findByRole("alert")).toBeVisible();
  });
});
