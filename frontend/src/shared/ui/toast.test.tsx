import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { Problem } from "../api/problem";
import { renderScreen } from "../test/render";
import { progressToast, toast, undo } from "./toast";
import { newestUndo } from "./undo";

describe("toasts", () => {
  it("say the new state and take it back by button, once", async () => {
    const takeBack = vi.fn();
    const { user } = await renderScreen(<p>page</p>);
    toast({ text: "R. K. suspended", undo: takeBack });
    expect(await screen.findByText("R. K. suspended", {}, { timeout: 5000 })).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Undo" }));
    expect(takeBack).toHaveBeenCalledTimes(1);
    await waitFor(() => expect(screen.queryByRole("button", { name: "Undo" })).toBeNull());
    expect(newestUndo()).toBeUndefined();
  });

  it("can be closed by whoever does not see them", async () => {
    const { user } = await renderScreen(<p>page</p>);
    toast({ text: "Saved" });
    await screen.findByText("Saved", {}, { timeout: 5000 });
    await user.click(screen.getByRole("button", { name: "Close" }));
    await waitFor(() => expect(screen.queryByText("Saved")).toBeNull());
  });

  it("remember how to take back after they are gone, newest first", async () => {
    await renderScreen(<p>page</p>);
    const order: string[] = [];
    toast({ text: "first", undo: () => order.push("first") });
    toast({ text: "second", undo: () => order.push("second") });
    for (let entry = newestUndo(); entry; entry = newestUndo()) await undo(entry);
    expect(order).toEqual(["second", "first"]);
  });

  it("say why something could not be taken back", async () => {
    await renderScreen(<p>page</p>);
    toast({ text: "Deleted", undo: () => Promise.reject(new Problem({ status: 404, code: "people.not_found" })) });
    const entry = newestUndo();
    if (!entry) throw new Error("nothing to take back");
    await undo(entry);
    expect(
      await screen.findByText(/This person does not exist any more|This is not here/, {}, { timeout: 5000 }),
    ).toBeVisible();
  });

  it("show progress until it ends", async () => {
    await renderScreen(<p>page</p>);
    progressToast("plans", { text: "Plans, page 9 of 41", done: 9, total: 41 });
    const bar = await screen.findByRole("progressbar", { name: "Plans, page 9 of 41" }, { timeout: 5000 });
    expect(bar).toHaveAttribute("aria-valuenow", "22");
    progressToast("plans", null);
    await waitFor(() => expect(screen.queryByRole("progressbar")).toBeNull());
  });
});
