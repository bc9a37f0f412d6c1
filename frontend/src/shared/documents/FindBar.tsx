import { useQuery } from "@tanstack/react-query";
import { ChevronDown, ChevronUp, X } from "lucide-react";
import { type KeyboardEvent, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { formatNumber } from "../i18n/format";
import { useLocale } from "../i18n/locale";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../ui/button";
import { SearchField } from "../ui/input";
import { Spinner, useLate } from "../ui/spinner";
import { type DocumentText, wholeTextQuery } from "./api";
import { Characters, type Range } from "./places";
import { viewerTexts } from "./texts";

const MOST = 2000;

/** Finds words in the whole text, drawn or not; what it finds is marked on the pages and in the tick map. */
export function FindBar({
  documentId,
  text: frame,
  initial,
  onFound,
  onGo,
  onClose,
}: {
  documentId: string;
  text: DocumentText;
  initial: string;
  /** And which of them one stands at. */
  onFound: (hits: readonly Range[], at: number) => void;
  onGo: (index: number, range: Range) => void;
  onClose: () => void;
}) {
  const t = useTexts(viewerTexts);
  const locale = useLocale();
  const [query, setQuery] = useState(initial);
  const [at, setAt] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const whole = useQuery(wholeTextQuery(documentId, frame));
  const late = useLate(whole.isPending && query !== "", 400);
  const text = useMemo(() => (whole.data === undefined ? null : new Characters(whole.data)), [whole.data]);
  const asked = useDeferredValue(query);
  const hits = useMemo(() => (text && asked.trim().length > 1 ? text.find(asked, MOST) : []), [text, asked]);
  const tell = useRef({ onFound, onGo });
  tell.current = { onFound, onGo };
  const stood = useRef<Range | null>(null);
  useEffect(() => {
    // One letter more need not lead away from where one is.
    const same = stood.current ? hits.findIndex(({ start }) => start === stood.current?.start) : -1;
    const next = Math.max(0, same);
    const hit = hits[next] ?? null;
    tell.current.onFound(hits, next);
    setAt(next);
    if (hit && same < 0) tell.current.onGo(next, hit);
    stood.current = hit;
  }, [hits]);
  useEffect(() => () => tell.current.onFound([], 0), []);
  useEffect(() => field.current?.select(), []);
  const step = (by: number) => {
    if (hits.length === 0) return;
    const next = (at + by + hits.length) % hits.length;
    setAt(next);
    stood.current = hits[next] ?? null;
    onGo(next, hits[next] as Range);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") onClose();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const number = (value: number) => formatNumber(value, {}, locale);
  return (
    <search
      onKeyDownCapture={onKeyDown}
      className="flex h-11 flex-none items-center gap-1 border-b border-border bg-background px-3"
    >
      <SearchField
        label={t("find")}
        size="sm"
        value={query}
        onChange={setQuery}
        inputRef={(element) => {
          field.current = element;
          if (element && document.activeElement === document.body) element.focus();
        }}
        className="min-w-0 grow"
      />
      {late ? <Spinner size={14} /> : null}
      <span role="status" className="num min-w-16 px-1 text-right text-xs whitespace-nowrap text-muted-foreground">
        {asked.trim().length > 1 && text
          ? hits.length === MOST
            ? t("hitsMany", { at: number(at + 1), count: number(MOST) })
            : t("hits", { count: hits.length, at: number(at + 1) })
          : null}
      </span>
      <IconButton icon={ChevronUp} label={t("findPrevious")} disabled={hits.length === 0} onClick={() => step(-1)} />
      <IconButton icon={ChevronDown} label={t("findNext")} disabled={hits.length === 0} onClick={() => step(1)} />
      <IconButton icon={X} label={t("closeFind")} onClick={onClose} />
    </search>
  );
}
