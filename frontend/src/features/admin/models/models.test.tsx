import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { makeModel } from "@/shared/models/test-kit";
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
  "GET /api/v1/admin/providers": { items: [], kinds: [] },
  "GET /api/v1/llm/models": { items: [sonnet], rules: [], default: "auto" },
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
    await user.click(within(dialog).getByRole("combobox", { name: "Model" }));
    await user.click(await screen.findByRole("option", { name: /Claude Sonnet/ }));
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Name saved: good")).toBeVisible();
    const put = requests.find(({ method }) => method === "PUT")?.body as LlmConfig;
    expect(put.aliases).toEqual([...config.aliases, { name: "good", model: "anthropic/sonnet", fallbacks: [] }]);
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
