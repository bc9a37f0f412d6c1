import { useQuery, useQueryClient } from "@tanstack/react-query";
import {
  Check,
  ChevronDown,
  ChevronLeft,
  ChevronRight,
  ChevronUp,
  CircleDashed,
  Ellipsis,
  Equal,
  ExternalLink,
  FileText,
  type LucideIcon,
  Search,
  WholeWord,
  ZoomIn,
  ZoomOut,
} from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link } from "../frame/link";
import { useIsPhone } from "../frame/use-media";
import { formatPercent } from "../i18n/format";
import { useLocale } from "../i18n/locale";
import { useTexts } from "../i18n/texts";
import { useAction, useBinding } from "../keys/use-keys";
import { Button, IconButton } from "../ui/button";
import { cx } from "../ui/cx";
import { Icon } from "../ui/icons";
import { Menu } from "../ui/menu";
import { EmptyState, ErrorState, LoadingBars, Notice } from "../ui/states";
import { contentAddress, type DocumentRead, type DocumentText, pageQuery, textQuery } from "./api";
import { FindBar } from "./FindBar";
import { nextZoom } from "./layout";
import { PassageCard, type TextMark } from "./Passage";
import { type PagesHandle, PdfPages, type Source } from "./PdfPages";
import { boxesOf, type Evidence, type EvidenceKind, overlaps, type PageSpan, pageAt, type Range } from "./places";
import { TextPages } from "./TextPages";
import { TickMap } from "./TickMap";
import { viewerTexts } from "./texts";
import { usePdf } from "./use-pdf";
import "./viewer.css";

export interface ViewerProps {
  readonly document: DocumentRead;
  /** The text that the evidence points into; the document's present one if nothing is said. */
  readonly textId?: string | null;
  readonly evidence?: readonly Evidence[];
  readonly current?: number;
  readonly onCurrent?: (index: number) => void;
  /** Where to open if there is no evidence; from 1. */
  readonly page?: number;
  /** Somebody chose a page elsewhere, such as in the outline; the turn tells one choice from the next. */
  readonly jump?: { readonly page: number; readonly turn: number } | null;
  readonly onPage?: (page: number) => void;
  /** Where "open in a tab of its own" leads. */
  readonly tabAddress?: string;
  /** Words to find at once. */
  readonly find?: string;
}

/** A document with the passages that something refers to, each where it stands on its page. */
export default function EvidenceViewer(props: ViewerProps) {
  const t = useTexts(viewerTexts);
  const { document } = props;
  const textId = props.textId ?? document.text_id;
  const text = useQuery({ ...textQuery(document.id, textId), enabled: textId !== null });
  if (textId === null) {
    return (
      <div className="px-5">
        <EmptyState title={document.state === "failed" ? t("failed") : t("notReady")}>
          {document.problem?.sentence ?? t("notReadyText")}
        </EmptyState>
      </div>
    );
  }
  if (text.isError && !text.data) {
    return <ErrorState error={text.error} onRetry={() => void text.refetch()} className="px-5" />;
  }
  if (!text.data) return <LoadingBars rows={12} className="px-5" />;
  return <Viewer {...props} text={text.data} key={`${document.id} ${text.data.textId}`} />;
}

const nothing: readonly Evidence[] = [];

function Viewer({
  document,
  text,
  evidence = nothing,
  current = 0,
  onCurrent,
  page,
  jump = null,
  onPage,
  tabAddress,
  find = "",
}: ViewerProps & { text: DocumentText }) {
  const t = useTexts(viewerTexts);
  const client = useQueryClient();
  const isPhone = useIsPhone();
  const root = useRef<HTMLDivElement>(null);
  const pages = useRef<PagesHandle>(null);
  const [zoom, setZoom] = useState<number | "fit">("fit");
  const [shownZoom, setShownZoom] = useState(1);
  const [here, setHere] = useState(Math.max(0, (page ?? 1) - 1));
  const [isFinding, setFinding] = useState(find !== "");
  const [hits, setHits] = useState<readonly Range[]>([]);
  const [hit, setHit] = useState(0);
  const [showsPage, setShowsPage] = useState(false);
  const [unplaced, setUnplaced] = useState<PageSpan | null>(null);
  const [isBroken, setBroken] = useState(false);
  const hasPages = document.kind === "pdf" || document.kind === "image";
  const address = contentAddress(document.id, text.textId);
  const pdf = usePdf(document.kind === "pdf" ? address : null);
  const source = useMemo<Source | null>(() => {
    if (document.kind === "image") return { image: address, onBroken: () => setBroken(true) };
    return pdf.state === "open" ? { pdf: pdf.pdf } : null;
  }, [document.kind, address, pdf]);
  const chosen = evidence[current];
  const isReflowed = isPhone && chosen !== undefined && !showsPage && !isFinding;

  const marks = useMemo<TextMark[]>(() => {
    const isHitFirst = hits.length > 0;
    return [
      ...evidence.map(({ start, end }, index) => ({
        start,
        end,
        look: index === current && !isHitFirst ? ("current" as const) : ("further" as const),
        isLed: true,
      })),
      ...hits.map(({ start, end }, index) => ({
        start,
        end,
        look: index === hit ? ("current" as const) : ("further" as const),
      })),
    ];
  }, [evidence, current, hits, hit]);

  /** Brings a stretch of text into view; where the page cannot say where it is, its passage is shown beside it. */
  const show = useCallback(
    async (range: Range) => {
      const span = pageAt(text.pages, range.start);
      if (!span) return;
      const index = text.pages.indexOf(span);
      if (!hasPages) {
        pages.current?.show(index, 0);
        return;
      }
      const words = await client.fetchQuery(pageQuery(document.id, span.number, text.textId)).catch(() => null);
      const boxes = words ? boxesOf(words.words, range, words.width / words.height) : [];
      setUnplaced(boxes.length === 0 ? span : null);
      pages.current?.show(index, boxes[0]?.top ?? 0);
    },
    [client, document.id, text, hasPages],
  );

  const isReady = hasPages ? source !== null || pdf.state === "failed" : true;
  const arrival = useRef({ page, chosen });
  arrival.current = { page, chosen };
  // biome-ignore lint/correctness/useExhaustiveDependencies: going to the same passage again is asked for by its index
  useEffect(() => {
    if (!isReady || isReflowed) return;
    const { page: wanted, chosen: passage } = arrival.current;
    if (passage) void show(passage);
    else if (wanted && wanted > 1) pages.current?.show(wanted - 1, 0);
  }, [isReady, isReflowed, current, chosen?.start, chosen?.end, show]);

  useEffect(() => {
    if (!jump) return;
    setShowsPage(true);
    pages.current?.show(jump.page - 1, 0);
  }, [jump]);

  const onHere = useCallback((index: number) => setHere(Math.max(0, index)), []);
  const tellPage = useRef(onPage);
  tellPage.current = onPage;
  useEffect(() => tellPage.current?.(here + 1), [here]);

  const step = (by: number) => {
    if (evidence.length === 0) return;
    setHits([]);
    onCurrent?.((current + by + evidence.length) % evidence.length);
    if (evidence.length === 1 && chosen) void show(chosen);
  };
  const zoomBy = (direction: 1 | -1) => setZoom(nextZoom(shownZoom, direction));
  const startFind = () => {
    setFinding(true);
    setShowsPage(true);
  };
  const canStep = evidence.length > 0;
  useAction("evidence.next", () => step(1), { within: root, enabled: canStep });
  useAction("evidence.previous", () => step(-1), { within: root, enabled: canStep });
  useAction("viewer.find", startFind, { within: root });
  useAction("viewer.zoomIn", () => zoomBy(1), { within: root });
  useAction("viewer.zoomOut", () => zoomBy(-1), { within: root });
  useAction("viewer.fit", () => setZoom("fit"), { within: root });

  const fallsBack = pdf.state === "failed" || isBroken;
  const ticks = useMemo(
    () =>
      (hits.length > 0 ? hits.slice(0, 400) : evidence).map((range, index) => ({
        at: shareOf(text, range),
        page: pageAt(text.pages, range.start)?.number ?? 1,
        isCurrent: index === (hits.length > 0 ? hit : current),
      })),
    [evidence, hits, hit, current, text],
  );
  const isDrawn = hasPages && !fallsBack;
  return (
    <div ref={root} className="flex min-h-0 min-w-0 grow flex-col">
      {chosen ? (
        <EvidenceHead
          document={document}
          text={text}
          evidence={chosen}
          at={current}
          count={evidence.length}
          onStep={step}
        />
      ) : null}
      {isReflowed ? (
        <Reflowed
          document={document}
          text={text}
          evidence={evidence}
          current={current}
          onStep={step}
          onShowPage={() => setShowsPage(true)}
        />
      ) : (
        <>
          <Bar
            count={text.pages.length}
            here={here}
            zoom={shownZoom}
            isFit={zoom === "fit"}
            onPage={(index) => pages.current?.show(index, 0)}
            onZoom={zoomBy}
            onFit={() => setZoom("fit")}
            onSetZoom={setZoom}
            isFinding={isFinding}
            onFind={() => (isFinding ? setFinding(false) : startFind())}
            tabAddress={tabAddress}
            onShowPassage={isPhone && chosen ? () => setShowsPage(false) : undefined}
          />
          {isFinding ? (
            <FindBar
              documentId={document.id}
              text={text}
              initial={find}
              onFound={(found, at) => {
                setHits(found);
                setHit(at);
              }}
              onGo={(index, range) => {
                setHit(index);
                void show(range);
              }}
              onClose={() => {
                setFinding(false);
                pages.current?.focus();
              }}
            />
          ) : null}
          {fallsBack ? (
            <Notice tone="brass" className="m-3 flex-none">
              {pdf.state === "failed" && pdf.isLocked ? t("pdfLocked") : t("pdfFailed")}
            </Notice>
          ) : null}
          {isDrawn && unplaced && chosen ? (
            <Unplaced document={document} text={text} span={unplaced} evidence={chosen} />
          ) : null}
          <div className="relative flex min-h-0 min-w-0 grow flex-col">
            {!isDrawn ? (
              <TextPages
                ref={pages}
                documentId={document.id}
                textId={text.textId}
                name={document.name}
                pages={text.pages}
                zoom={zoom === "fit" ? 1 : zoom}
                marks={marks}
                onPage={onHere}
              />
            ) : source ? (
              <PdfPages
                ref={pages}
                source={source}
                documentId={document.id}
                textId={text.textId}
                name={document.name}
                pages={text.pages}
                zoom={zoom}
                marks={marks}
                onPage={onHere}
                onZoom={setShownZoom}
              />
            ) : (
              <div className="min-h-0 grow bg-sunken p-4" aria-busy="true" />
            )}
            <TickMap
              ticks={ticks}
              onChoose={(index) => {
                const range = hits[index];
                if (range) {
                  setHit(index);
                  void show(range);
                } else onCurrent?.(index);
              }}
            />
          </div>
        </>
      )}
    </div>
  );
}

/** How far down in the document a passage stands, without having read the places of its words. */
function shareOf(text: DocumentText, range: Range): number {
  const span = pageAt(text.pages, range.start);
  if (!span) return 0;
  const index = text.pages.indexOf(span);
  const within = (range.start - span.start) / Math.max(1, span.end - span.start);
  if (text.pages.length === 1 || span.width > 0) return (index + within) / text.pages.length;
  return range.start / Math.max(1, text.characters);
}

const kindIcons: Readonly<Record<EvidenceKind, LucideIcon>> = {
  verbatim: Check,
  normalised: Check,
  elided: Ellipsis,
  fuzzy: Equal,
  none: CircleDashed,
  words: WholeWord,
  meaning: Equal,
};

function EvidenceHead({
  document,
  text,
  evidence,
  at,
  count,
  onStep,
}: {
  document: DocumentRead;
  text: DocumentText;
  evidence: Evidence;
  at: number;
  count: number;
  onStep: (by: number) => void;
}) {
  const t = useTexts(viewerTexts);
  const isPhone = useIsPhone();
  const next = useBinding("evidence.next");
  const previous = useBinding("evidence.previous");
  const where = usePlace(document, text, evidence);
  const { kind } = evidence;
  const isProof = kind === "verbatim" || kind === "normalised" || kind === "elided";
  const note = kind === "verbatim" || kind === "none" ? (isProof ? t("compared") : "") : t(`note.${kind}`);
  return (
    <header className="flex-none border-b border-border px-5 pt-3 pb-3 max-md:px-4">
      <div className="flex min-h-7 items-center gap-2">
        <span className="num grid h-[1.125rem] min-w-[1.125rem] place-items-center rounded-xs bg-primary px-1 text-2xs font-semibold text-primary-foreground">
          {at + 1}
        </span>
        <span
          className={cx(
            "flex min-w-0 items-center gap-1.5 font-medium",
            kind === "fuzzy" || kind === "none" ? "text-brass-text" : "text-primary-text",
          )}
        >
          <Icon icon={kindIcons[kind]} size={15} />
          <span className="truncate">{t(`kind.${kind}`)}</span>
        </span>
        <span className="grow" />
        {isPhone || count < 2 ? null : (
          <>
            <IconButton icon={ChevronUp} label={t("previousEvidence")} keys={previous} onClick={() => onStep(-1)} />
            <span className="num text-xs whitespace-nowrap text-muted-foreground">
              {t("evidenceOf", { at: at + 1, count })}
            </span>
            <IconButton icon={ChevronDown} label={t("nextEvidence")} keys={next} onClick={() => onStep(1)} />
          </>
        )}
      </div>
      <p className="mt-1 text-muted-foreground">
        {where}. {isPhone ? null : note}
      </p>
    </header>
  );
}

/** "Gutachten 2019, page 14, paragraph 2"; the paragraph once the page is known. */
function usePlace(document: DocumentRead, text: DocumentText, range: Range): string {
  const t = useTexts(viewerTexts);
  const span = pageAt(text.pages, range.start);
  const { data } = useQuery({ ...pageQuery(document.id, span?.number ?? 1, text.textId), enabled: span !== undefined });
  const name = document.title || document.name;
  if (!span) return name;
  if (span.name) return t("whereSheet", { name, sheet: span.name });
  const paragraphs = data?.blocks.filter((block) => block.kind === "paragraph" || block.kind === "item") ?? [];
  const paragraph = paragraphs.findIndex((block) => overlaps(block, range)) + 1;
  return paragraph > 0
    ? t("wherePaged", { name, page: span.number, paragraph })
    : t("where", { name, page: span.number });
}

/** The passage first, large enough to be read on a telephone. */
function Reflowed({
  document,
  text,
  evidence,
  current,
  onStep,
  onShowPage,
}: {
  document: DocumentRead;
  text: DocumentText;
  evidence: readonly Evidence[];
  current: number;
  onStep: (by: number) => void;
  onShowPage: () => void;
}) {
  const t = useTexts(viewerTexts);
  const chosen = evidence[current] as Evidence;
  const span = pageAt(text.pages, chosen.start) as PageSpan;
  const page = useQuery(pageQuery(document.id, span.number, text.textId));
  return (
    <>
      <div className="scroll min-h-0 grow bg-sunken p-4">
        {page.data ? (
          <PassageCard page={page.data} evidence={chosen} further={evidence.filter((other) => other !== chosen)} />
        ) : page.isError ? (
          <ErrorState error={page.error} onRetry={() => void page.refetch()} />
        ) : (
          <LoadingBars rows={6} />
        )}
      </div>
      <footer className="flex flex-none items-center gap-2 border-t border-border px-4 py-2 pb-[max(0.5rem,env(safe-area-inset-bottom))]">
        <IconButton
          icon={ChevronLeft}
          size="lg"
          label={t("previousEvidence")}
          disabled={evidence.length < 2}
          onClick={() => onStep(-1)}
        />
        <span className="num grow text-center text-muted-foreground">
          {t("evidenceOf", { at: current + 1, count: evidence.length })}
        </span>
        <Button size="lg" onClick={onShowPage}>
          {t("showPage")}
        </Button>
        <IconButton
          icon={ChevronRight}
          size="lg"
          label={t("nextEvidence")}
          disabled={evidence.length < 2}
          onClick={() => onStep(1)}
        />
      </footer>
    </>
  );
}

/** A page that does not say where its words are: the passage as text, with the reason. */
function Unplaced({
  document,
  text,
  span,
  evidence,
}: {
  document: DocumentRead;
  text: DocumentText;
  span: PageSpan;
  evidence: Evidence;
}) {
  const t = useTexts(viewerTexts);
  const { data } = useQuery(pageQuery(document.id, span.number, text.textId));
  return (
    <div className="max-h-[45%] flex-none overflow-y-auto border-b border-border bg-sunken px-4 py-3">
      <p className="mb-2 text-xs text-brass-text">{span.isScan ? t("noPlacesScan") : t("noPlaces")}</p>
      {data ? <PassageCard page={data} evidence={evidence} /> : null}
    </div>
  );
}

function Bar({
  count,
  here,
  zoom,
  isFit,
  onPage,
  onZoom,
  onFit,
  onSetZoom,
  isFinding,
  onFind,
  tabAddress,
  onShowPassage,
}: {
  count: number;
  here: number;
  zoom: number;
  isFit: boolean;
  onPage: (index: number) => void;
  onZoom: (direction: 1 | -1) => void;
  onFit: () => void;
  onSetZoom: (zoom: number) => void;
  isFinding: boolean;
  onFind: () => void;
  tabAddress?: string;
  onShowPassage?: () => void;
}) {
  const t = useTexts(viewerTexts);
  const locale = useLocale();
  const [typed, setTyped] = useState<string | null>(null);
  const inKeys = useBinding("viewer.zoomIn");
  const outKeys = useBinding("viewer.zoomOut");
  const fitKeys = useBinding("viewer.fit");
  const findKeys = useBinding("viewer.find");
  const percent = formatPercent(zoom, 0, locale);
  const go = () => {
    const wanted = Number(typed);
    if (Number.isInteger(wanted) && wanted >= 1) onPage(Math.min(count, wanted) - 1);
    setTyped(null);
  };
  return (
    <div className="flex h-11 flex-none items-center gap-1 border-b border-border px-4">
      <Icon icon={FileText} className="mr-1.5 text-faint" />
      <input
        aria-label={t("pageField")}
        inputMode="numeric"
        value={typed ?? String(Math.min(count, here + 1))}
        onFocus={(event) => event.target.select()}
        onChange={(event) => setTyped(event.target.value.replaceAll(/\D/g, ""))}
        onBlur={() => typed !== null && go()}
        onKeyDown={(event) => event.key === "Enter" && go()}
        className="num h-7 rounded-xs border border-transparent bg-transparent px-1 text-right font-semibold hover:border-border-strong focus-visible:border-border-strong pointer-coarse:h-11"
        style={{ width: `${String(count).length + 1.6}ch` }}
      />
      <span className="num whitespace-nowrap text-muted-foreground">{t("ofPages", { pages: count })}</span>
      <span className="grow" />
      {onShowPassage ? (
        <Button variant="ghost" size="sm" onClick={onShowPassage}>
          {t("showPassage")}
        </Button>
      ) : null}
      <IconButton icon={ZoomOut} label={t("zoomOut")} keys={outKeys} onClick={() => onZoom(-1)} />
      <Menu
        align="center"
        trigger={
          <button
            type="button"
            aria-label={t("zoomMenu", { percent })}
            className="touch num h-7 rounded-sm px-1.5 text-muted-foreground hover:bg-hover hover:text-foreground data-popup-open:bg-selected max-sm:hidden"
          >
            {percent}
          </button>
        }
        entries={[
          { label: t("fitWidth"), icon: isFit ? Check : undefined, keys: fitKeys, onSelect: onFit },
          { kind: "separator" },
          ...[0.5, 0.75, 1, 1.25, 1.5, 2].map((value) => ({
            label: formatPercent(value, 0, locale),
            onSelect: () => onSetZoom(value),
          })),
        ]}
      />
      <IconButton icon={ZoomIn} label={t("zoomIn")} keys={inKeys} onClick={() => onZoom(1)} />
      <IconButton icon={Search} label={t("find")} keys={findKeys} on={isFinding} onClick={onFind} />
      {tabAddress ? (
        <IconButton icon={ExternalLink} label={t("openTab")} render={<Link to={tabAddress} target="_self" />} />
      ) : null}
    </div>
  );
}
