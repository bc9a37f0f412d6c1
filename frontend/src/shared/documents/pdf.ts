import type { PDFDocumentProxy } from "pdfjs-dist";
import workerUrl from "pdfjs-dist/legacy/build/pdf.worker.min.mjs?url";
import { windowName } from "../api/client";

type Library = typeof import("pdfjs-dist");

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): {
    createScriptURL(url: string): string;
  };
}

let library: Promise<Library> | undefined;
let policy: ReturnType<TrustedTypes["createPolicy"]> | undefined;

/** Loaded with the first PDF that somebody opens. */
function loadLibrary(): Promise<Library> {
  library ??= import("pdfjs-dist/legacy/build/pdf.min.mjs") as Promise<Library>;
  library.catch(() => {
    library = undefined;
  });
  return library;
}

/** Our content policy takes scripts from blessed addresses only; this blesses one. */
function workerAddress(): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  policy ??= trustedTypes?.createPolicy("kontor-pdf", {
    createScriptURL: (url) => {
      if (url !== workerUrl) throw new TypeError("Only the worker that reads PDFs is started here.");
      return url;
    },
  });
  return policy?.createScriptURL(workerUrl) ?? workerUrl;
}

export interface OpenPdf {
  readonly library: Library;
  readonly document: PDFDocumentProxy;
}

interface Entry {
  readonly opened: Promise<OpenPdf>;
  readonly close: () => void;
  users: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

const entries = new Map<string, Entry>();
/** Somebody who goes to another tab and back finds the document open. */
const KEPT_FOR_MS = 20_000;

/**
 * Opens a PDF, or joins those who have it open. Each has a worker of its own, so that a file that keeps its reader busy
 * holds up no other. Whoever asked calls `release`.
 */
export function openPdf(url: string): { opened: Promise<OpenPdf>; release: () => void } {
  let entry = entries.get(url);
  if (!entry) {
    entry = start(url);
    entries.set(url, entry);
    // A failure is not kept: the next one who asks tries again.
    entry.opened.catch(() => forget(url));
  }
  clearTimeout(entry.timer);
  entry.users += 1;
  const mine = entry;
  let isReleased = false;
  return {
    opened: mine.opened,
    release: () => {
      if (isReleased) return;
      isReleased = true;
      mine.users -= 1;
      if (mine.users === 0) mine.timer = setTimeout(() => entries.get(url) === mine && forget(url), KEPT_FOR_MS);
    },
  };
}

function forget(url: string): void {
  entries.get(url)?.close();
  entries.delete(url);
}

function start(url: string): Entry {
  let close = () => {};
  let isClosed = false;
  const open = async (): Promise<OpenPdf> => {
    const pdf = await loadLibrary();
    const port = new Worker(workerAddress(), { type: "module" });
    const worker = pdf.PDFWorker.create({ port });
    const files = import.meta.env.DEV ? "/node_modules/pdfjs-dist/" : `/assets/pdfjs-${pdf.version}/`;
    const task = pdf.getDocument({
      url,
      worker,
      httpHeaders: { "X-Kontor-Client": windowName },
      // Of a long file only what is looked at is fetched.
      disableAutoFetch: true,
      rangeChunkSize: 2 ** 18,
      cMapUrl: `${files}cmaps/`,
      iccUrl: `${files}iccs/`,
      standardFontDataUrl: `${files}standard_fonts/`,
      wasmUrl: `${files}wasm/`,
      isEvalSupported: false,
      enableXfa: false,
      stopAtErrors: false,
      verbosity: 0,
    });
    close = () => {
      void task.destroy().finally(() => {
        worker.destroy();
        port.terminate();
      });
    };
    if (isClosed) close();
    try {
      return { library: pdf, document: await task.promise };
    } catch (error) {
      close();
      throw error;
    }
  };
  return {
    opened: open(),
    close: () => {
      isClosed = true;
      close();
    },
    users: 0,
    timer: undefined,
  };
}
