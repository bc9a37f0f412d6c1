import { describe, expect, it } from "vitest";
import type { Markup } from "./api";
import { inOrder, isSame, ruleFor } from "./markups";

const rule = (basis_points: number, of: Partial<Markup>): Markup => ({
  provider: null,
  model: null,
  role: null,
  basis_points,
  ...of,
});
const markups = [
  rule(1, { role: "user" }),
  rule(2, { provider: "openai" }),
  rule(3, { provider: "openai", role: "user" }),
  rule(4, { model: "gpt-5" }),
  rule(5, { model: "gpt-5" }),
];
const holds = (provider: string, model: string, role: string) =>
  ruleFor({ markups }, { provider, model, role })?.markup.basis_points;

describe("surcharges", () => {
  it("count in the order in which the server weighs them, the later of two alike first", () => {
    expect(inOrder(markups).map(({ markup }) => markup.basis_points)).toEqual([5, 4, 3, 2, 1]);
  });

  it("hold one at a time: the narrowest that fits", () => {
    expect(holds("openai", "gpt-5", "user")).toBe(5);
    expect(holds("openai", "gpt-4", "user")).toBe(3);
    expect(holds("openai", "gpt-4", "admin")).toBe(2);
    expect(holds("mistral", "large", "user")).toBe(1);
    expect(holds("mistral", "large", "admin")).toBeUndefined();
  });

  it("are the same where they name the same, whatever they add", () => {
    expect(isSame(rule(1, { role: "user" }), { basis_points: 9, role: "user" })).toBe(true);
    expect(isSame(rule(1, { role: "user" }), rule(1, { provider: "openai" }))).toBe(false);
  });
});
