import { posix } from "node:path";
import { describe, expect, it } from "vitest";

// The sources as text: what is imported is written in them.
const sources = import.meta.glob<string>(["../**/*.ts", "../**/*.tsx"], {
  eager: true,
  query: "?raw",
  import: "default",
});

const layers = ["api", "shared", "features", "app"];

interface Place {
  readonly layer: string;
  readonly feature: string | undefined;
}

function placeOf(path: string): Place {
  const [layer = "", feature] = path.split("/");
  return { layer, feature: layer === "features" ? feature : undefined };
}

function* importsOf(file: string, text: string): Generator<string> {
  for (const [, specifier = ""] of text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
    if (specifier.startsWith("@/")) yield specifier.slice(2);
    else if (specifier.startsWith(".")) yield posix.normalize(posix.join(posix.dirname(file), specifier));
  }
}

function isAllowed(from: Place, to: Place): boolean {
  const [lower, upper] = [layers.indexOf(to.layer), layers.indexOf(from.layer)];
  // main.tsx and styles.css stand above all layers.
  if (upper < 0) return true;
  if (from.layer === "features" && to.layer === "features") return from.feature === to.feature;
  return lower <= upper;
}

describe("imports", () => {
  it("point down: shared, then features beside each other, then app", () => {
    const wrong: string[] = [];
    for (const [path, text] of Object.entries(sources)) {
      const file = posix.normalize(posix.join("app", path));
      for (const target of importsOf(file, text)) {
        if (!isAllowed(placeOf(file), placeOf(target))) wrong.push(`${file} imports ${target}`);
      }
    }
    expect(Object.keys(sources).length).toBeGreaterThan(80);
    expect(wrong).toEqual([]);
  });

  it("keep nothing in the browser", () => {
    const wrong = Object.entries(sources).filter(
      ([path, text]) =>
        !path.includes(".test.") && /\b(localStorage|sessionStorage|indexedDB|document\.cookie)\b/.test(text),
    );
    expect(wrong.map(([path]) => path)).toEqual([]);
  });
});
