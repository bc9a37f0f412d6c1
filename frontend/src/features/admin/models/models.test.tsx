import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { local, makeModel } from "@/shared/models/test-kit";
import { problem } from "@/shared/test/network";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import AdminScreen from "../AdminScreen";
import { admin, Desk } from "../test-kit";
import type { AdminModel, LlmConfig } from "./api";

const ui = (
  <Desk>
    <AdminScreen />
  </Desk>
);
const at = (section: string) => ({ at: `/admin/${section}`, path: "/admin/$section", me: admin });
const sonnet = makeModel();
const vectors = makeModel({ id: "v1", name: "embed", label: "Embed 3", gives: ["vector"] });
const own = makeModel({
  id: "o1",
  name: "own",
  label: "My own",
  provider: { id: "of-a-person", kind: "openai", label: "Mine", is_local: false },
});
const model: AdminModel = {
  id: sonnet.id,
  provider: sonnet.provider,
  name: "claude-sonnet-4-5",
  label: "Claude Sonnet 4.5",
  description: "Good for documents.",
  context_total: 200_000,
  max_input: null,
  max_output: 64_000,
  takes: ["text", "image"],
  gives: ["text"],
  features: ["tools"],
  efforts: null,
  dimensions: null,
  size_bytes: null,
  deprecated_on: null,
  edited: [],
  source: "listed",
  is_enabled: true,
  enabled_roles: ["admin", "manager", "user"],
  gone_at: null,
  version: 5,
};
const network = {
  "GET /api/v1/admin/models": { items: [model], next_cursor: null },
  "GET /api/v1/admin/providers": { items: [{ id: sonnet.provider.id }, { id: local.provider.id }], kinds: [] },
  "GET /api/v1/llm/models": { items: [sonnet, local, vectors, own], rules: [], default: "auto" },
  "PATCH /api/v1/admin/models/{id}": ({ body }: { body: object }) => ({ ...model, ...body }),
};

describe("the models", () => {
  it("are told with their price, window and who may use them", async () => {
    await renderScreen(ui, { ...at("models"), network });
    const row = (await screen.findByRole("button", { name: "Claude Sonnet 4.5" })).closest("tr") as HTMLElement;
    await waitFor(() => expect(row).toHaveTextContent("€2.78€13.90200,000everyone"));
    await expectAccessible();
  });

  it("are switched off at once, with a way back", async () => {
    const { user, requests } = await renderScreen(ui, { ...at("models"), network });
    await user.click(await screen.findByRole("switch", { name: "Use Claude Sonnet 4.5" }));
    await user.click(await screen.findByRole("button", { name: /Undo/ }));
    await waitFor(() =>
      expect(requests.filter(({ method }) => method === "PATCH").map(({ body }) => body)).toEqual([
        { is_enabled: false },
        { is_enabled: true },
      ]),
    );
  });

  it("are renamed and kept from roles; emptied, a field says again what the provider says", async () => {
    const { user, requests } = await renderScreen(ui, { ...at("models"), network });
    await user.click(await screen.findByRole("button", { name: "Claude Sonnet 4.5" }));
    await user.click(await screen.findByRole("button", { name: "Edit" }));
    const dialog = await screen.findByRole("dialog");
    await user.clear(within(dialog).getByRole("textbox", { name: /^Description/ }));
    await user.clear(within(dialog).getByRole("textbox", { name: /^Window/ }));
    await user.type(within(dialog).getByRole("textbox", { name: /^Window/ }), "many");
    await user.click(within(dialog).getByRole("checkbox", { name: "User" }));
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await within(dialog).findByText(/whole number of tokens/)).toBeVisible();
    await user.clear(within(dialog).getByRole("textbox", { name: /^Window/ }));
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Changed: Claude Sonnet 4.5")).toBeVisible();
    const patch = requests.find(({ method }) => method === "PATCH");
    expect(patch?.headers.get("if-match")).toBe('"5"');
    const body = patch?.body as { enabled_roles: string[] };
    expect({ ...body, enabled_roles: body.enabled_roles.toSorted() }).toEqual({
      description: null,
      context_total: null,
      enabled_roles: ["admin", "manager"],
    });
  });

  it("are drawn as far as they are in sight, read on near the end, and walked by arrows", async () => {
    const page = (from: number) =>
      Array.from({ length: 100 }, (_, index) => ({
        ...model,
        id: `m${from + index}`,
        label: `Model ${from + index}`,
      }));
    const { user, requests } = await renderScreen(ui, {
      ...at("models"),
      network: {
        ...network,
        "GET /api/v1/admin/models": ({ search }: { search: URLSearchParams }) =>
          search.get("cursor") ? { items: page(100), next_cursor: null } : { items: page(0), next_cursor: "further" },
      },
    });
    const first = await screen.findByRole("button", { name: "Model 0" });
    expect(screen.getAllByRole("row").length).toBeLessThan(40);
    expect(screen.getByRole("table")).toHaveAttribute("aria-rowcount", "-1");
    first.focus();
    await user.keyboard("{ArrowDown}");
    await waitFor(() => expect(screen.getByRole("button", { name: "Model 1" })).toHaveFocus());
    await user.click(screen.getByRole("button", { name: "Load more" }));
    await waitFor(() => expect(screen.getByRole("table")).toHaveAttribute("aria-rowcount", "201"));
    expect(requests.filter(({ path }) => path.endsWith("/admin/models"))).toHaveLength(2);
    await expectAccessible();
  });

  it("are filtered by the address", async () => {
    const { requests } = await renderScreen(ui, {
      ...at("models?provider=p1&state=off"),
      network: { ...network, "GET /api/v1/admin/models": { items: [], next_cursor: null } },
    });
    expect(await screen.findByText("No model matches.")).toBeVisible();
    const asked = requests.find(({ path }) => path.endsWith("/admin/models"));
    expect([asked?.search.get("provider"), asked?.search.get("enabled")]).toEqual(["p1", "false"]);
  });
});

const config: LlmConfig = {
  default_model: null,
  embedding_model: null,
  aliases: [{ name: "fast", model: "anthropic/sonnet", fallbacks: [] }],
  rules: [],
  cut_stream_policy: "cancel",
  unanswered_policy: "input",
  own_keys_allowed: true,
  own_addresses_allowed: false,
  version: 7,
};

describe("the choice of models", () => {
  const choosing = {
    ...network,
    "GET /api/v1/admin/llm-config": config,
    "PUT /api/v1/admin/llm-config": ({ body }: { body: object }) => ({ ...body, version: 8 }),
  };

  it("is saved whole, with the version one saw, and taken back", async () => {
    const { user, requests } = await renderScreen(ui, { ...at("choice"), network: choosing });
    await user.click(await screen.findByRole("switch", { name: "People may use keys of their own" }));
    expect(await screen.findByText("People no longer use keys of their own")).toBeVisible();
    await user.click(await screen.findByRole("button", { name: /Undo/ }));
    await waitFor(() => expect(requests.filter(({ method }) => method === "PUT")).toHaveLength(2));
    const [first, second] = requests.filter(({ method }) => method === "PUT");
    const { version, ...whole } = config;
    expect([first?.headers.get("if-match"), first?.body]).toEqual([
      `"${version}"`,
      { ...whole, own_keys_allowed: false },
    ]);
    expect([second?.headers.get("if-match"), second?.body]).toEqual(['"8"', whole]);
    await expectAccessible();
  });

  it("takes the default from the picker, and says what it was before", async () => {
    const { user, requests } = await renderScreen(ui, { ...at("choice"), network: choosing });
    await user.click(await screen.findByRole("button", { name: "Choose a model" }));
    await user.click(await screen.findByRole("button", { name: "Use Claude Sonnet 4.5" }));
    expect(await screen.findByText("Default: Claude Sonnet 4.5")).toBeVisible();
    const put = requests.find(({ method }) => method === "PUT")?.body as LlmConfig;
    expect(put.default_model).toBe("anthropic/sonnet");
  });

  it("takes a new name for a model, and refuses one that is taken", async () => {
    const { user, requests } = await renderScreen(ui, { ...at("choice"), network: choosing });
    await user.click(await screen.findByRole("button", { name: "Add a name" }));
    const dialog = await screen.findByRole("dialog");
    const name = within(dialog).getByRole("textbox", { name: "Name" });
    await user.type(name, "fast");
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await within(dialog).findByText("This name is taken.")).toBeVisible();
    await user.clear(name);
    await user.type(name, "good");
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(within(dialog).getByText("Please choose a model.")).toBeVisible();
    await user.type(within(dialog).getByRole("combobox", { name: "Model" }), "son");
    await user.click(await screen.findByRole("option", { name: /Claude Sonnet/ }));
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Name saved: good")).toBeVisible();
    const put = requests.find(({ method }) => method === "PUT")?.body as LlmConfig;
    expect(put.aliases).toEqual([...config.aliases, { name: "good", model: "anthropic/sonnet", fallbacks: [] }]);
  });

  it("puts those that stand in into an order, by keyboard alone", async () => {
    const alias = { name: "fast", model: "anthropic/sonnet", fallbacks: ["ollama/phi4", "mistral/gone"] };
    const { user, requests } = await renderScreen(ui, {
      ...at("choice"),
      network: { ...choosing, "GET /api/v1/admin/llm-config": { ...config, default_model: "fast", aliases: [alias] } },
    });
    await user.click(await screen.findByRole("button", { name: "Edit the name fast" }));
    const dialog = await screen.findByRole("dialog", { name: "Edit name" });
    const list = within(dialog).getByRole("list", { name: "If it cannot answer" });
    const names = () =>
      within(list)
        .getAllByRole("listitem")
        .map((item) => item.textContent);
    expect(names()).toEqual([expect.stringMatching("Phi-4"), expect.stringMatching("mistral/gone")]);
    await expectAccessible();
    within(list).getByRole("button", { name: "Move mistral/gone up" }).focus();
    await user.keyboard("{Enter}");
    expect(names()).toEqual([expect.stringMatching("mistral/gone"), expect.stringMatching("Phi-4")]);
    // It is at the top now, so the way down is what is left.
    expect(within(list).getByRole("button", { name: "Move mistral/gone down" })).toHaveFocus();
    await user.click(within(list).getByRole("button", { name: "Take Phi-4 out" }));
    const name = within(dialog).getByRole("textbox", { name: "Name" });
    await user.clear(name);
    await user.type(name, "quick");
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Name saved: quick")).toBeVisible();
    const put = requests.find(({ method }) => method === "PUT")?.body as LlmConfig;
    expect(put.aliases).toEqual([{ name: "quick", model: "anthropic/sonnet", fallbacks: ["mistral/gone"] }]);
    // The default went by the old name.
    expect(put.default_model).toBe("quick");
  });

  it("takes a rule, among the models of the house alone", async () => {
    const { user, requests } = await renderScreen(ui, { ...at("choice"), network: choosing });
    await user.click(await screen.findByRole("button", { name: "Add a rule" }));
    const dialog = await screen.findByRole("dialog", { name: "Add a rule" });
    await user.type(within(dialog).getByRole("textbox", { name: "Name" }), "thrifty");
    await user.click(within(dialog).getByRole("radio", { name: "the cheapest that fits" }));
    await user.click(within(dialog).getByRole("combobox", { name: "Add a model to: Among these models" }));
    expect((await screen.findAllByRole("option")).map((option) => option.textContent)).toEqual([
      expect.stringMatching("Claude Sonnet"),
      expect.stringMatching("Phi-4"),
    ]);
    await user.click(screen.getByRole("option", { name: /Phi-4/ }));
    await expectAccessible();
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Rule saved: thrifty")).toBeVisible();
    const put = requests.find(({ method }) => method === "PUT")?.body as LlmConfig;
    expect(put.rules).toEqual([{ name: "thrifty", strategy: "cheapest", models: ["ollama/phi4"] }]);
    await user.click(await screen.findByRole("button", { name: "Remove the rule thrifty" }));
    expect(await screen.findByText("Rule removed: thrifty")).toBeVisible();
  });

  it("sets the model for vectors, and what a question without an answer costs", async () => {
    const { user, requests } = await renderScreen(ui, { ...at("choice"), network: choosing });
    await user.click(await screen.findByRole("combobox", { name: "Model for vectors" }));
    await user.click(await screen.findByRole("option", { name: /Embed 3/ }));
    expect(await screen.findByText("Model for vectors: Embed 3")).toBeVisible();
    await user.click(await screen.findByRole("switch", { name: /never answered/ }));
    expect(await screen.findByText("Unanswered questions cost nothing")).toBeVisible();
    const puts = requests.filter(({ method }) => method === "PUT").map(({ body }) => body as LlmConfig);
    expect(puts.map((put) => [put.embedding_model, put.unanswered_policy])).toEqual([
      ["anthropic/embed", "input"],
      ["anthropic/embed", "nothing"],
    ]);
  });

  it("keeps what was typed when somebody else was quicker, and saves it onto what they left", async () => {
    let version = 7;
    const theirs = { name: "theirs", strategy: "local", models: [] };
    const { user, requests } = await renderScreen(ui, {
      ...at("choice"),
      network: {
        ...choosing,
        "GET /api/v1/admin/llm-config": () => ({ ...config, version, rules: version > 7 ? [theirs] : [] }),
        "PUT /api/v1/admin/llm-config": ({ headers, body }: { headers: Headers; body: object }) => {
          if (headers.get("if-match") === '"8"') return { ...body, version: 9 };
          version = 8;
          return problem(412, "http.stale");
        },
      },
    });
    await user.click(await screen.findByRole("button", { name: "Add a rule" }));
    const dialog = await screen.findByRole("dialog", { name: "Add a rule" });
    await user.type(within(dialog).getByRole("textbox", { name: "Name" }), "mine");
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await within(dialog).findByText(/What you entered is still here/)).toBeVisible();
    await screen.findByText("theirs");
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Rule saved: mine")).toBeVisible();
    const put = requests.findLast(({ method }) => method === "PUT")?.body as LlmConfig;
    expect(put.rules.map(({ name }) => name)).toEqual(["theirs", "mine"]);
  });

  it("says when somebody else was quicker", async () => {
    const { user } = await renderScreen(ui, {
      ...at("choice"),
      network: { ...choosing, "PUT /api/v1/admin/llm-config": () => problem(412, "http.stale") },
    });
    await user.click(await screen.findByRole("switch", { name: /Read on after a stop/ }));
    expect(await screen.findByText(/Someone changed this in the meantime/)).toBeVisible();
  });
});
