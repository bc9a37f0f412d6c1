import { firstIndex } from "./places";

/** Points to pixels of the page at 100 %. */
export const PIXELS_PER_POINT = 96 / 72;
export const GAP = 12;
export const MARGIN = 16;

export const LEAST_ZOOM = 0.25;
export const MOST_ZOOM = 4;
const steps = [0.25, 0.33, 0.5, 0.67, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4];

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface PlacedPage extends Size {
  readonly top: number;
}

/** Pages one below the other, in pixels. */
export interface Layout {
  readonly pages: readonly PlacedPage[];
  readonly width: number;
  readonly height: number;
}

export function layOut(sizes: readonly Size[], zoom: number): Layout {
  const scale = zoom * PIXELS_PER_POINT;
  let top = MARGIN;
  let width = 0;
  const pages = sizes.map((size) => {
    const placed = { top, width: size.width * scale, height: size.height * scale };
    top += placed.height + GAP;
    width = Math.max(width, placed.width);
    return placed;
  });
  return { pages, width: width + 2 * MARGIN, height: pages.length === 0 ? 0 : top - GAP + MARGIN };
}

/** The zoom at which the widest page takes the width that there is. */
export function fitWidth(sizes: readonly Size[], available: number): number {
  const widest = Math.max(1, ...sizes.map((size) => size.width)) * PIXELS_PER_POINT;
  return Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, (available - 2 * MARGIN) / widest));
}

export function nextZoom(zoom: number, direction: 1 | -1): number {
  const nudge = 0.005;
  return direction === 1
    ? (steps.find((step) => step > zoom + nudge) ?? MOST_ZOOM)
    : (steps.findLast((step) => step < zoom - nudge) ?? LEAST_ZOOM);
}

/** Indices of the pages between two heights, with one more on each side; the last is not included. */
export function pagesBetween({ pages }: Layout, from: number, to: number): { first: number; last: number } {
  const first = firstIndex(pages, (page) => page.top + page.height > from);
  const last = firstIndex(pages, (page) => page.top >= to);
  return { first: Math.max(0, first - 1), last: Math.min(pages.length, last + 1) };
}

/** The page that one reads: the one that a third of the window's height is on. */
export function pageInView({ pages }: Layout, top: number, height: number): number {
  const index = firstIndex(pages, (page) => page.top + page.height > top + height / 3);
  return Math.min(Math.max(0, pages.length - 1), index);
}

/** Where to scroll so that this part of a page stands at 30 % of the window's height. */
export function scrollTo(layout: Layout, index: number, share: number, windowHeight: number): number {
  const page = layout.pages[index];
  if (!page) return 0;
  const wanted = page.top + page.height * share - 0.3 * windowHeight;
  return Math.max(0, Math.min(wanted, layout.height - windowHeight));
}

/** What stood at the top stays there when pages change their size. */
export function keepPlace(before: Layout, after: Layout, top: number): number {
  const index = Math.min(before.pages.length - 1, pageInView(before, top, 0));
  const [old, now] = [before.pages[index], after.pages[index]];
  if (!old || !now) return 0;
  return now.top + ((top - old.top) / old.height) * now.height;
}
