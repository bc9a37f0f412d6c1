/** From offsets in a document's text to what stands on its pages, and back into an address. */

/** Part of a page, from its top left corner; 0 to 1 of its width and height. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Word extends Box {
  readonly start: number;
  readonly end: number;
}

/** A page of the text. Pages lie side by side without a gap; `number` counts from 1. */
export interface PageSpan {
  readonly number: number;
  readonly start: number;
  readonly end: number;
  /** In points; 0 where the document has no pages one could look at. */
  readonly width: number;
  readonly height: number;
  readonly name: string;
  readonly isScan: boolean;
}

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** How a passage was found, or how well it proves what refers to it. */
export const evidenceKinds = ["verbatim", "normalised", "elided", "fuzzy", "none", "words", "meaning"] as const;
export type EvidenceKind = (typeof evidenceKinds)[number];

export interface Evidence extends Range {
  readonly kind: EvidenceKind;
}

/** The first item that `isPast` holds for; items are in order, so halving finds it. */
export function firstIndex<T>(items: readonly T[], isPast: (item: T) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isPast(items[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The page that a character stands on. */
export function pageAt(pages: readonly PageSpan[], offset: number): PageSpan | undefined {
  return pages[Math.max(0, firstIndex(pages, (page) => page.start > offset) - 1)];
}

export function overlaps(a: Range, b: Range): boolean {
  return a.start < b.end && b.start < a.end;
}

/** Whether one box follows the other on a line, with no more than a wide space between; as the server's parser has it. */
function isBeside(left: Box, right: Box, ratio: number): boolean {
  const height = Math.min(left.bottom - left.top, right.bottom - right.top);
  const shared = Math.min(left.bottom, right.bottom) - Math.max(left.top, right.top);
  const gap = (right.left - left.right) * ratio;
  return shared > height / 2 && gap >= -height && gap <= 2 * height;
}

/** Only the part of a word that is meant, taken as if all its letters were equally wide. */
function cut(word: Word, range: Range): Box {
  const length = Math.max(1, word.end - word.start);
  const width = word.right - word.left;
  const from = Math.max(0, range.start - word.start) / length;
  const to = Math.min(length, range.end - word.start) / length;
  return { left: word.left + from * width, top: word.top, right: word.left + to * width, bottom: word.bottom };
}

/** One box for what follows each other on a line. `ratio` is the page's width by its height. */
export function boxesOf(words: readonly Word[], range: Range, ratio: number): Box[] {
  const boxes: Box[] = [];
  for (let at = firstIndex(words, (word) => word.end > range.start); at < words.length; at += 1) {
    const word = words[at] as Word;
    if (word.start >= range.end) break;
    const box = cut(word, range);
    const last = boxes.at(-1);
    if (last && isBeside(last, box, ratio)) boxes[boxes.length - 1] = around([last, box]) as Box;
    else boxes.push(box);
  }
  return boxes;
}

export function around(boxes: readonly Box[]): Box | null {
  if (boxes.length === 0) return null;
  return {
    left: Math.min(...boxes.map((box) => box.left)),
    top: Math.min(...boxes.map((box) => box.top)),
    right: Math.max(...boxes.map((box) => box.right)),
    bottom: Math.max(...boxes.map((box) => box.bottom)),
  };
}

const letters: Readonly<Record<EvidenceKind, string>> = {
  verbatim: "v",
  normalised: "n",
  elided: "e",
  fuzzy: "f",
  none: "x",
  words: "w",
  meaning: "m",
};

const MOST = 200;

/** "w120-180.m400-460": what the address of a viewer says about passages. */
export function writeEvidence(evidence: readonly Evidence[]): string {
  return evidence
    .slice(0, MOST)
    .map(({ kind, start, end }) => `${letters[kind]}${start}-${end}`)
    .join(".");
}

/** Anything may stand in an address; what is not a passage is left out. */
export function readEvidence(text: string): Evidence[] {
  return text
    .split(".")
    .slice(0, MOST)
    .flatMap((part) => {
      const [, letter, first, last] = /^([a-z])(\d{1,9})-(\d{1,9})$/.exec(part) ?? [];
      const kind = evidenceKinds.find((known) => letters[known] === letter);
      const [start, end] = [Number(first), Number(last)];
      return kind && end > start ? [{ kind, start, end }] : [];
    });
}

/** Every place of `needle`, regardless of case and of how much white stands between its words. */
export function findAll(text: string, needle: string, most = 2000): Range[] {
  const words = needle.trim().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const pattern = words.map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("\\s+");
  const found: Range[] = [];
  for (const match of text.matchAll(new RegExp(pattern, "giu"))) {
    found.push({ start: match.index, end: match.index + match[0].length });
    if (found.length === most) break;
  }
  return found;
}

/**
 * The server counts characters as Python does, code points; strings here count UTF-16 units. Where a text has nothing
 * outside of the basic plane, which is nearly always, both are the same.
 */
export class Characters {
  readonly text: string;
  private readonly wide: readonly number[];

  constructor(text: string) {
    this.text = text;
    // In code points: after how many of them one more unit has gone by.
    const wide: number[] = [];
    for (const match of text.matchAll(/[\u{10000}-\u{10FFFF}]/gu)) wide.push(match.index - wide.length);
    this.wide = wide;
  }

  get length(): number {
    return this.text.length - this.wide.length;
  }

  /** The place in the string of a code point. */
  unit(point: number): number {
    return point + firstIndex(this.wide, (at) => at >= point);
  }

  /** The code point at a place in the string. */
  point(unit: number): number {
    let [low, high] = [0, this.wide.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.wide[middle] as number) + middle >= unit) high = middle;
      else low = middle + 1;
    }
    return unit - low;
  }

  slice(start: number, end?: number): string {
    return this.text.slice(this.unit(start), end === undefined ? undefined : this.unit(end));
  }

  find(needle: string, most?: number): Range[] {
    const found = findAll(this.text, needle, most);
    if (this.wide.length === 0) return found;
    return found.map(({ start, end }) => ({ start: this.point(start), end: this.point(end) }));
  }
}
