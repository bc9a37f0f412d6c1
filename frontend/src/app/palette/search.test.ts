import { House } from "lucide-react";
import { describe, expect, it } from "vitest";
import { closeness, marked, rank } from "./search";

const entry = (title: string, hint?: string) => ({ id: title, title, hint, icon: House });

describe("the palette's search", () => {
  it("prefers the beginning, then beginnings of words, then the middle", () => {
    const entries = [entry("Alle Brücken"), entry("Rückbrücke"), entry("Brückenkataster")];
    expect(rank(entries, "brück").map(({ title }) => title)).toEqual(["Brückenkataster", "Alle Brücken", "Rückbrücke"]);
  });

  it("does not mind case and accents, and wants every word", () => {
    expect(closeness("Übersicht der Aufträge", "uber auft")).toBeGreaterThan(0);
    expect(closeness("Übersicht", "uber auft")).toBe(0);
    expect(rank([entry("Zwei (Faktor)")], "(fak")).toHaveLength(1);
  });

  it("finds by the second line too, after the first", () => {
    expect(rank([entry("Keys", "Settings"), entry("Settings")], "sett").map(({ title }) => title)).toEqual([
      "Settings",
      "Keys",
    ]);
  });

  it("marks what was found", () => {
    expect(marked("Klappbrücke", "brucke")).toEqual([
      { text: "Klapp", hit: false },
      { text: "brücke", hit: true },
    ]);
    expect(marked("Start", "")).toEqual([{ text: "Start", hit: false }]);
  });
});
