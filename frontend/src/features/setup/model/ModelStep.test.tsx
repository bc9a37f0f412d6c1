import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import type { OfferedModel } from "@/shared/models/providers";
import { makeMe } from "@/shared/test/people";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import { ModelStep } from "./ModelStep";

const offered = (name: string, label: string, change: Partial<OfferedModel> = {}): OfferedModel => ({
  id: `id-${name}`,
  name,
  label,
  description: null,
  size_bytes: 20e9,
  context_total: 40_960,
  takes: ["text"],
  gives: ["text"],
  provider: { id: "p1", kind: "ollama", label: "Ollama", is_local: true },
  max_input: null,
  max_output: null,
  features: null,
  efforts: null,
  dimensions: null,
  deprecated_on: null,
  edited: [],
  source: "listed",
  is_enabled: true,
  enabled_roles: ["user"],
  gone_at: null,
  version: 1,
  ...change,
});
const models = [
  offered("qwen3:32b", "Qwen3 32B"),
  offered("gemma3:12b", "Gemma 3 12B", { takes: ["text", "image"] }),
  offered("phi4", "Phi-4"),
  offered("nomic", "Nomic Embed", { gives: ["vector"] }),
];
const ollama = { kind: "ollama", label: "Ollama", base_url: "http://127.0.0.1:11434", models, provider_id: null };
const provider = { id: "p1", label: "Ollama", problem: null };
const connecting = {
  "POST /api/v1/admin/providers": provider,
  "GET /api/v1/admin/models": { items: models },
  "PATCH /api/v1/admin/models/{id}": ({ body }: { body: object }) => ({ ...models[0], ...body }),
};

async function open(network: Record<string, unknown> = {}) {
  const next = vi.fn();
  const view = await renderScreen(
    <ModelStep
      me={makeMe({ role: "admin" })}
      kind="single"
      draft={{ name: "", email: "", password: "", timezone: "", currency: "" }}
      keep={() => {}}
      back={() => {}}
      next={next}
      finish={() => {}}
      busy={false}
      problem={null}
    />,
    { network: { "GET /api/v1/llm/discover": { items: [ollama] }, ...connecting, ...network } },
  );
  return { ...view, next };
}

describe("the model step", () => {
  it("finds the models of this machine and proposes two that write", async () => {
    await open();
    expect(await screen.findByText("Found")).toBeVisible();
    expect(screen.getByText(/Ollama answers at 127\.0\.0\.1:11434/)).toBeVisible();
    expect(screen.getAllByRole("checkbox").map((box) => box.getAttribute("aria-checked"))).toEqual([
      "true",
      "true",
      "false",
      "false",
    ]);
    expect(screen.getByText("For search")).toBeVisible();
    expect(screen.getByRole("button", { name: /^Use 2 models/ })).toBeEnabled();
    await expectAccessible();
  });

  it("switches on what was chosen, by keyboard", async () => {
    const { user, next, requests } = await open();
    (await screen.findByRole("checkbox", { name: "Gemma 3 12B" })).focus();
    await user.keyboard(" {Enter}");
    await waitFor(() => expect(next).toHaveBeenCalled());
    expect(requests.find(({ method }) => method === "POST")?.body).toEqual({
      kind: "ollama",
      base_url: "http://127.0.0.1:11434",
      models: ["qwen3:32b"],
    });
  });

  it("only switches the models where the server is a provider already", async () => {
    const { user, next, requests } = await open({
      "GET /api/v1/llm/discover": { items: [{ ...ollama, provider_id: "p1" }] },
    });
    await user.click(await screen.findByRole("button", { name: /^Use 2 models/ }));
    await waitFor(() => expect(next).toHaveBeenCalled());
    expect(requests.filter(({ method }) => method === "PATCH").map(({ path, body }) => [path, body])).toEqual(
      ["phi4", "nomic"].map((name) => [`/api/v1/admin/models/id-${name}`, { is_enabled: false }]),
    );
  });

  it("recognises a key, tests it, and offers what it opens", async () => {
    const { user, requests } = await open({
      "GET /api/v1/llm/discover": { items: [] },
      "POST /api/v1/llm/keys/recognise": { kinds: [{ kind: "anthropic", label: "Anthropic" }] },
      "POST /api/v1/admin/providers": { id: "p2", label: "Anthropic", problem: null },
      "GET /api/v1/admin/models": { items: [offered("sonnet", "Claude Sonnet 4.5")] },
    });
    expect(await screen.findByText(/Nothing answers here yet/)).toBeVisible();
    await user.type(screen.getByLabelText("API key"), "sk-ant-0123456789{Enter}");
    expect(await screen.findByText("Anthropic accepts the key.")).toBeVisible();
    expect(screen.getByRole("checkbox", { name: "Claude Sonnet 4.5" })).toBeChecked();
    expect(screen.getByRole("button", { name: /^Use 1 model/ })).toBeEnabled();
    expect(requests.find(({ path }) => path.endsWith("/providers"))?.body).toEqual({
      kind: "anthropic",
      key: "sk-ant-0123456789",
    });
    await expectAccessible();
  });

  it("offers all that a provider has, however many pages they are", async () => {
    const [first, ...others] = models;
    const { user } = await open({
      "GET /api/v1/llm/discover": { items: [] },
      "POST /api/v1/llm/keys/recognise": { kinds: [{ kind: "openrouter", label: "OpenRouter" }] },
      "GET /api/v1/admin/models": ({ search }: { search: URLSearchParams }) =>
        search.get("cursor") === "more" ? { items: others } : { items: [first], next_cursor: "more" },
    });
    await user.type(await screen.findByLabelText("API key"), "sk-or-0123456789{Enter}");
    expect(await screen.findAllByRole("checkbox")).toHaveLength(models.length);
  });

  it("asks whose a key is when its shape says nothing, and takes a refused one away again", async () => {
    const { user, requests } = await open({
      "POST /api/v1/llm/keys/recognise": { kinds: [] },
      "POST /api/v1/admin/providers": { ...provider, problem: "gateway.key_refused" },
      "DELETE /api/v1/admin/providers/{id}": null,
    });
    await user.type(await screen.findByLabelText("API key"), "secret{Enter}");
    expect(await screen.findByText(/does not know this shape/)).toBeVisible();
    await user.click(screen.getByRole("combobox", { name: "Whose key is it?" }));
    await user.click(await screen.findByRole("option", { name: "Groq" }));
    await user.click(screen.getByRole("button", { name: "Test" }));
    expect(await screen.findByText(/does not accept this key/)).toBeVisible();
    await waitFor(() => expect(requests.some(({ method }) => method === "DELETE")).toBe(true));
  });

  it("goes on with passages only, and sends nothing", async () => {
    const { user, next, requests } = await open();
    await user.click(await screen.findByRole("radio", { name: /Without a model/ }));
    await user.click(screen.getByRole("button", { name: /^Use passages only/ }));
    expect(next).toHaveBeenCalled();
    expect(requests.every(({ method }) => method === "GET")).toBe(true);
  });

  it("does not go on with a key that nobody tested", async () => {
    const { user, next } = await open();
    await user.click(await screen.findByRole("radio", { name: "With an API key" }));
    await user.click(screen.getByRole("button", { name: /^Use 0 models/ }));
    expect(screen.getByText("Please test the key first.")).toBeVisible();
    expect(next).not.toHaveBeenCalled();
  });
});
