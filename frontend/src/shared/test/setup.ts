import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";
import "../api/problem-code-texts";
import { forgetDrafts } from "../frame/use-draft";
import { forgetUndo } from "../ui/undo";

// Two cores that do other work too are slow, not broken.
configure({ asyncUtilTimeout: 8000 });

// What jsdom lacks and real browsers have.
globalThis.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
Element.prototype.scrollIntoView ??= () => {};
globalThis.scrollTo = () => {};
HTMLCanvasElement.prototype.getContext = () => null;
Element.prototype.setPointerCapture ??= () => {};
Element.prototype.releasePointerCapture ??= () => {};
Element.prototype.hasPointerCapture ??= () => false;
Element.prototype.getAnimations ??= () => [];
// No style sheet is loaded here, so what could be reckoned stands in an element itself, but for what browsers hide and
// how they lay out. jsdom looks through all of their rules, for each element and its ancestors: a seventh of all time.
const INLINE = new Set(
  "A ABBR B BDI BUTTON CODE EM I IMG INPUT KBD LABEL Q S SMALL SPAN STRONG SUB SUP SVG TIME".split(" "),
);
const UNSEEN = new Set("DATALIST HEAD SCRIPT STYLE TEMPLATE TITLE".split(" "));

function displayOf(element: HTMLElement): string {
  if (element.style.display) return element.style.display;
  const name = element.tagName.toUpperCase();
  if (element.hasAttribute("hidden") || UNSEEN.has(name)) return "none";
  return INLINE.has(name) ? "inline" : "block";
}

globalThis.getComputedStyle = (element) => {
  const { style } = element as HTMLElement;
  return new Proxy(style, {
    get(_, name) {
      if (name === "display") return displayOf(element as HTMLElement);
      if (name === "getPropertyValue") {
        return (asked: string) =>
          asked === "display" ? displayOf(element as HTMLElement) : style.getPropertyValue(asked);
      }
      const value = Reflect.get(style, name, style);
      return typeof value === "function" ? value.bind(style) : value;
    },
  });
};
globalThis.matchMedia ??= ((query: string) => ({
  // Tests see a wide desk: everything that asks for a minimum gets it.
  matches: query.includes("min-width"),
  media: query,
  addEventListener: () => {},
  removeEventListener: () => {},
})) as unknown as typeof matchMedia;

// The files share their modules, as the screens of one session do; like somebody who signs out, each leaves nothing.
afterEach(() => {
  cleanup();
  forgetUndo();
  forgetDrafts();
});
