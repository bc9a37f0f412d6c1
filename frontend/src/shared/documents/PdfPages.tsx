import { useQuery } from "@tanstack/react-query";
import {
  type CSSProperties,
  type Ref,
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { useTexts } from "../i18n/texts";
import { pageQuery } from "./api";
import { fitWidth, keepPlace, type Layout, layOut, pageInView, pagesBetween, type Size, scrollTo } from "./layout";
import type { TextMark } from "./Passage";
import { ImagePage, type PageMark, PdfPage } from "./PdfPage";
import type { OpenPdf } from "./pdf";
import { around, boxesOf, overlaps, type PageSpan } from "./places";
import { viewerTexts } from "./texts";

export interface PagesHandle {
  /** Brings a part of a page (0 is its top) to 30 % of the height. */
  readonly show: (index: number, share: number) => void;
  readonly step: (pages: 1 | -1) => void;
  readonly focus: () => void;
}

/** A PDF that is open, or the address of a picture. */
export type Source = { readonly pdf: OpenPdf } | { readonly image: string; readonly onBroken: () => void };

const A4: Size = { width: 595, height: 842 };
/** The pages of a PDF below each other; only those in sight and one on each side exist. */
export function PdfPages({
  source,
  documentId,
  textId,
  name,
  pages: known,
  zoom: wish,
  marks,
  onPage,
  onZoom,
  ref,
}: {
  source: Source;
  documentId: string;
  textId: string;
  name: string;
  /** As the server knows them, so that nothing moves once the file itself says so. */
  pages: readonly PageSpan[];
  zoom: number | "fit";
  marks: readonly TextMark[];
  onPage: (index: number) => void;
  onZoom: (zoom: number) => void;
  ref: Ref<PagesHandle>;
}) {
  const t = useTexts(viewerTexts);
  const scroller = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(0);
  const [own, setOwn] = useState<ReadonlyMap<number, Size>>(new Map());
  const count = "pdf" in source ? source.pdf.document.numPages : 1;
  const sizes = useMemo(() => {
    const usual = own.get(1) ?? known.find((size) => size.width > 0) ?? A4;
    return Array.from({ length: count }, (_, index) => {
      const size = own.get(index + 1) ?? known[index] ?? usual;
      return size.width > 0 && size.height > 0 ? size : usual;
    });
  }, [own, known, count]);
  const zoom = wish === "fit" ? (width > 0 ? fitWidth(sizes, width) : 1) : wish;
  const layout = useMemo(() => layOut(sizes, zoom), [sizes, zoom]);
  const [window, setWindow] = useState({ first: 0, last: 1 });
  const before = useRef<Layout>(layout);
  const latest = useRef({ layout, onPage });
  latest.current = { layout, onPage };
  // What was asked for stays in its place while sizes are learned, until somebody scrolls themselves.
  const anchor = useRef<{ index: number; share: number } | null>(null);

  const look = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    const { layout: now, onPage: tell } = latest.current;
    const { scrollTop, clientHeight } = element;
    tell(pageInView(now, scrollTop, clientHeight));
    const next = pagesBetween(now, scrollTop, scrollTop + clientHeight);
    setWindow((current) => (current.first === next.first && current.last === next.last ? current : next));
  }, []);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    let frame = 0;
    const onScroll = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(look);
    };
    const observer = new ResizeObserver(() => {
      setWidth(element.clientWidth);
      look();
    });
    const letGo = () => {
      anchor.current = null;
    };
    const own = ["wheel", "touchmove", "keydown", "pointerdown"] as const;
    observer.observe(element);
    element.addEventListener("scroll", onScroll, { passive: true });
    for (const kind of own) element.addEventListener(kind, letGo, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", onScroll);
      for (const kind of own) element.removeEventListener(kind, letGo);
      cancelAnimationFrame(frame);
    };
  }, [look]);

  // Sizes or zoom have changed: what one read stays where it was.
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element && anchor.current) {
      element.scrollTop = scrollTo(layout, anchor.current.index, anchor.current.share, element.clientHeight);
    } else if (element && before.current !== layout) {
      element.scrollTop = keepPlace(before.current, layout, element.scrollTop);
    }
    before.current = layout;
    look();
  }, [layout, look]);
  useEffect(() => onZoom(zoom), [zoom, onZoom]);

  const learn = useCallback((number: number, { width, height }: Size) => {
    setOwn((current) => {
      const present = current.get(number);
      if (present && Math.abs(present.width - width) < 0.5 && Math.abs(present.height - height) < 0.5) return current;
      return new Map(current).set(number, { width, height });
    });
  }, []);

  useImperativeHandle(
    ref,
    () => ({
      show: (index, share) => {
        const element = scroller.current;
        if (!element) return;
        anchor.current = { index, share };
        element.scrollTop = scrollTo(latest.current.layout, index, share, element.clientHeight);
        look();
      },
      step: (by) => {
        const element = scroller.current;
        if (!element) return;
        anchor.current = null;
        const { layout: now } = latest.current;
        const target = now.pages[pageInView(now, element.scrollTop, element.clientHeight) + by];
        if (target) element.scrollTop = target.top - 4;
      },
      focus: () => scroller.current?.focus(),
    }),
    [look],
  );

  const shown = layout.pages.slice(window.first, window.last);
  return (
    <section
      ref={scroller}
      aria-label={t("pagesOf", { name })}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
      className="scroll relative min-h-0 grow overflow-x-auto bg-sunken focus-visible:-outline-offset-2"
    >
      <div
        className="relative mx-auto"
        style={{ height: layout.height, width: layout.width, maxWidth: wish === "fit" ? "100%" : undefined }}
      >
        {shown.map((page, offset) => {
          const number = window.first + offset + 1;
          return (
            <MarkedPage
              key={number}
              source={source}
              name={name}
              documentId={documentId}
              textId={textId}
              page={known[number - 1]}
              number={number}
              zoom={zoom}
              marks={marks}
              onSize={learn}
              style={{
                top: page.top,
                left: (layout.width - page.width) / 2,
                width: page.width,
                height: page.height,
              }}
            />
          );
        })}
      </div>
    </section>
  );
}

/** Where the marks are is asked only of pages that have some. */
function MarkedPage({
  documentId,
  textId,
  page,
  marks,
  source,
  name,
  zoom,
  ...rest
}: {
  source: Source;
  name: string;
  documentId: string;
  textId: string;
  page: PageSpan | undefined;
  number: number;
  zoom: number;
  marks: readonly TextMark[];
  style: CSSProperties;
  onSize: (number: number, size: Size) => void;
}) {
  const own = useMemo(() => (page ? marks.filter((mark) => overlaps(mark, page)) : []), [page, marks]);
  const { data } = useQuery({ ...pageQuery(documentId, rest.number, textId), enabled: own.length > 0 });
  const placed = useMemo(() => {
    if (!data) return [];
    const ratio = data.width / data.height;
    return own.map((mark): PageMark => {
      const block = mark.isLed ? data.blocks.find((candidate) => overlaps(candidate, mark)) : undefined;
      const column = block ? around(boxesOf(data.words, block, ratio)) : null;
      return {
        start: mark.start,
        look: mark.look,
        boxes: boxesOf(data.words, mark, ratio),
        margin: mark.isLed ? (column?.left ?? null) : null,
      };
    });
  }, [data, own]);
  return "pdf" in source ? (
    <PdfPage {...rest} pdf={source.pdf} zoom={zoom} marks={placed} />
  ) : (
    <ImagePage {...rest} url={source.image} name={name} onBroken={source.onBroken} marks={placed} />
  );
}
