import type { PaletteEntry } from "@/shared/frame/feature";

/** Lower case without accents: "Übersicht" is found by "uber" and by "über". */
export function fold(text: string): string {
  return text.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();
}

/**
 * How well a text fits, higher is better, 0 not at all: the beginning before the beginning of a word before anywhere.
 * Every word of the query must be found.
 */
export function closeness(text: string, query: string): number {
  const haystack = fold(text);
  const needles = fold(query).split(/\s+/).filter(Boolean);
  if (needles.length === 0) return 1;
  let score = 0;
  for (const needle of needles) {
    const index = haystack.indexOf(needle);
    if (index < 0) return 0;
    const startsWord = new RegExp(`(^|[\\s\\-/(„“"])${needle.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}`).test(
      haystack,
    );
    score += index === 0 ? 3 : startsWord ? 2 : 1;
  }
  return score / needles.length;
}

/** The entries that fit, best first, in their own order where they fit equally well. */
export function rank(entries: readonly PaletteEntry[], query: string): PaletteEntry[] {
  return entries
    .map((entry) => {
      const unseen = closeness(`${entry.hint ?? ""} ${entry.words ?? ""}`, query) > 0 ? 0.5 : 0;
      return { entry, score: Math.max(closeness(entry.title, query), unseen) };
    })
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score)
    .map(({ entry }) => entry);
}

/** Cuts a text at the places that fit, for the words to be marked. */
export function marked(text: string, query: string): { text: string; hit: boolean }[] {
  const needles = fold(query).split(/\s+/).filter(Boolean);
  // Folding must not change lengths, or the cuts would be in the wrong places.
  const haystack = fold(text);
  if (needles.length === 0 || haystack.length !== text.length) return [{ text, hit: false }];
  const hits = new Array<boolean>(text.length).fill(false);
  for (const needle of needles) {
    const index = haystack.indexOf(needle);
    if (index >= 0) hits.fill(true, index, index + needle.length);
  }
  const pieces: { text: string; hit: boolean }[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const last = pieces.at(-1);
    if (last && last.hit === hits[at]) last.text += text[at];
    else pieces.push({ text: text[at] as string, hit: hits[at] as boolean });
  }
  return pieces;
}
