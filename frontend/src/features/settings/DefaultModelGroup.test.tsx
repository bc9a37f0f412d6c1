import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { local, makeModel } from "@/shared/models/test-kit";
import { makeMe, settings } from "@/shared/test/people";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import { DefaultModelGroup } from "./DefaultModelGroup";

const sonnet = makeModel({ aliases: ["good"] });
const rules = ["auto", "cheapest", "local"].map((name) => ({ name, strategy: name, is_built_in: true }));
const list = { items: [sonnet, local], rules, default: "good", default_model_id: sonnet.id, preferred: null };

const open = (change: object = {}, default_model: string | null = null) =>
  renderScreen(<DefaultModelGroup />, {
    me: makeMe({ settings: { ...settings, default_model } }),
    network: {
      "GET /api/v1/llm/models": { ...list, ...change },
      "PUT /api/v1/llm/preferred": ({ body }: { body: { model: string | null } }) => ({
        ...settings,
        default_model: body.model,
      }),
    },
  });

describe("one's own default model", () => {
  it("is that of the house until one is chosen, and can be taken back", async () => {
    const { user, requests } = await open();
    const choice = await screen.findByRole("combobox", { name: "Your default model" });
    expect(choice).toHaveTextContent("As the house has it: Claude Sonnet 4.5");
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "Choose a model" }));
    await user.click(await screen.findByRole("option", { name: /Phi-4/ }));
    await user.click(screen.getByRole("button", { name: "Use Phi-4" }));
    expect(await screen.findByText("Your default: Phi-4")).toBeVisible();
    await user.click(screen.getByRole("button", { name: /Undo/ }));
    await waitFor(() =>
      expect(requests.filter(({ method }) => method === "PUT").map(({ body }) => body)).toEqual([
        { model: local.id },
        { model: null },
      ]),
    );
    await waitFor(() => expect(choice).toHaveTextContent("As the house has it"));
  });

  it("may be a rule, or a name of the house", async () => {
    const { user, requests } = await open();
    await user.click(await screen.findByRole("combobox", { name: "Your default model" }));
    expect(await screen.findByRole("option", { name: "good" })).toBeVisible();
    await user.click(screen.getByRole("option", { name: "The cheapest that fits" }));
    expect(await screen.findByText("Your default: The cheapest that fits")).toBeVisible();
    expect(requests.find(({ method }) => method === "PUT")?.body).toEqual({ model: "cheapest" });
  });

  it("says when it is gone, who answers instead, and leads back to the house's", async () => {
    const preferred = { name: "m9", label: "Old model", model_id: null, is_usable: false };
    const { user, requests } = await open({ preferred }, "m9");
    expect(await screen.findByText(/Old model, which you had set for yourself, cannot be used/)).toBeVisible();
    expect(screen.getByRole("combobox", { name: "Your default model" })).toHaveTextContent("Old model");
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "Take the default of the house: Claude Sonnet 4.5" }));
    await waitFor(() => expect(requests.find(({ method }) => method === "PUT")?.body).toEqual({ model: null }));
  });
});
