import { IntlMessageFormat } from "intl-messageformat";
import { describe, expect, it } from "vitest";
import { argumentsOf, BadMessage, formatMessage } from "./icu";

const messages = [
  "Plain text",
  "It's {name}'s desk",
  "Braces: '{'{name}'}' and ''quotes''",
  "{name}",
  "{count, number} of {total, number}",
  "{count, plural, one {# person} other {# people}} in {name}",
  "{count, plural, =0 {Nobody} =1 {Just {name}} other {{name} and # others}}",
  "{kind, select, house {in the house} tent {in a tent} other {somewhere}}",
  "{kind, select, house {{count, plural, one {a room} other {# rooms}}} other {#}}",
  "{ count , plural , one {#} other {# ('#'2)} }",
];

const values = [
  { name: "R. K.", count: 0, total: 12_345, kind: "house" },
  { name: "<b>{x}</b> # '", count: 1, total: 0, kind: "tent" },
  { name: "", count: 1200, total: 7, kind: "elsewhere" },
  { name: "Ö", count: -1, total: 1.5, kind: "" },
];

describe("messages", () => {
  it.each(messages)("say the same as the reference: %s", (message) => {
    for (const language of ["de", "en"]) {
      for (const given of values) {
        const reference = new IntlMessageFormat(message, language, undefined, { ignoreTag: true }).format(given);
        expect(formatMessage(message, language, given)).toBe(reference);
      }
    }
  });

  it("tell their arguments", () => {
    expect(argumentsOf(messages[8] as string)).toEqual(["count", "kind"]);
    expect(argumentsOf("'{'none'}'")).toEqual([]);
  });

  it.each(["{", "}", "{}", "{count, plural, one {x}}", "{when, date}", "{count, plural, one x other {y}}"])(
    "are refused when they are broken: %s",
    (message) => {
      expect(() => formatMessage(message, "en", {})).toThrow(BadMessage);
    },
  );

  it("show which argument is missing instead of nothing", () => {
    expect(formatMessage("Hello {name}", "en")).toBe("Hello {name}");
  });
});
