import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { defineActions } from "../keys/registry";
import { type Network, problem } from "../test/network";
import { makeMe, settings } from "../test/people";
import { expectAccessible, renderScreen } from "../test/render";
import type { Need } from "./fit";
import { ModelChoice } from "./ModelChoice";
import { ModelPicker, type ModelPickerProps } from "./ModelPicker";
import { broken, local, makeModel } from "./test-kit";

const sonnet = makeModel();
const models = [broken, sonnet, local];
const need: Need = {
  tokens: 19_060,
  maxOutput: 1000,
  takes: ["image"],
  turns: [2000, 1500, 1500, 1000],
  passages: [600, 600, 600, 600, 600, 600],
};
const plain = (text: string | null | undefined) => text?.replaceAll("\u00a0", " ");

async function open(
  { network, ...change }: Partial<ModelPickerProps> & { network?: Network } = {},
  language: "de" | "en" = "en",
) {
  const onChoose = vi.fn();
  const view = await renderScreen(
    <ModelPicker models={models} need={need} value={sonnet.id} onChoose={onChoose} {...change} />,
    { language, network },
  );
  return { ...view, onChoose };
}

const options = () => screen.getAllByRole("option").map((option) => plain(option.textContent));

describe("the model picker", () => {
  it("tells each model with its upper price for the next answer, and what cannot be used last", async () => {
    await open();
    expect(options()).toEqual(["ClClaude Sonnet 4.5up to 8.1 ct", "PhPhi-4free", "CaCampus Llama 70Bdown"]);
    expect(screen.getByText("Chosen")).toBeDisabled();
    await expectAccessible();
  });

  it("shows what has to go before it switches, by keyboard alone", async () => {
    const { user, onChoose } = await open({}, "de");
    await user.type(screen.getByRole("combobox", { name: "Modell suchen" }), "phi");
    expect(screen.getByText("bleibt auf diesem Server")).toBeVisible();
    expect(screen.getByText("2.676 Tokens zu viel")).toBeVisible();
    expect(screen.getByText("liest keine Bilder")).toBeVisible();
    await user.click(screen.getByRole("radio", { name: "Weniger Stellen" }));
    await user.click(screen.getByRole("button", { name: "Zu Phi-4 wechseln" }));
    expect(onChoose).toHaveBeenCalledWith(local, { kind: "passages", keep: 1, of: 6 });
    await expectAccessible();
  });

  it("takes the model under the cursor with Enter, and refuses a broken one with the reason", async () => {
    const { user, onChoose } = await open();
    const search = screen.getByRole("combobox");
    await user.click(search);
    await user.keyboard("{ArrowDown}{ArrowDown}");
    expect(screen.getByRole("option", { selected: true })).toHaveTextContent("Campus Llama 70B");
    expect(screen.getByText(/does not answer at the moment/)).toBeVisible();
    await user.keyboard("{Enter}");
    expect(onChoose).not.toHaveBeenCalled();
    await user.keyboard("{ArrowUp}{Enter}");
    expect(onChoose).toHaveBeenCalledWith(local, expect.objectContaining({ kind: "summarise" }));
  });

  it("counts as the server counts, and asks only for what is in sight", async () => {
    const counted = {
      model: "sonnet",
      provider: "anthropic",
      tokens: 1000,
      tokens_low: 900,
      tokens_high: 1100,
      context_total: 200_000,
      fits: true,
      price: null,
    };
    const { requests } = await open({
      question: { prompt: "Which bridges come first?" },
      network: {
        "POST /api/v1/llm/count": ({ body }: { body: { models: string[] } }) => ({
          items: body.models.map(() => counted),
        }),
      },
    });
    expect(screen.getByText("Roughly estimated")).toBeVisible();
    expect(await screen.findByText("1,000 tokens")).toBeVisible();
    expect(screen.getByText("Estimated, between 900 and 1,100")).toBeVisible();
    expect(screen.getByText("Fits, 198,000 tokens to spare")).toBeVisible();
    expect(requests.map(({ body }) => body)).toEqual([
      { prompt: "Which bridges come first?", tools: [], models: [sonnet.id, local.id] },
    ]);
  });

  it("says what the next answer costs, and what of it is one's own text", async () => {
    await open();
    const lines = screen
      .getAllByRole("term")
      .map((term) => plain(`${term.textContent} ${term.nextSibling?.textContent}`));
    expect(lines).toEqual(["Next answer up to 8.1 ct", "your text 6.7 ct", "answer of 1,000 tokens 1.4 ct"]);
  });

  it("tells prices per million where nothing is being written", async () => {
    await open({ need: null });
    expect(screen.getByRole("option", { name: /Claude/ })).toHaveTextContent("€2.78");
    expect(screen.getByText("€13.90 per million")).toBeVisible();
    expect(screen.getByText("200,000 tokens")).toBeVisible();
  });

  it("says so when nothing is found, and when there is nothing", async () => {
    const { user } = await open();
    await user.type(screen.getByRole("combobox"), "xyz");
    expect(screen.getByRole("status")).toHaveTextContent("No model is called “xyz”.");
  });

  it("opens from the button that names the model in use", async () => {
    const onChoose = vi.fn();
    const { user } = await renderScreen(<ModelChoice models={models} value={sonnet.id} onChoose={onChoose} />);
    await user.click(screen.getByRole("button", { name: "Model: Claude Sonnet 4.5" }));
    const dialog = await screen.findByRole("dialog", { name: "Choose a model" });
    await waitFor(() => expect(within(dialog).getByRole("combobox")).toHaveFocus());
    await user.keyboard("phi{Enter}");
    expect(onChoose).toHaveBeenCalledWith(local, null);
  });

  it("draws of a thousand models those in sight, and goes on by the keyboard", async () => {
    const many = Array.from({ length: 900 }, (_, index) =>
      makeModel({ id: `model-${index}`, name: `m${index}`, label: `Model ${String(index).padStart(3, "0")}` }),
    );
    const { user } = await open({ models: many, value: null, need: null });
    const drawn = screen.getAllByRole("option");
    expect(drawn.length).toBeLessThan(40);
    expect(drawn[0]).toHaveAttribute("aria-setsize", "900");
    expect(screen.getByText("900 models")).toBeVisible();
    await user.type(screen.getByRole("combobox"), "89");
    expect(screen.getByText("19 of 900 models")).toBeVisible();
    await user.keyboard("{ArrowDown}{ArrowDown}");
    expect(screen.getByRole("option", { selected: true })).toHaveAttribute("aria-posinset", "3");
  });

  it("keeps to those that fulfil every filter", async () => {
    const { user } = await open();
    await user.click(screen.getByRole("button", { name: "Images" }));
    expect(options()).toEqual([expect.stringMatching("Sonnet"), expect.stringMatching("Llama")]);
    await user.click(screen.getByRole("button", { name: "Free" }));
    expect(screen.getByRole("status")).toHaveTextContent("No model has all of this.");
    await user.click(screen.getByRole("button", { name: "Images" }));
    expect(options()).toEqual([expect.stringMatching("Phi-4")]);
    expect(screen.getByRole("button", { name: "Free" })).toHaveAttribute("aria-pressed", "true");
    await expectAccessible();
  });

  it("shows favourites first, and marks one by its key, its button or its star", async () => {
    defineActions([
      { id: "models.favourite", title: { en: "Favourite", de: "Favorit" }, keys: "Mod+D", where: "palette" },
    ]);
    const onFavourite = vi.fn();
    const { user } = await open({ favourites: [local.id], onFavourite });
    expect(options()).toEqual([
      expect.stringMatching("Phi-4"),
      expect.stringMatching("Sonnet"),
      expect.stringMatching("Llama"),
    ]);
    expect(screen.getByRole("option", { name: /Phi-4.*favourite/ })).toBeVisible();
    await user.click(screen.getByRole("combobox"));
    await user.keyboard("{Control>}d{/Control}");
    expect(onFavourite).toHaveBeenLastCalledWith(sonnet.id, true);
    await user.keyboard("{ArrowUp}");
    await user.click(screen.getByRole("button", { name: "Phi-4 is a favourite no longer", pressed: true }));
    expect(onFavourite).toHaveBeenLastCalledWith(local.id, false);
    await user.click(screen.getByTitle("Make Campus Llama 70B a favourite"));
    expect(onFavourite).toHaveBeenLastCalledWith(broken.id, true);
    await expectAccessible();
  });

  it("sets up to four side by side, and takes one of them", async () => {
    const more = ["Xa", "Xb", "Xc"].map((label) => makeModel({ id: label, name: label, label }));
    const { user, onChoose } = await open({ models: [...models, ...more] });
    await user.click(screen.getByRole("combobox"));
    await user.click(screen.getByRole("button", { name: "Compare several" }));
    await user.click(screen.getByRole("option", { name: /Phi-4/ }));
    const table = screen.getByRole("table", { name: "Comparison" });
    const row = (name: string) =>
      within(within(table).getByRole("row", { name: new RegExp(`^${name}`) }))
        .getAllByRole("cell")
        .map((cell) => plain(cell.textContent));
    expect(row("Next answer")).toEqual(["up to 8.1 ct", "free"]);
    expect(row("Window")).toEqual(["200,000 tokens", "17,384 tokens"]);
    expect(row("Your text fits")[1]).toBe("does not fit");
    expect(within(table).getAllByRole("img", { name: "no" })).toHaveLength(6);
    await user.click(screen.getByRole("combobox"));
    await user.keyboard("Xa{Enter}");
    await user.clear(screen.getByRole("combobox"));
    for (const label of ["Xb", "Xc"]) await user.click(screen.getByRole("option", { name: new RegExp(`^${label}`) }));
    expect(within(table).getAllByRole("columnheader")).toHaveLength(4);
    await expectAccessible();
    await user.click(within(table).getByRole("button", { name: "Compare without Xa" }));
    await user.click(within(table).getByRole("button", { name: "Use Phi-4" }));
    expect(onChoose).toHaveBeenCalledWith(local, expect.objectContaining({ kind: "summarise" }));
  });

  it("says when one's own default is gone, and which model is it", async () => {
    const gone = { name: "old", label: "Old model", model_id: null, is_usable: false };
    const { unmount } = await open({ preferred: gone }, "de");
    expect(screen.getByText(/Old model, Ihre eigene Vorgabe, lässt sich gerade nicht verwenden/)).toBeVisible();
    unmount();
    await open({ preferred: { name: local.id, label: local.label, model_id: local.id, is_usable: true } });
    expect(screen.getByRole("option", { name: /Phi-4.*your default/ })).toBeVisible();
  });

  it("keeps favourites with the person, at once, and takes them back when that fails", async () => {
    const me = makeMe({ settings: { ...settings, favourite_models: [] } });
    const answers = [{ ...settings, version: 2, favourite_models: [sonnet.id] }, problem(503, "database.away")];
    const { user, requests } = await renderScreen(
      <ModelChoice models={models} value={sonnet.id} onChoose={vi.fn()} />,
      {
        me,
        network: {
          "PUT /api/v1/llm/favourites/{id}": () => answers.shift(),
          "DELETE /api/v1/llm/favourites/{id}": () => answers.shift(),
        },
      },
    );
    await user.click(screen.getByRole("button", { name: "Model: Claude Sonnet 4.5" }));
    await user.click(await screen.findByRole("button", { name: "Make Claude Sonnet 4.5 a favourite" }));
    await user.click(await screen.findByRole("button", { name: "Claude Sonnet 4.5 is a favourite no longer" }));
    await waitFor(() => expect(requests).toHaveLength(2));
    expect(await screen.findByRole("button", { name: "Claude Sonnet 4.5 is a favourite no longer" })).toBeVisible();
    expect(requests.map(({ method, path }) => [method, path.split("/").at(-1)])).toEqual([
      ["PUT", sonnet.id],
      ["DELETE", sonnet.id],
    ]);
  });
});
