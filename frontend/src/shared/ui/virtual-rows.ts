import { observeElementRect, useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";

/** The text size is a person's choice, so a row's height in pixels is not ours to know beforehand. */
const pixels = (rem: number) => rem * (Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16);

/** Where nothing is laid out yet, a list is taken to be as high as most are. */
const FIRST_RECT = { width: 400, height: 480 };

/** Of a long list of rows of one height, those in sight and some around them. The rest is room: `above` and `below`. */
export function useVirtualRows({
  count,
  rem,
  scroller,
  margin = 0,
}: {
  count: number;
  rem: number;
  scroller: () => HTMLElement | null;
  /** What stands above the first row in the same scroller, in pixels. */
  margin?: number;
}) {
  const rows: Virtualizer<HTMLElement, Element> = useVirtualizer({
    count,
    getScrollElement: scroller,
    estimateSize: () => pixels(rem),
    overscan: 8,
    scrollMargin: margin,
    initialRect: FIRST_RECT,
    // A list in a tab that is out of sight has no height; what it showed is what it will show.
    observeElementRect: (instance, changed) =>
      observeElementRect(instance, (rect) => {
        if (rect.height > 0) changed(rect);
      }),
  });
  const items = rows.getVirtualItems();
  const first = items[0];
  const last = items.at(-1);
  return {
    items,
    above: first ? first.start - margin : 0,
    below: last ? rows.getTotalSize() - (last.end - margin) : 0,
    show: (index: number) => rows.scrollToIndex(index, { align: "auto" }),
  };
}
