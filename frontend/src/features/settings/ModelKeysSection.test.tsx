import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { problem } from "@/shared/test/network";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import { ModelKeysSection } from "./ModelKeysSection";
import type { ModelKey, ModelKeys } from "./model-keys";

const key: ModelKey = {
  id: "k1",
  provider_id: "p1",
  ending: "4f2a",
  state: "ok",
  tested_at: null,
  last_used_at: null,
  created_at: "2026-11-01T12:00:00Z",
  provider: { id: "p1", kind: "anthropic", label: "Anthropic", is_local: false },
  base_url: null,
  problem: null,
};
const kinds: ModelKeys["kinds"] = [
  {
    kind: "anthropic",
    label: "Anthropic",
    base_url: "https://api.anthropic.com/v1",
    protocols: ["anthropic"],
    keys_at: "https://console.anthropic.com/settings/keys",
    is_local: false,
    needs_key: true,
  },
];
const keys: ModelKeys = { items: [key], kinds, own_keys_allowed: true, own_addresses_allowed: false };

describe("keys of one's own", () => {
  it("are told by their ending, tested and removed", async () => {
    const { user, requests } = await renderScreen(<ModelKeysSection />, {
      network: {
        "GET /api/v1/llm/keys": keys,
        "POST /api/v1/llm/keys/{id}/test": { ok: true, ms: 210, models: 12, code: null, text: null },
        "DELETE /api/v1/llm/keys/{id}": null,
      },
    });
    expect(await screen.findByText(/ends in 4f2a/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Test the key for Anthropic" }));
    expect(await screen.findByText("Accepted in 210 ms; 12 models to choose from.")).toBeVisible();
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "Remove the key for Anthropic" }));
    await user.click(within(await screen.findByRole("alertdialog")).getByRole("button", { name: "Remove" }));
    await waitFor(() => expect(requests.some(({ method }) => method === "DELETE")).toBe(true));
  });

  it("are added after their owner was recognised, without an address where none may be named", async () => {
    const { user, requests } = await renderScreen(<ModelKeysSection />, {
      network: {
        "GET /api/v1/llm/keys": { ...keys, items: [] },
        "POST /api/v1/llm/keys/recognise": { kinds },
        "POST /api/v1/llm/keys": key,
      },
    });
    await user.click(await screen.findByRole("button", { name: "Add a key" }));
    const dialog = await screen.findByRole("dialog");
    await user.type(within(dialog).getByLabelText("API key"), "sk-ant-0123456789");
    await user.tab();
    expect(await within(dialog).findByText("Keys are made at console.anthropic.com")).toBeVisible();
    expect(within(dialog).queryByRole("textbox", { name: /^Address/ })).toBeNull();
    await user.click(within(dialog).getByRole("button", { name: "Test and store" }));
    expect(await screen.findByText("Key stored: Anthropic, 4f2a")).toBeVisible();
    expect(requests.find(({ path, method }) => method === "POST" && path.endsWith("/keys"))?.body).toEqual({
      provider: "anthropic",
      key: "sk-ant-0123456789",
    });
  });

  it("say where they are not allowed, and what failed", async () => {
    const { unmount } = await renderScreen(<ModelKeysSection />, {
      network: { "GET /api/v1/llm/keys": { ...keys, items: [], own_keys_allowed: false } },
    });
    expect(await screen.findByText(/not allowed here/)).toBeVisible();
    expect(screen.queryByRole("button", { name: "Add a key" })).toBeNull();
    unmount();
    await renderScreen(<ModelKeysSection />, {
      network: { "GET /api/v1/llm/keys": () => problem(503, "database.away") },
    });
    expect(await screen.findByRole("alert")).toBeVisible();
  });
});
