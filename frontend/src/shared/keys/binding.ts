/**
 * A binding as text: "Mod+K", "App+Shift+W", "G C" (one after the other), "?" (a character).
 * Mod is Ctrl, and Cmd on a Mac. App is Alt, and Ctrl on a Mac. Characters are matched by what they type,
 * not by where they sit, so that German keyboards are not second class.
 */
export interface Chord {
  readonly mod: boolean;
  readonly app: boolean;
  readonly shift: boolean;
  readonly key: string;
}

export type Binding = readonly Chord[];

export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  readonly altGraph: boolean;
}

export function parseBinding(text: string): Binding {
  return text
    .trim()
    .split(/\s+/)
    .filter(Boolean)
    .map((part) => {
      const pieces =
        part === "+" ? ["+"] : part.endsWith("++") ? [...part.slice(0, -2).split("+"), "+"] : part.split("+");
      const key = pieces.at(-1) ?? "";
      const modifiers = new Set(pieces.slice(0, -1));
      return {
        mod: modifiers.has("Mod"),
        app: modifiers.has("App"),
        shift: modifiers.has("Shift"),
        key: canonicalKey(key),
      };
    });
}

export function writeBinding(binding: Binding): string {
  return binding
    .map((chord) =>
      [chord.mod && "Mod", chord.app && "App", chord.shift && "Shift", chord.key].filter(Boolean).join("+"),
    )
    .join(" ");
}

function canonicalKey(key: string): string {
  return key.length === 1 ? key.toUpperCase() : key;
}

const isLetter = (key: string) => key.length === 1 && key.toLowerCase() !== key.toUpperCase();

/** The chord a key press makes, or null for bare modifiers and for AltGr, which types characters. */
export function chordOf(press: KeyPress, mac: boolean): Chord | null {
  if (["Shift", "Control", "Alt", "Meta", "AltGraph", "Dead", "Unidentified"].includes(press.key)) return null;
  if (press.altGraph || (press.ctrlKey && press.altKey)) return null;
  if (!mac && press.metaKey) return null;
  if (mac && press.altKey) return null;
  const key = press.key === " " ? "Space" : press.key;
  return {
    mod: mac ? press.metaKey : press.ctrlKey,
    app: mac ? press.ctrlKey : press.altKey,
    // Shift is part of how "?" or "/" is typed; it counts only where the key exists without it.
    shift: press.shiftKey && (isLetter(key) || key.length > 1),
    key: canonicalKey(key),
  };
}

export function sameChord(a: Chord, b: Chord): boolean {
  return a.key === b.key && a.mod === b.mod && a.app === b.app && a.shift === b.shift;
}

/** A key that also types text must not fire while someone writes. */
export function isPlain(chord: Chord): boolean {
  return !chord.mod && !chord.app;
}

/** German keyboards type these with AltGr, so they can never be part of a binding. */
const unreachable = new Set(["[", "]", "{", "}", "\\", "|", "~", "@"]);

export function isBindable(chord: Chord): boolean {
  return !unreachable.has(chord.key) && !(chord.mod && chord.app) && chord.key !== "Tab" && chord.key !== "Escape";
}

const names = {
  de: {
    Shift: "Umschalt",
    Space: "Leertaste",
    PageUp: "Bild↑",
    PageDown: "Bild↓",
    Escape: "Esc",
    Home: "Pos1",
    End: "Ende",
    Delete: "Entf",
  },
  en: {
    Shift: "Shift",
    Space: "Space",
    PageUp: "PgUp",
    PageDown: "PgDn",
    Escape: "Esc",
    Home: "Home",
    End: "End",
    Delete: "Del",
  },
} as const;

const arrows: Record<string, string> = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };

/** One string per chord, as it stands on the keys: "Strg K", "Alt 1". */
export function showBinding(binding: Binding, language: "de" | "en", mac: boolean): string[] {
  const words: Record<string, string> = names[language];
  return binding.map((chord) =>
    [
      chord.mod && (mac ? "⌘" : language === "de" ? "Strg" : "Ctrl"),
      chord.app && (mac ? "⌃" : "Alt"),
      chord.shift && (mac ? "⇧" : words.Shift),
      words[chord.key] ?? arrows[chord.key] ?? chord.key,
    ]
      .filter(Boolean)
      .join(" "),
  );
}
