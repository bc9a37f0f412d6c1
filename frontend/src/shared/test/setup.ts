import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";
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
Element.prototype.setPointerCapture ??= () => {};
Element.prototype.releasePointerCapture ??= () => {};
Element.prototype.hasPointerCapture ??= () => false;
Element.prototype.getAnimations ??= () => [];
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
