import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";

// Two cores that do other work too are slow, not broken.
configure({ asyncUtilTimeout: 8000 });

// Tests of plain functions run without a document.
if (typeof window !== "undefined") {
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
}

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});
