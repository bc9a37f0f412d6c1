import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";

/** Prints one thing and nothing of the page around it, on a strip as wide as a till's and as long as it needs. */
export function usePaper(content: ReactNode): { print: () => void; sheet: ReactNode } {
  const [isPrinting, setPrinting] = useState(false);
  const done = useCallback(() => setPrinting(false), []);
  return { print: () => setPrinting(true), sheet: isPrinting ? <Paper onPrinted={done}>{content}</Paper> : null };
}

const MM_PER_PIXEL = 25.4 / 96;

function Paper({ onPrinted, children }: { onPrinted: () => void; children: ReactNode }) {
  const sheet = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const withdraw = setPageSize(sheet.current?.scrollHeight ?? 0);
    window.addEventListener("afterprint", onPrinted, { once: true });
    window.print();
    return () => {
      window.removeEventListener("afterprint", onPrinted);
      withdraw();
    };
  }, [onPrinted]);
  return createPortal(
    <div ref={sheet} className="paper">
      {children}
    </div>,
    document.body,
  );
}

/** Where a browser cannot be told, it prints on the paper that it has. */
function setPageSize(pixels: number): () => void {
  if (!("adoptedStyleSheets" in document)) return () => {};
  const size = new CSSStyleSheet();
  size.replaceSync(`@page { size: 80mm ${Math.ceil(pixels * MM_PER_PIXEL) + 1}mm; margin: 0 }`);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, size];
  return () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((known) => known !== size);
  };
}
