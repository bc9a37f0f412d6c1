import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowDownUp, ChevronDown, Download, RotateCcw, TagIcon, Trash2, X } from "lucide-react";
import { type ReactNode, useCallback, useEffect, useMemo, useState } from "react";
import { followDocuments } from "@/shared/documents/news";
import { formatBytes, formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { Button, IconButton } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { Icon } from "@/shared/ui/icons";
import { SearchField } from "@/shared/ui/input";
import { Menu } from "@/shared/ui/menu";
import { EmptyState, ErrorState, LoadingBars, Refreshing } from "@/shared/ui/states";
import { countsQuery, type DocumentRead, documentsQuery, type Kind, kinds, type Sort, sorts, underWay } from "./api";
import { DocumentTable } from "./DocumentTable";
import { type Deed, mayEdit, useDeeds } from "./deeds";
import { filterOf, type ListSearch, useListSearch } from "./search";
import { documentTexts } from "./texts";
import { useTyped } from "./use-typed";

const none: ReadonlySet<string> = new Set();

/** The documents of a project, or of all of them: found by name, state, type and tag, in any order. */
export function DocumentList({
  project,
  projects,
  empty,
}: {
  project?: { id: string; role: DocumentRead["role"] };
  projects?: ReadonlyMap<string, string>;
  /** Where there is nothing at all. */
  empty: ReactNode;
}) {
  const t = useTexts(documentTexts);
  const client = useQueryClient();
  const [search, change] = useListSearch();
  const filter = useMemo(() => filterOf(search, project?.id), [search, project?.id]);
  const list = useInfiniteQuery({ ...documentsQuery(filter), placeholderData: (before) => before });
  const counts = useQuery({
    ...countsQuery({ project_id: project?.id, text: search.q }),
    placeholderData: (before) => before,
  });
  const [selected, setSelected] = useState(none);
  const deeds = useDeeds({ onTrashed: () => setSelected(none) });
  const documents = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const picked = useMemo(() => documents.filter(({ id }) => selected.has(id)), [documents, selected]);

  // Who owns a project hears of it anyway; whoever takes part follows the project while looking at it.
  const followed = project && project.role !== "owner" ? project.id : null;
  useEffect(() => (followed ? followDocuments(client, followed) : undefined), [client, followed]);

  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);

  const isFiltered = Boolean(search.q || search.show || search.type || search.tag);
  const total = isFiltered && (search.show || search.type || search.tag) ? documents.length : (counts.data?.total ?? 0);
  const isNothing = list.data !== undefined && documents.length === 0;
  if (isNothing && !isFiltered && !list.isPlaceholderData) return empty;
  return (
    <>
      <ListFilters search={search} change={change} counts={counts.data} isUnderTabs={project !== undefined} />
      {picked.length > 0 ? <Bulk documents={picked} run={deeds.run} onClear={() => setSelected(none)} /> : null}
      {list.isPending ? <LoadingBars rows={10} /> : null}
      {list.isError && !list.data ? <ErrorState error={list.error} onRetry={() => void list.refetch()} /> : null}
      {isNothing && isFiltered ? (
        <EmptyState
          title={t("nothing")}
          action={
            <Button onClick={() => change({ q: undefined, show: undefined, type: undefined, tag: undefined })}>
              {t("clearFilters")}
            </Button>
          }
        >
          {t("nothingText")}
        </EmptyState>
      ) : null}
      {documents.length > 0 ? (
        <Refreshing active={list.isPlaceholderData}>
          <DocumentTable
            documents={documents}
            total={total}
            hasMore={list.hasNextPage}
            onEnd={onEnd}
            sort={search.sort ?? "-created_at"}
            onSort={(sort) => change({ sort: sort === "-created_at" ? undefined : sort })}
            selection={{ ids: selected, change: setSelected }}
            run={deeds.run}
            projects={projects}
          />
        </Refreshing>
      ) : null}
      {deeds.dialog}
    </>
  );
}

type Counts = NonNullable<ReturnType<typeof useCounts>>;
function useCounts() {
  return useQuery(countsQuery({})).data;
}

function ListFilters({
  search,
  change,
  counts,
  isUnderTabs,
}: {
  search: ListSearch;
  change: (next: ListSearch) => void;
  counts: Counts | undefined;
  /** The parts of a project stay in their place above it. */
  isUnderTabs: boolean;
}) {
  const t = useTexts(documentTexts);
  const locale = useLocale();
  const [typed, type] = useTyped(search.q ?? "", (q) => change({ q }));
  const number = (value: number) => formatNumber(value, {}, locale);
  const of = (...wanted: string[]) =>
    counts?.states.filter(({ value }) => wanted.includes(value)).reduce((sum, { number: one }) => sum + one, 0) ?? 0;
  const groups = [
    { id: "moving", count: of(...underWay) },
    { id: "failed", count: of("failed") },
  ] as const;
  const countOf = (kind: Kind) => counts?.kinds.find(({ value }) => value === kind)?.number ?? 0;
  const present = kinds.filter((kind) => countOf(kind) > 0 || kind === search.type);
  const tags = counts?.tags ?? [];
  return (
    <div
      className={cx(
        "z-[5] -mx-1 flex flex-wrap items-center gap-x-4 gap-y-2 bg-background px-1 py-3 @xl:sticky",
        isUnderTabs ? "top-[2.5625rem]" : "top-0",
      )}
    >
      <SearchField label={t("search")} value={typed} onChange={type} className="w-full @2xl:w-60" />
      <fieldset aria-label={t("filterState")} className="flex min-w-0 flex-wrap gap-1">
        <Toggle
          pressed={!search.show}
          count={counts && number(counts.total)}
          onChange={() => change({ show: undefined })}
        >
          {t("all")}
        </Toggle>
        {groups.map(({ id, count }) =>
          count > 0 || search.show === id ? (
            <Toggle
              key={id}
              pressed={search.show === id}
              count={number(count)}
              onChange={() => change({ show: search.show === id ? undefined : id })}
            >
              {t(`group.${id}`)}
            </Toggle>
          ) : null,
        )}
      </fieldset>
      {present.length > 1 || search.type ? (
        <Choice
          label={t("type")}
          value={search.type ?? ""}
          shown={search.type ? t(`kind.${search.type}`) : null}
          options={[
            { value: "", label: t("anyType") },
            ...present.map((kind) => ({ value: kind, label: `${t(`kind.${kind}`)} (${number(countOf(kind))})` })),
          ]}
          onChange={(kind) => change({ type: (kind || undefined) as Kind | undefined })}
        />
      ) : null}
      {tags.length > 0 || search.tag ? (
        <Choice
          label={t("tag")}
          value={search.tag ?? ""}
          shown={search.tag ?? null}
          options={[
            { value: "", label: t("anyTag") },
            ...tags.slice(0, 40).map((tag) => ({ value: tag.value, label: `${tag.value} (${number(tag.number)})` })),
          ]}
          onChange={(tag) => change({ tag: tag || undefined })}
        />
      ) : null}
      <span className="grow" />
      {counts ? (
        <span className="num text-xs whitespace-nowrap text-muted-foreground @max-3xl:hidden">
          {t("total", { count: counts.total, size: formatBytes(counts.bytes, locale) })}
        </span>
      ) : null}
      <Menu
        trigger={<IconButton icon={ArrowDownUp} label={t("sortBy")} />}
        entries={[
          {
            kind: "radio",
            label: t("sortBy"),
            value: search.sort ?? "-created_at",
            options: sorts.map((sort) => ({ value: sort, label: t(`sort.${sort}`) })),
            onChange: (sort) => change({ sort: sort === "-created_at" ? undefined : (sort as Sort) }),
          },
        ]}
      />
    </div>
  );
}

/** One of several filters; its count says what it would show. */
function Toggle({
  pressed,
  count,
  onChange,
  children,
}: {
  pressed: boolean;
  count?: ReactNode;
  onChange: () => void;
  children: ReactNode;
}) {
  return (
    <button
      type="button"
      aria-pressed={pressed}
      onClick={onChange}
      className={cx(
        "touch flex h-8 items-center gap-1.5 rounded-sm px-2.5 whitespace-nowrap transition-colors duration-[120ms]",
        pressed ? "bg-selected font-medium" : "text-muted-foreground hover:bg-hover hover:text-foreground",
      )}
    >
      {children}
      {count === undefined ? null : (
        <span className={cx("num text-xs", pressed ? "text-muted-foreground" : "text-faint")}>{count}</span>
      )}
    </button>
  );
}

/** A filter with more values than fit beside each other. */
export function Choice({
  label,
  value,
  shown,
  options,
  onChange,
}: {
  label: string;
  value: string;
  /** What it is set to, in words; null where it leaves everything. */
  shown: string | null;
  options: readonly { value: string; label: string }[];
  onChange: (value: string) => void;
}) {
  return (
    <Menu
      align="start"
      trigger={
        <button
          type="button"
          className={cx(
            "touch flex h-8 max-w-56 items-center gap-1.5 rounded-sm px-2.5 whitespace-nowrap data-popup-open:bg-selected",
            shown ? "bg-selected font-medium" : "text-muted-foreground hover:bg-hover hover:text-foreground",
          )}
        >
          <span className="truncate">{shown ? `${label}: ${shown}` : label}</span>
          <Icon icon={ChevronDown} size={14} className="text-faint" />
        </button>
      }
      entries={[{ kind: "radio", label, value, options, onChange }]}
    />
  );
}

function Bulk({
  documents,
  run,
  onClear,
}: {
  documents: readonly DocumentRead[];
  run: (deed: Deed, documents: readonly DocumentRead[]) => void;
  onClear: () => void;
}) {
  const t = useTexts(documentTexts);
  const editable = documents.every(mayEdit);
  const readable = documents.filter(({ state }) => !underWay.has(state));
  return (
    <div
      role="toolbar"
      aria-label={t("actions")}
      className="@xl:sticky top-[5.875rem] z-[5] mb-1 flex flex-wrap items-center gap-1 rounded-md bg-primary-tint px-3 py-1"
    >
      <span role="status" className="num mr-2 font-medium">
        {t("selected", { count: documents.length })}
      </span>
      {editable ? (
        <Button size="sm" variant="ghost" icon={TagIcon} onClick={() => run("tags", documents)}>
          {t("editTags")}
        </Button>
      ) : null}
      <Button size="sm" variant="ghost" icon={Download} onClick={() => run("download", documents)}>
        {t("download")}
      </Button>
      {editable && readable.length > 0 ? (
        <Button size="sm" variant="ghost" icon={RotateCcw} onClick={() => run("retry", readable)}>
          {t("retry")}
        </Button>
      ) : null}
      {editable ? (
        <Button size="sm" variant="ghost" icon={Trash2} onClick={() => run("trash", documents)}>
          {t("trash")}
        </Button>
      ) : null}
      <span className="grow" />
      <IconButton icon={X} label={t("clearSelection")} onClick={onClear} />
    </div>
  );
}
