import { describe, expect, it } from "vitest";
import { fitWidth, keepPlace, layOut, nextZoom, pageInView, pagesBetween, scrollTo } from "./layout";
import { boxesOf, Characters, type PageSpan, pageAt, readEvidence, type Word, writeEvidence } from "./places";

const word = (start: number, text: string, left: number, top: number): Word => ({
  start,
  end: start + text.length,
  left,
  top,
  right: left + text.length * 0.01,
  bottom: top + 0.02,
});

describe("places on a page", () => {
  // "The drawbridge" on one line, "at the harbour" on the next, and a column far to the right of the first line.
  const words = [
    word(0, "The", 0.1, 0.1),
    word(4, "drawbridge", 0.14, 0.1),
    word(15, "Table", 0.7, 0.1),
    word(21, "at", 0.1, 0.13),
    word(24, "the", 0.13, 0.13),
    word(28, "harbour", 0.17, 0.13),
  ];

  it("join what follows each other on a line, and nothing across lines and columns", () => {
    const boxes = boxesOf(words, { start: 0, end: 35 }, 0.7);
    expect(boxes.map(({ left, top }) => [left, top])).toEqual([
      [0.1, 0.1],
      [0.7, 0.1],
      [0.1, 0.13],
    ]);
    expect(boxes[0]?.right).toBeCloseTo(0.24);
    expect(boxes[2]?.right).toBeCloseTo(0.24);
  });

  it("cover of a word only the letters that are meant", () => {
    const [box] = boxesOf(words, { start: 8, end: 14 }, 0.7);
    expect(box?.left).toBeCloseTo(0.18);
    expect(box?.right).toBeCloseTo(0.24);
    expect(boxesOf(words, { start: 3, end: 4 }, 0.7)).toEqual([]);
  });

  it("know the page of each character", () => {
    const pages = [0, 100, 100, 250].map((start, index): PageSpan => {
      const end = [100, 100, 250, 300][index] as number;
      return { number: index + 1, start, end, width: 1, height: 1, name: "", isScan: false };
    });
    // The second page is empty: what begins there stands on the third.
    expect([0, 99, 100, 249, 250, 299].map((offset) => pageAt(pages, offset)?.number)).toEqual([1, 1, 3, 3, 4, 4]);
  });
});

describe("passages in an address", () => {
  it("come back as they were written, and nothing else does", () => {
    const evidence = [
      { kind: "verbatim" as const, start: 25_397, end: 25_547 },
      { kind: "meaning" as const, start: 3, end: 9 },
    ];
    expect(writeEvidence(evidence)).toBe("v25397-25547.m3-9");
    expect(readEvidence("v25397-25547.m3-9")).toEqual(evidence);
    expect(readEvidence("v9-3.q1-2.v-1-5.<script>.w1-99999999999.")).toEqual([]);
  });
});

describe("characters as the server counts them", () => {
  const text = new Characters("a𝄞b𝄞𝄞c Brücke  \n sperren");

  it("are found again at either count", () => {
    const points = [...text.text];
    expect(text.length).toBe(points.length);
    for (let start = 0; start <= points.length; start += 1) {
      expect(text.point(text.unit(start))).toBe(start);
      expect(text.slice(start, start + 3)).toBe(points.slice(start, start + 3).join(""));
    }
  });

  it("are searched whatever the case and the white between words", () => {
    const [hit] = text.find("brücke sperren");
    expect(hit && text.slice(hit.start, hit.end)).toBe("Brücke  \n sperren");
    expect(text.find("(")).toEqual([]);
    expect(text.find("  ")).toEqual([]);
  });
});

describe("pages below each other", () => {
  const sizes = Array.from({ length: 300 }, (_, index) => ({ width: 595, height: index % 7 === 0 ? 420 : 842 }));
  const layout = layOut(sizes, 1);

  it("exist only around what is in sight", () => {
    const top = layout.pages[150]?.top ?? 0;
    expect(pagesBetween(layout, top, top + 900)).toEqual({ first: 149, last: 152 });
    expect(pagesBetween(layout, 0, 900).first).toBe(0);
    expect(pagesBetween(layout, layout.height - 900, layout.height).last).toBe(300);
  });

  it("are scrolled so that a place stands at thirty per cent, as far as there is room", () => {
    const page = layout.pages[99];
    const wanted = scrollTo(layout, 99, 0.5, 800);
    expect((page?.top ?? 0) + (page?.height ?? 0) / 2 - wanted).toBeCloseTo(240);
    expect(pageInView(layout, wanted, 800)).toBe(99);
    expect(scrollTo(layout, 0, 0, 800)).toBe(0);
    expect(scrollTo(layout, 299, 1, 800)).toBe(layout.height - 800);
  });

  it("keep what one reads in its place when they grow", () => {
    for (const top of [0, 137, 12_345, layout.height - 900]) {
      const wide = layOut(sizes, 1.5);
      const there = keepPlace(layout, wide, top);
      expect(keepPlace(wide, layout, there)).toBeCloseTo(top, 5);
      expect(pageInView(wide, there, 0)).toBe(pageInView(layout, top, 0));
    }
  });

  it("fit the width, and are zoomed in steps that end", () => {
    expect(fitWidth([{ width: 600, height: 800 }], 832)).toBeCloseTo(1);
    let zoom = 1;
    for (let step = 0; step < 20; step += 1) zoom = nextZoom(zoom, 1);
    expect(zoom).toBe(4);
    for (let step = 0; step < 20; step += 1) zoom = nextZoom(zoom, -1);
    expect(zoom).toBe(0.25);
  });
});
