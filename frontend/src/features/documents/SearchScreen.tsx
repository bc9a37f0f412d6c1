import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ChevronDown, Equal, WholeWord } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { pageQuery } from "@/shared/documents/api";
import { PassageCard } from "@/shared/documents/Passage";
import { Link } from "@/shared/frame/link";
import { Inspector, Screen, useInspector } from "@/shared/frame/sheet";
import { useIsPhone } from "@/shared/frame/use-media";
import { writeDay } from "@/shared/i18n/days";
import { formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { Button, buttonClass } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { DateField } from "@/shared/ui/date-field";
import { Icon } from "@/shared/ui/icons";
import { SearchField } from "@/shared/ui/input";
import { Popover } from "@/shared/ui/popover";
import { EmptyState, ErrorState, LoadingBars, Refreshing } from "@/shared/ui/states";
import { countsQuery, type Kind, kinds, projectNamesQuery } from "./api";
import { Choice } from "./DocumentList";
import { Explained } from "./explain/Explained";
import {
  type DocumentHit,
  evidenceAddress,
  hitKind,
  type PassageHit,
  pieces,
  type Query,
  searchQuery,
  usePageOf,
} from "./find";
import { iconOf } from "./marks";
import { dropNothing } from "./search";
import { documentTexts } from "./texts";
import { useTyped } from "./use-typed";

export interface FindSearch {
  readonly q?: string;
  readonly project?: string;
  readonly type?: Kind;
  readonly tag?: string;
  readonly since?: string;
  readonly until?: string;
}

export function readFindSearch(raw: Record<string, unknown>): FindSearch {
  const word = (name: string, pattern = /./) => {
    const value = raw[name];
    const text = typeof value === "string" || typeof value === "number" ? String(value).slice(0, 500) : "";
    return pattern.test(text) ? text : undefined;
  };
  const day = /^\d{4}-\d{2}-\d{2}$/;
  return dropNothing({
    q: word("q"),
    project: word("project", /^[0-9a-f-]{36}$/),
    type: kinds.find((kind) => kind === raw.type),
    tag: word("tag"),
    since: word("since", day),
    until: word("until", day),
  });
}

function useFindSearch(): [FindSearch, (change: FindSearch) => void] {
  const search = readFindSearch(useSearch({ strict: false }));
  const navigate = useNavigate();
  const change = (next: FindSearch) => {
    void navigate({
      to: ".",
      search: ((current: Record<string, unknown>) => dropNothing({ ...readFindSearch(current), ...next })) as never,
      replace: true,
    });
  };
  return [search, change];
}

/** `/search`: all documents that one may read, by words and by meaning. */
export default function SearchScreen() {
  const t = useTexts(documentTexts);
  const locale = useLocale();
  const isPhone = useIsPhone();
  const [search, change] = useFindSearch();
  const [typed, type] = useTyped(search.q ?? "", (q) => change({ q }));
  const field = useRef<HTMLInputElement>(null);
  const { isOpen, setOpen } = useInspector();
  const [pointed, setPointed] = useState<string | null>(null);
  const [explains, setExplains] = useState(false);
  const wanted: Query = {
    query: search.q ?? "",
    project_id: search.project,
    type: search.type,
    tag: search.tag,
    since: search.since,
    until: search.until,
    explain: explains,
  };
  const found = useQuery({ ...searchQuery(wanted), placeholderData: keepPreviousData });
  const results = found.data?.results ?? [];
  const hits = results.flatMap((document) => document.passages.map((passage) => ({ document, passage })));
  const chosen = hits.find(({ passage }) => passage.passage_id === pointed) ?? hits[0];

  useEffect(() => {
    if (!isPhone) field.current?.focus();
  }, [isPhone]);

  const number = (value: number) => formatNumber(value, {}, locale);
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if (event.key === " " && (event.target as HTMLElement).dataset.hit !== undefined) {
      event.preventDefault();
      setOpen(!isOpen);
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const links = [...(list.current?.querySelectorAll<HTMLElement>("[data-hit]") ?? [])];
    if (links.length === 0) return;
    const here = links.indexOf(event.target as HTMLElement);
    const next = event.key === "ArrowDown" ? here + 1 : here - 1;
    event.preventDefault();
    if (next < 0) field.current?.focus();
    else links[Math.min(links.length - 1, next)]?.focus();
  };
  const isAsked = Boolean(search.q);
  return (
    <Screen
      title={t("searchTitle")}
      tabTitle={search.q ? `${t("searchTitle")}: ${search.q}` : t("searchTitle")}
      below={
        <>
          <SearchField
            label={t("searchField")}
            value={typed}
            onChange={type}
            inputRef={field}
            onKeyDown={onKeyDown}
            className="max-w-[50rem] pb-1 [&_input]:h-11 [&_input]:text-md"
          />
          <Filters search={search} change={change} />
        </>
      }
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: arrows move between the field and the links in it */}
      <div ref={list} onKeyDown={onKeyDown} className="max-w-[50rem]">
        {!isAsked ? (
          <EmptyState title={t("searchStart")}>
            <p>{t("searchLead")}</p>
            <p className="mt-1">{t("searchHelp")}</p>
          </EmptyState>
        ) : null}
        {isAsked && found.isPending ? <LoadingBars rows={8} className="mt-4" /> : null}
        {isAsked && found.isError && !found.data ? (
          <ErrorState error={found.error} onRetry={() => void found.refetch()} />
        ) : null}
        {isAsked && found.data && results.length === 0 ? (
          <EmptyState
            title={t("searchNothing", { query: search.q ?? "" })}
            action={
              search.project || search.type || search.tag || search.since || search.until ? (
                <Button
                  onClick={() =>
                    change({ project: undefined, type: undefined, tag: undefined, since: undefined, until: undefined })
                  }
                >
                  {t("clearFilters")}
                </Button>
              ) : null
            }
          >
            {t("searchNothingText")}
          </EmptyState>
        ) : null}
        {isAsked && results.length > 0 ? (
          <Refreshing active={found.isPlaceholderData}>
            <div className="mt-3 flex min-h-8 flex-wrap items-center gap-x-3 text-xs text-muted-foreground">
              <span role="status" className="num">
                {t("searchCount", { passages: hits.length, documents: results.length })}
              </span>
              <span className="grow" />
              <Button size="sm" variant="ghost" aria-expanded={explains} onClick={() => setExplains(!explains)}>
                {t("explain")}
              </Button>
            </div>
            {explains && found.data?.explained ? <Explained explained={found.data.explained} /> : null}
            {found.data?.lacks_vectors ? <p className="mb-2 text-brass-text">{t("onlyWords")}</p> : null}
            {found.data?.is_weak ? <p className="mb-2 text-brass-text">{t("weak")}</p> : null}
            <ol className="border-t border-border">
              {results.map((document) => (
                <DocumentResult
                  key={document.id}
                  document={document}
                  chosen={isPhone ? null : (chosen?.passage.passage_id ?? null)}
                  explains={explains}
                  number={number}
                  onPoint={setPointed}
                />
              ))}
            </ol>
          </Refreshing>
        ) : null}
      </div>
      {chosen && isAsked ? <Preview document={chosen.document} passage={chosen.passage} /> : null}
    </Screen>
  );
}

function Filters({ search, change }: { search: FindSearch; change: (next: FindSearch) => void }) {
  const t = useTexts(documentTexts);
  const locale = useLocale();
  const { data: names } = useQuery(projectNamesQuery);
  const { data: counts } = useQuery(countsQuery({ project_id: search.project }));
  const projects = useMemo(
    () => [...(names ?? [])].toSorted((a, b) => a[1].localeCompare(b[1])).map(([value, label]) => ({ value, label })),
    [names],
  );
  const types = kinds.filter((kind) => kind === search.type || counts?.kinds.some(({ value }) => value === kind));
  const tags = counts?.tags ?? [];
  const { since, until } = search;
  const span =
    since || until ? `${since ? writeDay(since, locale) : ""} – ${until ? writeDay(until, locale) : ""}` : null;
  return (
    <fieldset
      aria-label={t("filters")}
      className="-ml-2.5 flex min-w-0 max-w-[50.625rem] flex-wrap items-center gap-x-1 gap-y-1 py-1"
    >
      <Choice
        label={t("project")}
        value={search.project ?? ""}
        shown={search.project ? (names?.get(search.project) ?? "…") : null}
        options={[{ value: "", label: t("anyProject") }, ...projects]}
        onChange={(project) => change({ project: project || undefined })}
      />
      <Choice
        label={t("type")}
        value={search.type ?? ""}
        shown={search.type ? t(`kind.${search.type}`) : null}
        options={[
          { value: "", label: t("anyType") },
          ...types.map((kind) => ({ value: kind, label: t(`kind.${kind}`) })),
        ]}
        onChange={(kind) => change({ type: (kind || undefined) as Kind | undefined })}
      />
      {tags.length > 0 || search.tag ? (
        <Choice
          label={t("tag")}
          value={search.tag ?? ""}
          shown={search.tag ?? null}
          options={[
            { value: "", label: t("anyTag") },
            ...tags.slice(0, 40).map(({ value }) => ({ value, label: value })),
          ]}
          onChange={(tag) => change({ tag: tag || undefined })}
        />
      ) : null}
      <Popover
        align="end"
        label={t("dated")}
        trigger={
          <button
            type="button"
            className={cx(
              "touch flex h-8 items-center gap-1.5 rounded-sm px-2.5 whitespace-nowrap data-popup-open:bg-selected",
              span ? "bg-selected font-medium" : "text-muted-foreground hover:bg-hover hover:text-foreground",
            )}
          >
            {span ? `${t("dated")}: ${span}` : t("dated")}
            <Icon icon={ChevronDown} size={14} className="text-faint" />
          </button>
        }
      >
        <div className="flex w-56 flex-col gap-3">
          <DateField label={t("since")} value={search.since} onChange={(since) => change({ since })} />
          <DateField label={t("until")} value={search.until} onChange={(until) => change({ until })} />
          <p className="text-xs text-muted-foreground">{t("dateHelp")}</p>
        </div>
      </Popover>
    </fieldset>
  );
}

function DocumentResult({
  document,
  chosen,
  explains,
  number,
  onPoint,
}: {
  document: DocumentHit;
  chosen: string | null;
  explains: boolean;
  number: (value: number) => string;
  onPoint: (passage: string) => void;
}) {
  const t = useTexts(documentTexts);
  const { data: names } = useQuery(projectNamesQuery);
  return (
    <li className="border-b border-border-soft py-4">
      <div className="flex min-w-0 items-center gap-2">
        <Icon icon={iconOf(document.type)} className="text-faint" />
        <Link
          to={`/doc/${document.id}`}
          className="min-w-0 truncate rounded-xs font-medium underline-offset-4 hover:underline"
          title={document.name}
        >
          {document.title || document.name}
        </Link>
        <span className="truncate text-xs text-muted-foreground">{names?.get(document.project_id)}</span>
        <span className="grow" />
        {document.pages > 0 ? (
          <span className="num text-xs whitespace-nowrap text-faint">{t("pagesCount", { count: document.pages })}</span>
        ) : null}
      </div>
      <ul className="mt-1.5">
        {document.passages.map((passage) => (
          <PassageRow
            key={passage.passage_id}
            document={document}
            passage={passage}
            isChosen={passage.passage_id === chosen}
            explains={explains}
            number={number}
            onPoint={onPoint}
          />
        ))}
      </ul>
    </li>
  );
}

function PassageRow({
  document,
  passage,
  isChosen,
  explains,
  number,
  onPoint,
}: {
  document: DocumentHit;
  passage: PassageHit;
  isChosen: boolean;
  explains: boolean;
  number: (value: number) => string;
  onPoint: (passage: string) => void;
}) {
  const t = useTexts(documentTexts);
  const kind = hitKind(passage);
  const page = usePageOf(document, passage);
  return (
    <li>
      <Link
        to={evidenceAddress(document, passage)}
        data-hit
        aria-current={isChosen ? "true" : undefined}
        onFocus={() => onPoint(passage.passage_id)}
        onPointerEnter={(event) => event.pointerType === "mouse" && onPoint(passage.passage_id)}
        className={cx(
          "-mx-3 block rounded-md px-3 py-2 focus-visible:-outline-offset-2",
          isChosen ? "bg-hover" : "hover:bg-hover/60",
        )}
      >
        <span className="reading block font-serif text-base">
          {pieces(passage).map(({ text, isHit, at }) =>
            isHit ? (
              <mark key={at} className="bg-marker text-marker-foreground">
                {text}
              </mark>
            ) : (
              text
            ),
          )}
        </span>
        <span className="mt-1 flex flex-wrap items-center gap-x-3 text-xs text-muted-foreground">
          <span className="flex items-center gap-1.5" title={t(`by.${kind}`)}>
            <Icon icon={kind === "meaning" ? Equal : WholeWord} size={14} />
            {t(kind === "words" ? "byWords" : kind === "meaning" ? "byMeaning" : "byBoth")}
          </span>
          {passage.heading ? <span className="max-w-80 truncate">{passage.heading}</span> : null}
          {document.type === "pdf" || document.pages > 1 ? <span className="num">{t("pageN", { page })}</span> : null}
          {explains ? (
            <span className="num">
              {passage.words
                ? t("rankWords", { rank: number(passage.words.rank), score: passage.words.score.toFixed(2) })
                : `${t("byWords")}: ${t("notFoundBy")}`}
              {" · "}
              {passage.vectors
                ? t("rankMeaning", { rank: number(passage.vectors.rank), score: passage.vectors.score.toFixed(3) })
                : `${t("byMeaning")}: ${t("notFoundBy")}`}
            </span>
          ) : null}
        </span>
      </Link>
    </li>
  );
}

/** The passage on its page, beside the list. */
function Preview({ document, passage }: { document: DocumentHit; passage: PassageHit }) {
  const t = useTexts(documentTexts);
  const number = usePageOf(document, passage);
  const page = useQuery({
    ...pageQuery(document.id, number, passage.text_id),
    placeholderData: keepPreviousData,
  });
  const further = passage.marks.map((mark) => ({
    start: passage.snippet_at + mark.start,
    end: passage.snippet_at + mark.end,
  }));
  return (
    <Inspector title={t("previewOf")}>
      <header className="flex min-h-12 flex-none items-center gap-3 border-b border-border py-2 pr-14 pl-5">
        <h2 className="min-w-0 grow truncate font-semibold" title={document.name}>
          {document.title || document.name}
        </h2>
        <span className="num text-xs whitespace-nowrap text-muted-foreground">{t("pageN", { page: number })}</span>
      </header>
      <div className="scroll min-h-0 grow bg-sunken p-4">
        {page.data ? (
          <PassageCard page={page.data} evidence={{ start: passage.start_at, end: passage.end_at }} strong={further} />
        ) : page.isError ? (
          <ErrorState error={page.error} onRetry={() => void page.refetch()} />
        ) : (
          <LoadingBars rows={6} />
        )}
      </div>
      <footer className="flex flex-none justify-end border-t border-border px-5 py-2.5">
        <Link to={evidenceAddress(document, passage)} className={buttonClass()}>
          {t("openHit")}
        </Link>
      </footer>
    </Inspector>
  );
}
