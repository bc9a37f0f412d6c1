import { act, render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { setLocale } from "./locale";
import { defineTexts, sayIn, useTexts } from "./texts";

const texts = defineTexts("test", {
  en: { hello: "Hello", people: "{count, plural, =0 {Nobody} one {# person} other {# people}} in {place}" },
  de: { hello: "Guten Tag", people: "{count, plural, =0 {Niemand} one {# Person} other {# Personen}} in {place}" },
});

describe("texts", () => {
  it("are ICU messages with plurals", () => {
    const de = sayIn(texts, "de");
    expect(de("people", { count: 0, place: "Kiel" })).toBe("Niemand in Kiel");
    expect(de("people", { count: 1, place: "Kiel" })).toBe("1 Person in Kiel");
    expect(sayIn(texts, "en")("people", { count: 1200, place: "Kiel" })).toBe("1,200 people in Kiel");
  });

  it("are not read as markup: what people typed stays what they typed", () => {
    expect(sayIn(texts, "en")("people", { count: 1, place: "<b>{x}</b>" })).toBe("1 person in <b>{x}</b>");
  });

  it("follow a change of language", () => {
    setLocale({ language: "en" });
    const Probe = () => useTexts(texts)("hello");
    render(<Probe />);
    expect(screen.getByText("Hello")).toBeVisible();
    act(() => setLocale({ language: "de" }));
    expect(screen.getByText("Guten Tag")).toBeVisible();
    expect(document.documentElement.lang).toBe("de");
  });
});
