// @vitest-environment jsdom
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { kinds } from "@/shared/projects/api";
import { configOf, isRight, type Setting, settingsOf, valuesOf } from "./configs";
import { makeProject } from "./test-kit";
import { projectsTexts } from "./texts";

interface Shape {
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly type?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly anyOf?: readonly Shape[];
}

const { schemas } = JSON.parse(readFileSync("openapi.json", "utf8")).components as {
  schemas: Record<string, { properties: Record<string, Shape> }>;
};

/** What the server says of one setting, in our words. */
function asked(name: string, shape: Shape): Setting {
  const [main = shape, empty] = shape.anyOf ?? [shape];
  const mayBeEmpty = empty?.type === "null";
  if (main.enum) return { name, ask: "choice", values: mayBeEmpty ? [null, ...main.enum] : [...main.enum] };
  if (main.type === "boolean") return { name, ask: "switch" };
  if (main.type === "array") return { name, ask: "list", most: main.maxItems ?? 0 };
  if (main.type === "string") {
    const most = main.maxLength ?? 0;
    return { name, ask: most > 500 ? "text" : "line", most, mayBeNull: mayBeEmpty };
  }
  const isWhole = main.type === "integer";
  return { name, ask: "number", least: main.minimum ?? 0, most: main.maximum ?? 0, isWhole, mayBeEmpty };
}

describe("what each kind can be set to", () => {
  it.each(kinds)("of %s is what the server takes, and has its words", (kind) => {
    const of = Object.values(schemas).filter(
      ({ properties }) => properties?.kind?.const === kind && properties.version,
    );
    expect(of).toHaveLength(1);
    const told = Object.entries(of[0]?.properties ?? {}).filter(([name]) => name !== "kind" && name !== "version");
    expect([...settingsOf[kind]].toSorted((a, b) => a.name.localeCompare(b.name))).toEqual(
      told.map(([name, shape]) => asked(name, shape)).toSorted((a, b) => a.name.localeCompare(b.name)),
    );
    for (const setting of settingsOf[kind]) {
      expect(projectsTexts.en).toHaveProperty([`set.${setting.name}`]);
      for (const value of setting.ask === "choice" ? setting.values : []) {
        expect(projectsTexts.en).toHaveProperty([`set.${setting.name}.${value ?? "none"}`]);
      }
    }
  });

  it("goes through the form and back without loss", () => {
    const { config } = makeProject("p");
    expect(configOf(config, valuesOf(config))).toEqual(config);
    expect(configOf(config, { scope: "none", temperature: "0,5", max_output: "" })).toMatchObject({
      scope: "none",
      temperature: 0.5,
      max_output: null,
    });
  });

  it("is checked before it is sent", () => {
    const [, temperature, longest] = settingsOf.chat as [Setting, Setting, Setting];
    expect(["", "0", "2", "1,5"].map((text) => isRight(temperature, text))).toEqual([true, true, true, true]);
    expect(["2,1", "-1", "warm"].map((text) => isRight(temperature, text))).toEqual([false, false, false]);
    expect(isRight(longest, "1.5")).toBe(false);
  });
});
