import { describe, expect, it } from "vitest";
import {
  type Chord,
  chordOf,
  isBindable,
  type KeyPress,
  parseBinding,
  sameChord,
  showBinding,
  writeBinding,
} from "./binding";

const press = (key: string, held: Partial<KeyPress> = {}): KeyPress => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  altGraph: false,
  ...held,
});
const matches = (text: string, pressed: KeyPress, mac = false) => {
  const chord = chordOf(pressed, mac);
  return chord !== null && sameChord(parseBinding(text)[0] as Chord, chord);
};

describe("bindings", () => {
  it("are read and written the same way", () => {
    for (const text of ["Mod+K", "App+Shift+W", "G C", "?", "Mod+,", "App+PageDown", "App+1", "Mod++"]) {
      expect(writeBinding(parseBinding(text))).toBe(text);
    }
  });

  it("mean Ctrl and Alt here, Cmd and Ctrl on a Mac", () => {
    expect(matches("Mod+K", press("k", { ctrlKey: true }))).toBe(true);
    expect(matches("Mod+K", press("k", { metaKey: true }))).toBe(false);
    expect(matches("Mod+K", press("k", { metaKey: true }), true)).toBe(true);
    expect(matches("App+N", press("n", { altKey: true }))).toBe(true);
    expect(matches("App+N", press("n", { ctrlKey: true }), true)).toBe(true);
  });

  it("match characters by what they type: on a German keyboard ? needs Shift and / too", () => {
    expect(matches("?", press("?", { shiftKey: true }))).toBe(true);
    expect(matches("/", press("/", { shiftKey: true }))).toBe(true);
    expect(matches("App+Shift+W", press("W", { altKey: true, shiftKey: true }))).toBe(true);
    expect(matches("App+W", press("W", { altKey: true, shiftKey: true }))).toBe(false);
  });

  it("leave AltGr alone, because it types characters", () => {
    expect(chordOf(press("@", { altGraph: true }), false)).toBeNull();
    expect(chordOf(press("€", { ctrlKey: true, altKey: true }), false)).toBeNull();
    expect(isBindable(parseBinding("Mod+[")[0] as Chord)).toBe(false);
    expect(isBindable(parseBinding("Mod+J")[0] as Chord)).toBe(true);
  });

  it("ignore modifiers on their own", () => {
    expect(chordOf(press("Shift", { shiftKey: true }), false)).toBeNull();
    expect(chordOf(press("Dead"), false)).toBeNull();
  });

  it("are shown as they stand on the keys", () => {
    expect(showBinding(parseBinding("Mod+K"), "de", false)).toEqual(["Strg K"]);
    expect(showBinding(parseBinding("App+Shift+W"), "de", false)).toEqual(["Alt Umschalt W"]);
    expect(showBinding(parseBinding("G C"), "en", false)).toEqual(["G", "C"]);
    expect(showBinding(parseBinding("App+PageUp"), "en", false)).toEqual(["Alt PgUp"]);
    expect(showBinding(parseBinding("Mod+K"), "en", true)).toEqual(["⌘ K"]);
    expect(showBinding([], "en", false)).toEqual([]);
  });
});
