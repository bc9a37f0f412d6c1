import { screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { describe, expect, it } from "vitest";
import { expectAccessible, renderScreen } from "../test/render";
import { DateField } from "./date-field";

let chosen: string | undefined;

function Form({ initial }: { initial?: string }) {
  const [day, setDay] = useState(initial);
  chosen = day;
  return (
    <>
      <DateField label="From" value={day} onChange={setDay} />
      <button type="button" onClick={() => setDay("2026-12-24")}>
        Christmas
      </button>
    </>
  );
}

const field = () => screen.getByRole("textbox", { name: "From" });

describe("the field for a day", () => {
  it("speaks the format of the person, not of the browser", async () => {
    await renderScreen(<Form initial="2026-11-05" />, { language: "de" });
    expect(field()).toHaveValue("05.11.2026");
    expect(field()).toHaveAccessibleDescription("Ein Tag als TT.MM.JJJJ.");
    await expectAccessible();
  });

  it("takes what is typed when one leaves it or presses Enter, in the usual ways of writing", async () => {
    const { user } = await renderScreen(<Form />);
    await user.type(field(), "5.11.26");
    expect(chosen).toBeUndefined();
    await user.tab();
    expect([chosen, (field() as HTMLInputElement).value]).toEqual(["2026-11-05", "05/11/2026"]);
    await user.clear(field());
    await user.type(field(), "2026-11-06{Enter}");
    expect([chosen, (field() as HTMLInputElement).value]).toEqual(["2026-11-06", "06/11/2026"]);
    await user.clear(field());
    await user.tab();
    expect(chosen).toBeUndefined();
  });

  it("says what is wrong at the field, keeps the text, and is quiet while one types", async () => {
    const { user } = await renderScreen(<Form initial="2026-11-05" />);
    await user.clear(field());
    await user.type(field(), "31/11/2026");
    await user.tab();
    expect(field()).toBeInvalid();
    expect(field()).toHaveAccessibleDescription(/Please write a day as dd\/mm\/yyyy/);
    expect([chosen, (field() as HTMLInputElement).value]).toEqual(["2026-11-05", "31/11/2026"]);
    await expectAccessible();
    await user.type(field(), "{Backspace}");
    expect(field()).toBeValid();
    await user.click(screen.getByRole("button", { name: "Christmas" }));
    expect(field()).toHaveValue("24/12/2026");
    expect(field()).toBeValid();
  });

  it("is chosen from a calendar by keyboard alone", async () => {
    const { user } = await renderScreen(<Form initial="2026-11-30" />);
    await user.tab();
    await user.tab();
    expect(screen.getByRole("button", { name: "Choose a day" })).toHaveFocus();
    await user.keyboard("{Enter}");
    expect(await screen.findByRole("grid", { name: "November 2026" })).toBeVisible();
    await waitFor(() => expect(screen.getByRole("button", { name: /^Monday,? 30 November 2026$/ })).toHaveFocus());
    await expectAccessible();
    await user.keyboard("{ArrowRight}");
    expect(screen.getByRole("grid", { name: "December 2026" })).toBeVisible();
    expect(screen.getByRole("button", { name: /^Tuesday,? 1 December 2026$/ })).toHaveFocus();
    await user.keyboard("{PageDown}{ArrowDown}{End}");
    expect(screen.getByRole("button", { name: /^Sunday,? 10 January 2027$/ })).toHaveFocus();
    await user.keyboard("{Enter}");
    await waitFor(() => expect(screen.queryByRole("grid")).toBeNull());
    expect([chosen, (field() as HTMLInputElement).value]).toEqual(["2027-01-10", "10/01/2027"]);
    await waitFor(() => expect(screen.getByRole("button", { name: "Choose a day" })).toHaveFocus());
  });
});
