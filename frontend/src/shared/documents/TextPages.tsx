import { useQuery } from "@tanstack/react-query";
import { type Ref, useEffect, useImperativeHandle, useRef, useState } from "react";
import { useTexts } from "../i18n/texts";
import { cx } from "../ui/cx";
import { ErrorState, LoadingBars } from "../ui/states";
import { pageQuery } from "./api";
import { PageBlocks, type TextMark } from "./Passage";
import type { PagesHandle } from "./PdfPages";
import { overlaps, type PageSpan } from "./places";
import { viewerTexts } from "./texts";

/** A document that has no page pictures: its text, page by page, with headings, tables and marks. */
export function TextPages({
  documentId,
  textId,
  name,
  pages,
  zoom,
  marks,
  onPage,
  ref,
}: {
  documentId: string;
  textId: string;
  name: string;
  pages: readonly PageSpan[];
  /** Of the letters. */
  zoom: number;
  marks: readonly TextMark[];
  onPage: (index: number) => void;
  ref: Ref<PagesHandle>;
}) {
  const t = useTexts(viewerTexts);
  const scroller = useRef<HTMLElement>(null);
  // What one waits to see: its page may still have to be fetched.
  const [wanted, setWanted] = useState<{ index: number; turn: number } | null>(null);
  const section = (index: number) => scroller.current?.querySelectorAll<HTMLElement>("[data-page]")[index];

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    let frame = 0;
    const look = () => {
      const sections = [...element.querySelectorAll<HTMLElement>("[data-page]")];
      const third = element.getBoundingClientRect().top + element.clientHeight / 3;
      const index = sections.findIndex((candidate) => candidate.getBoundingClientRect().bottom > third);
      onPage(index < 0 ? sections.length - 1 : index);
    };
    const onScroll = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(look);
    };
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      element.removeEventListener("scroll", onScroll);
    };
  }, [onPage]);

  useImperativeHandle(ref, () => ({
    show: (index) => setWanted((current) => ({ index, turn: (current?.turn ?? 0) + 1 })),
    step: (by) => {
      const sections = [...(scroller.current?.querySelectorAll<HTMLElement>("[data-page]") ?? [])];
      const top = scroller.current?.getBoundingClientRect().top ?? 0;
      const here = sections.findLastIndex((candidate) => candidate.getBoundingClientRect().top <= top + 8);
      sections[Math.max(0, here) + by]?.scrollIntoView({ block: "start" });
    },
    focus: () => scroller.current?.focus(),
  }));

  const onShown = (index: number) => {
    if (wanted?.index !== index) return;
    setWanted(null);
    const current = section(index)?.querySelector<HTMLElement>('mark[data-look="current"]') ?? null;
    const element = scroller.current;
    if (!element) return;
    const target = current ?? section(index);
    if (!target) return;
    const gap = target.getBoundingClientRect().top - element.getBoundingClientRect().top;
    element.scrollTop += current ? gap - 0.3 * element.clientHeight : gap - 8;
  };

  return (
    <section
      ref={scroller}
      aria-label={t("textOf", { name })}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
      className="scroll min-h-0 grow bg-sunken px-4 py-4 focus-visible:-outline-offset-2 md:px-6"
      style={{ fontSize: `${zoom}rem` }}
    >
      <div className="paper-text mx-auto max-w-[44rem] px-6 py-8 shadow-page @xl:px-12 @xl:py-12" style={{ zoom }}>
        {pages.map((page, index) => (
          <TextPage
            key={page.number}
            documentId={documentId}
            textId={textId}
            page={page}
            hasHead={pages.length > 1}
            isWanted={wanted?.index === index || index === 0}
            turn={wanted?.index === index ? wanted.turn : 0}
            marks={marks.filter((mark) => overlaps(mark, page))}
            onShown={() => onShown(index)}
          />
        ))}
      </div>
    </section>
  );
}

function TextPage({
  documentId,
  textId,
  page,
  hasHead,
  isWanted,
  turn,
  marks,
  onShown,
}: {
  documentId: string;
  textId: string;
  page: PageSpan;
  hasHead: boolean;
  isWanted: boolean;
  turn: number;
  marks: readonly TextMark[];
  onShown: () => void;
}) {
  const t = useTexts(viewerTexts);
  const own = useRef<HTMLElement>(null);
  const [isNear, setNear] = useState(false);
  useEffect(() => {
    if (!own.current || typeof IntersectionObserver === "undefined") return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) setNear(true);
      },
      { rootMargin: "1200px" },
    );
    observer.observe(own.current);
    return () => observer.disconnect();
  }, []);
  const read = useQuery({ ...pageQuery(documentId, page.number, textId), enabled: isNear || isWanted });
  const shown = useRef(onShown);
  shown.current = onShown;
  const isThere = read.data !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a page that is asked for again is shown again
  useEffect(() => {
    if (isThere) shown.current();
  }, [isThere, turn]);
  return (
    <section
      ref={own}
      data-page={page.number}
      aria-label={page.name || t("page", { page: page.number })}
      className={cx(hasHead && "border-b border-black/10 pb-6 not-first:pt-6 last:border-0")}
    >
      {hasHead ? (
        <p className="mb-3 font-sans text-xs opacity-70" aria-hidden="true">
          {page.name || t("page", { page: page.number })}
        </p>
      ) : null}
      {read.data ? (
        read.data.text.trim() === "" ? (
          <p className="text-base opacity-75">{t("noText")}</p>
        ) : (
          <PageBlocks page={read.data} marks={marks} />
        )
      ) : read.isError ? (
        <ErrorState error={read.error} onRetry={() => void read.refetch()} />
      ) : (
        <LoadingBars rows={8} />
      )}
    </section>
  );
}
