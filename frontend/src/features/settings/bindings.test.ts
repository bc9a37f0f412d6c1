import { beforeAll, describe, expect, it } from "vitest";
import { parseBinding, writeBinding } from "@/shared/keys/binding";
import { defineActions, setKeyOverrides } from "@/shared/keys/registry";
import { append, isChanged, judge, withBinding } from "./bindings";

const title = (text: string) => ({ en: text, de: text });

beforeAll(() => {
  defineActions([
    { id: "a.open", title: title("Open"), keys: "Mod+O", where: "anywhere" },
    { id: "a.go", title: title("Go"), keys: "G C", where: "anywhere" },
    { id: "a.list", title: title("List"), keys: "J", where: "list" },
    { id: "a.grid", title: title("Grid"), keys: "N", where: "grid" },
  ]);
  setKeyOverrides({});
});

describe("a new key", () => {
  it.each([
    ["a.open", "Mod+Shift+P", "good"],
    ["a.open", "", "empty"],
    ["a.open", "Mod+[", "unreachable"],
    ["a.open", "Mod+W", "browser"],
    ["a.list", "Mod+O", "conflict"],
    ["a.list", "N", "good"],
    ["a.open", "G", "conflict"],
    ["a.open", "G C", "conflict"],
    ["a.open", "G X", "good"],
  ])("%s with %s is %s", (id, keys, kind) => {
    expect(judge(id, parseBinding(keys)).kind).toBe(kind);
  });

  it("is kept only where it differs from what was delivered", () => {
    const keys = withBinding({ "a.go": "G X" }, "a.open", parseBinding("Mod+P"));
    expect(keys).toEqual({ "a.go": "G X", "a.open": "Mod+P" });
    expect(withBinding(keys, "a.open", parseBinding("Mod+O"))).toEqual({ "a.go": "G X" });
    expect(withBinding(keys, "a.open", [])).toEqual({ "a.go": "G X", "a.open": "" });
    expect(isChanged({ "a.open": "Mod+O" }, "a.open")).toBe(false);
  });

  it("may be two letters in a row, but nothing follows a modifier", () => {
    const [g, c, modK] = ["G", "C", "Mod+K"].map((text) => parseBinding(text)[0]);
    if (!g || !c || !modK) throw new Error("unreadable");
    expect(writeBinding(append([g], c))).toBe("G C");
    expect(writeBinding(append([modK], c))).toBe("C");
    expect(writeBinding(append([g, c], g))).toBe("G");
  });
});
