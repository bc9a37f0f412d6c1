import { type CSSProperties, useEffect, useRef, useState } from "react";
import { useTexts } from "../i18n/texts";
import { PIXELS_PER_POINT, type Size } from "./layout";
import type { OpenPdf } from "./pdf";
import { around, type Box } from "./places";
import { viewerTexts } from "./texts";

export type MarkLook = "current" | "further";

export interface PageMark {
  /** Where its text begins, which tells it from others. */
  readonly start: number;
  readonly look: MarkLook;
  readonly boxes: readonly Box[];
  /** Where the column begins that it stands in: the line in the margin goes there. Null for what gets none. */
  readonly margin: number | null;
}

/** Beyond this a page is drawn coarser than the screen could show it: memory of telephones is small. */
const MOST_PIXELS = 12_000_000;
/** Of pages that fly past nothing is read or drawn, only of those one stays with. */
const REST_MS = 40;

const percent = (share: number) => `${(share * 100).toFixed(3)}%`;

/** What is marked on a page, and the line in the margin beside the passage that one looks at. */
function PageMarks({ marks }: { marks: readonly PageMark[] }) {
  const led = marks.find((mark) => mark.look === "current" && mark.margin !== null && mark.boxes.length > 0);
  const line = led ? around(led.boxes) : null;
  return (
    <div className="pdf-marks" aria-hidden="true">
      {marks.map((mark) =>
        mark.boxes.map((box) => (
          <span
            key={`${mark.start} ${box.left} ${box.top}`}
            className="pdf-mark"
            data-look={mark.look}
            style={{
              left: percent(box.left),
              top: percent(box.top),
              width: percent(box.right - box.left),
              height: percent(box.bottom - box.top),
            }}
          />
        )),
      )}
      {line ? (
        <span
          className="paper-line"
          style={{
            left: `max(4px, calc(${percent(led?.margin ?? 0)} - 14px))`,
            top: percent(line.top),
            height: percent(line.bottom - line.top),
          }}
        />
      ) : null}
    </div>
  );
}

/** A photograph or a scan that is a file of its own. */
export function ImagePage({
  url,
  name,
  number,
  style,
  marks,
  onSize,
  onBroken,
}: {
  url: string;
  name: string;
  number: number;
  style: CSSProperties;
  marks: readonly PageMark[];
  onSize: (number: number, size: Size) => void;
  onBroken: () => void;
}) {
  return (
    <section aria-label={name} data-page={number} className="pdf-page" style={style}>
      <img
        src={url}
        alt={name}
        onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
          onSize(number, { width: naturalWidth, height: naturalHeight })
        }
        onError={onBroken}
        className="absolute inset-0 size-full"
      />
      <PageMarks marks={marks} />
    </section>
  );
}

/** One page: the picture, the marks on it, and its text above both. All of it goes when the page leaves the window. */
export function PdfPage({
  pdf,
  number,
  zoom,
  style,
  marks,
  onSize,
}: {
  pdf: OpenPdf;
  number: number;
  zoom: number;
  style: CSSProperties;
  marks: readonly PageMark[];
  /** In points, as the file itself says. */
  onSize: (number: number, size: Size) => void;
}) {
  const t = useTexts(viewerTexts);
  const picture = useRef<HTMLDivElement>(null);
  const letters = useRef<HTMLDivElement>(null);
  const [isDrawn, setDrawn] = useState(false);
  const told = useRef(onSize);
  told.current = onSize;

  useEffect(() => {
    const host = picture.current;
    if (!host) return;
    let isGone = false;
    let stop = () => {};
    const draw = async () => {
      const page = await pdf.document.getPage(number);
      if (isGone) return;
      const natural = page.getViewport({ scale: 1 });
      told.current(number, natural);
      const viewport = page.getViewport({ scale: zoom * PIXELS_PER_POINT });
      const sharpness = Math.min(devicePixelRatio, Math.sqrt(MOST_PIXELS / (viewport.width * viewport.height)));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(viewport.width * sharpness));
      canvas.height = Math.max(1, Math.round(viewport.height * sharpness));
      const task = page.render({ canvas, viewport, transform: [sharpness, 0, 0, sharpness, 0, 0] });
      stop = () => {
        task.cancel();
        free(canvas);
      };
      await task.promise;
      stop = () => {};
      if (isGone) return free(canvas);
      // The old picture stays, stretched, until the sharp one is there.
      for (const old of host.querySelectorAll("canvas")) free(old);
      host.replaceChildren(canvas);
      setDrawn(true);
    };
    // What was cancelled was wanted no more; a page that cannot be drawn stays white, with its text above it.
    const timer = setTimeout(() => void draw().catch(() => isGone || setDrawn(true)), REST_MS);
    return () => {
      isGone = true;
      clearTimeout(timer);
      stop();
    };
  }, [pdf, number, zoom]);

  // The letters are laid once: a change of zoom moves them by the stylesheet.
  useEffect(() => {
    const host = letters.current;
    if (!host) return;
    let stop = () => {};
    let isGone = false;
    const lay = async () => {
      const page = await pdf.document.getPage(number);
      if (isGone) return;
      const layer = new pdf.library.TextLayer({
        textContentSource: page.streamTextContent(),
        container: host,
        viewport: page.getViewport({ scale: PIXELS_PER_POINT }),
      });
      stop = () => layer.cancel();
      await layer.render();
    };
    const timer = setTimeout(() => void lay().catch(() => {}), REST_MS);
    return () => {
      isGone = true;
      clearTimeout(timer);
      stop();
      host.replaceChildren();
    };
  }, [pdf, number]);

  useEffect(() => {
    const host = picture.current;
    return () => {
      for (const canvas of host?.querySelectorAll("canvas") ?? []) free(canvas);
      void pdf.document.getPage(number).then(
        (page) => page.cleanup(),
        () => {},
      );
    };
  }, [pdf, number]);

  return (
    <section
      aria-label={isDrawn ? t("page", { page: number }) : t("loadingPage", { page: number })}
      aria-busy={!isDrawn || undefined}
      data-page={number}
      className="pdf-page"
      style={
        {
          ...style,
          "--total-scale-factor": zoom * PIXELS_PER_POINT,
          "--scale-round-x": "1px",
          "--scale-round-y": "1px",
        } as CSSProperties
      }
    >
      <div ref={picture} aria-hidden="true" />
      <PageMarks marks={marks} />
      <div ref={letters} className="pdf-text" />
    </section>
  );
}

/** Browsers keep the memory of a canvas until it is collected, and on telephones that is too late. */
function free(canvas: HTMLCanvasElement): void {
  canvas.width = 0;
  canvas.height = 0;
  canvas.remove();
}
