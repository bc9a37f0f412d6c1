import { screen, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { expectAccessible, renderScreen } from "../test/render";
import type { Need } from "./fit";
import { ModelChoice } from "./ModelChoice";
import { ModelPicker } from "./ModelPicker";
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

async function open(change: Partial<Parameters<typeof ModelPicker>[0]> = {}, language: "de" | "en" = "en") {
  const onChoose = vi.fn();
  const view = await renderScreen(
    <ModelPicker models={models} need={need} value={sonnet.id} onChoose={onChoose} {...change} />,
    { language },
  );
  return { ...view, onChoose };
}

describe("the model picker", () => {
  it("tells each model with its upper price for the next answer, and what cannot be used last", async () => {
    await open();
    const options = screen.getAllByRole("option").map((option) => plain(option.textContent));
    expect(options).toEqual(["ClClaude Sonnet 4.5up to 8.1 ct", "PhPhi-4free", "CaCampus Llama 70Bdown"]);
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

  it("counts as the server counted", async () => {
    await open({
      counts: new Map([["sonnet", { model: "sonnet", tokens: 1000, tokens_low: 900, tokens_high: 1100 }]]),
    });
    expect(screen.getByText("1,000 tokens")).toBeVisible();
    expect(screen.getByText("Fits, 198,000 tokens to spare")).toBeVisible();
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
    expect(within(dialog).getByRole("combobox")).toHaveFocus();
    await user.keyboard("phi{Enter}");
    expect(onChoose).toHaveBeenCalledWith(local, null);
  });
});
