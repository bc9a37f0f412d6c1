import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { problem } from "@/shared/test/network";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import AdminScreen from "../AdminScreen";
import { admin, Desk, makeHouseGroup, makeHouseUsage, makeProvider } from "../test-kit";
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
  "GET /api/v1/admin/usage": makeHouseUsage([]),
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
    const used = [
      makeHouseGroup(anthropic.id, {
        requests: 1284,
        provider_cost: { nano: 9_617_000_001, currency: "USD" },
        revenues: [{ nano: 12.03e9, currency: "EUR" }],
      }),
    ];
    const { requests } = await renderScreen(ui, {
      ...at,
      network: { ...network, "GET /api/v1/admin/usage": makeHouseUsage(used) },
    });
    const row = (await screen.findByRole("button", { name: "Anthropic" })).closest("tr") as HTMLElement;
    await within(row).findByText("€12.03 charged");
    const text = row.textContent?.replaceAll("\u00a0", " ");
    for (const part of ["3 models", "Healthy", "0.7 s", "1.9 s", "0.1%", "1,284", "$9.62", "ends in 4f2a"]) {
      expect(text).toContain(part);
    }
    // Its own day, in the zone of whoever looks.
    const { search } = requests.find(({ path }) => path.endsWith("/admin/usage")) ?? {};
    const today = new Intl.DateTimeFormat("en-CA", { timeZone: "Europe/Berlin" }).format();
    expect(Object.fromEntries(search ?? [])).toEqual({ group: "provider", since: today, until: today });
    expect(within(row).getByRole("img", { name: /One half-hour with failures/ })).toBeVisible();
    expect(screen.getAllByText("Key refused").length).toBeGreaterThan(0);
    await expectAccessible();
  });

  it("say what today cost the house, and what nobody knows", async () => {
    const dollars = (nano: number) => ({ provider_cost: { nano, currency: "USD" } });
    const today = async (change: Parameters<typeof makeHouseGroup>[1] | null) => {
      const items = change ? [makeHouseGroup(anthropic.id, change)] : [];
      const { unmount } = await renderScreen(ui, {
        ...at,
        network: { ...network, "GET /api/v1/admin/usage": makeHouseUsage(items) },
      });
      const row = (await screen.findByRole("button", { name: "Anthropic" })).closest("tr") as HTMLTableRowElement;
      await waitFor(() => expect(row.cells[7]).not.toBeEmptyDOMElement());
      const told = [row.cells[6], row.cells[7]].map((cell) => cell?.textContent?.replaceAll("\u00a0", " "));
      unmount();
      return told;
    };
    expect(await today(null)).toEqual(["0", "–"]);
    expect(await today({ runs: 0, requests: 58, failed: 58, cost: null })).toEqual(["58", "$0.0058 requests"]);
    expect(await today({ runs: 2, requests: 2, cost: null, unknown_runs: 2 })).toEqual(["2", "unknown2 requests"]);
    expect(await today({ runs: 2, requests: 2, unknown_runs: 1, ...dollars(3_400_000) })).toEqual([
      "2",
      "$0.00342 requests+ 1 without a price",
    ]);
    expect(await today({ runs: 3, requests: 3, own_key_runs: 3 })).toEqual(["3", "$0.003 requests3 on own keys"]);
    expect(await today({ runs: 3, requests: 3 })).toEqual(["3", "free3 requests"]);
  });

  it("are shown also where nobody can say what they did", async () => {
    await renderScreen(ui, {
      ...at,
      network: { ...network, "GET /api/v1/admin/usage": () => problem(503, "database.away") },
    });
    expect(await screen.findByRole("alert")).toBeVisible();
    expect(screen.getByRole("button", { name: "Anthropic" })).toBeVisible();
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
