// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { fitOf, type Need } from "./fit";
import { formatRate, tileCode, toNano, upperCost } from "./price";
import { local, makeModel } from "./test-kit";

const need: Need = {
  tokens: 19_060,
  maxOutput: 1000,
  takes: ["image"],
  turns: [2000, 1500, 1500, 1000, 1000, 1000],
  passages: Array.from({ length: 14 }, () => 600),
};
const model = makeModel();

describe("what the next answer would be for a model", () => {
  it("has its upper price: the dearest way to read what is there, and the longest answer", () => {
    const fit = fitOf(model, need, undefined);
    expect([fit.over, fit.currency]).toEqual([0, "EUR"]);
    expect(fit.nano).toBe(Math.ceil((19_060 * 3.475e9 + 1000 * 13.9e9) / 1e6));
  });

  it("uses the upper bound of the count for the price, and the count itself for the room", () => {
    const count = { model: "sonnet", tokens: 20_000, tokens_low: 18_000, tokens_high: 22_000 };
    const fit = fitOf(model, need, count);
    expect([fit.tokens, fit.room, fit.nano]).toEqual([20_000, 199_000, Math.ceil(22_000 * 3475 + 1000 * 13_900)]);
  });

  it("is free where the model is, and unknown where no price is", () => {
    expect(fitOf(local, need, undefined).nano).toBe(0);
    expect(fitOf(makeModel({ price: null }), need, undefined).nano).toBeNull();
  });

  it("says how many tokens are too many and what cannot be taken in", () => {
    const fit = fitOf(local, need, undefined);
    expect([fit.room, fit.over, fit.missing]).toEqual([16_384, 2676, ["image"]]);
  });

  it("offers the smallest loss that is enough, and no way that is not", () => {
    expect(fitOf(local, need, undefined).ways).toEqual([
      { kind: "summarise", turns: 2, nano: 0 },
      { kind: "drop", turns: 2 },
      { kind: "passages", keep: 9, of: 14 },
    ]);
    expect(fitOf(local, { ...need, turns: [100], passages: [] }, undefined).ways).toEqual([]);
  });

  it("never drops the newest message, nor every passage", () => {
    const only = { ...need, turns: [9000], passages: [9000] };
    expect(fitOf(local, only, undefined).ways).toEqual([]);
  });

  it("knows nothing of the room where the window is not known", () => {
    const fit = fitOf(makeModel({ context_total: null }), need, undefined);
    expect([fit.room, fit.over, fit.share]).toEqual([null, 0, 0]);
  });
});

describe("prices", () => {
  const german = { language: "de", tag: "de-DE", timeZone: "Europe/Berlin", currency: "EUR" } as const;

  it("are read from text without losing a nano", () => {
    expect([toNano("0.075"), toNano("13.90"), toNano("0.000000001")]).toEqual([75_000_000, 13_900_000_000, 1]);
  });

  it("round up once, at the end", () => {
    const price = { currency: "EUR", is_free: false, input: "0.000001", cached: null, cache_write: null, output: "0" };
    expect(upperCost(price, { input: 1001, output: 5 })).toBe(2);
  });

  it("show as many digits as they need", () => {
    const say = (text: string) => formatRate(text, "EUR", german).replaceAll("\u00a0", " ");
    expect([say("13.9"), say("0.278"), say("0.0375")]).toEqual(["13,90 €", "0,278 €", "0,0375 €"]);
  });

  it("belong to models with two letters", () => {
    expect(["Claude Sonnet 4.5", "GPT-5 mini", "4o", "7"].map(tileCode)).toEqual(["Cl", "Gp", "O", "?"]);
  });
});
