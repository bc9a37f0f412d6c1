import { useNavigate } from "@tanstack/react-router";
import { Check, Ellipsis } from "lucide-react";
import { type KeyboardEvent, type MouseEvent, memo, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useIsPhone } from "@/shared/frame/use-media";
import { useOptionalWorkspace } from "@/shared/frame/workspace";
import { formatBytes, formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { Button, IconButton } from "@/shared/ui/button";
import { Checkbox } from "@/shared/ui/choice";
import { cx } from "@/shared/ui/cx";
import { Icon } from "@/shared/ui/icons";
import { Menu } from "@/shared/ui/menu";
import { type Sort as SortMark, TableHead, Th } from "@/shared/ui/table";
import { When } from "@/shared/ui/values";
import { useVirtualRows } from "@/shared/ui/virtual-rows";
import type { DocumentRead, Sort } from "./api";
import { type Deed, deedEntries, mayEdit } from "./deeds";
import { iconOf, needsOcr, StateWords, Tags } from "./marks";
import { documentTexts } from "./texts";

export interface Selection {
  readonly ids: ReadonlySet<string>;
  readonly change: (ids: ReadonlySet<string>) => void;
}

const AHEAD = 40;

/** Thousands of rows of one height, of which those in sight exist. What is not loaded yet is a bar in its place. */
export function DocumentTable({
  documents,
  total,
  hasMore,
  onEnd,
  sort,
  onSort,
  selection,
  run,
  projects,
}: {
  documents: readonly DocumentRead[];
  /** How many there are altogether, loaded or not, so that the scrollbar tells the truth from the start. */
  total: number;
  hasMore: boolean;
  onEnd: () => void;
  sort: Sort;
  onSort: (sort: Sort) => void;
  selection: Selection;
  run: (deed: Deed, documents: readonly DocumentRead[]) => void;
  /** Names of projects, where documents of several stand here. */
  projects?: ReadonlyMap<string, string>;
}) {
  const t = useTexts(documentTexts);
  const body = useRef<HTMLTableSectionElement>(null);
  const anchor = useRef<string | null>(null);
  const isRange = useRef(false);
  const [margin, setMargin] = useState(0);
  const count = hasMore ? Math.max(documents.length + 1, total) : documents.length;
  const scroller = () => body.current?.closest<HTMLElement>(".scroll") ?? null;
  // On a telephone what else there is to say has a line of its own.
  const isTall = useIsPhone();
  const rows = useVirtualRows({ count, rem: isTall ? 3.5 : 2.5, scroller, margin });
  // What stands above the rows may grow and go: uploads, filters on two lines, the bar of what is selected.
  useLayoutEffect(() => {
    const frame = body.current?.closest<HTMLElement>(".scroll");
    const content = frame?.lastElementChild;
    if (!frame || !content) return;
    const measure = () => {
      if (!body.current) return;
      const top = body.current.getBoundingClientRect().top - frame.getBoundingClientRect().top + frame.scrollTop;
      setMargin(Math.round(top));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(content);
    return () => observer.disconnect();
  }, []);
  const last = rows.items.at(-1)?.index ?? 0;
  useLayoutEffect(() => {
    if (hasMore && last >= documents.length - AHEAD) onEnd();
  }, [hasMore, last, documents.length, onEnd]);

  const head = (key: "name" | "bytes" | "created_at") => {
    const mark: SortMark = sort === key ? "ascending" : sort === `-${key}` ? "descending" : "none";
    const first: Sort = key === "name" ? "name" : `-${key}`;
    const second: Sort = key === "name" ? "-name" : key;
    return { sort: mark, onSort: () => onSort(sort === first ? second : first) };
  };

  // Rows are drawn anew only when they change, so what they call must stay the same.
  const latest = useRef({ documents, selection, run });
  latest.current = { documents, selection, run };
  const navigate = useNavigate();
  const workspace = useOptionalWorkspace();
  const places = useRef({ navigate, workspace });
  places.current = { navigate, workspace };
  const deeds = useMemo(
    () => ({
      open: (event: MouseEvent<HTMLAnchorElement>, path: string) => {
        const { navigate: go, workspace: desk } = places.current;
        const inBackground = event.ctrlKey || event.metaKey || event.button === 1;
        if (event.defaultPrevented || event.shiftKey || event.altKey || (inBackground && !desk)) return;
        event.preventDefault();
        if (inBackground) desk?.open(path, "background");
        else void go({ to: path });
      },
      select: (id: string) => {
        const { documents: all, selection: now } = latest.current;
        const from = all.findIndex((document) => document.id === anchor.current);
        const to = all.findIndex((document) => document.id === id);
        const next = new Set(now.ids);
        if (isRange.current && from >= 0) {
          for (const document of all.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(document.id);
        } else if (!next.delete(id)) next.add(id);
        isRange.current = false;
        anchor.current = id;
        now.change(next);
      },
      run: (deed: Deed, document: DocumentRead) => latest.current.run(deed, [document]),
    }),
    [],
  );

  const focusRow = (index: number) => {
    rows.show(index);
    // It may have to be drawn first.
    requestAnimationFrame(() => body.current?.querySelector<HTMLElement>(`[data-row="${index}"]`)?.focus());
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const here = Number((event.target as HTMLElement).dataset.row ?? Number.NaN);
    if (Number.isNaN(here)) return;
    const document = documents[here];
    const step = Math.max(1, rows.items.length - 4);
    const targets: Record<string, number> = {
      ArrowDown: here + 1,
      ArrowUp: here - 1,
      PageDown: here + step,
      PageUp: here - step,
      Home: 0,
      End: documents.length - 1,
    };
    const target = targets[event.key];
    if (target !== undefined) {
      if (event.shiftKey && document) {
        anchor.current ??= document.id;
        isRange.current = true;
      }
      const next = Math.min(documents.length - 1, Math.max(0, target));
      if (event.shiftKey && documents[next]) deeds.select(documents[next].id);
      focusRow(next);
    } else if (event.key === " " && document) deeds.select(document.id);
    else if (event.key === "Delete" && document && mayEdit(document)) run("trash", chosenOr(document));
    else return;
    event.preventDefault();
  };
  const chosenOr = (document: DocumentRead) =>
    selection.ids.has(document.id) ? documents.filter(({ id }) => selection.ids.has(id)) : [document];

  const allSelected = documents.length > 0 && selection.ids.size >= documents.length;
  return (
    <table
      onKeyDown={onKeyDown}
      aria-label={t("documents")}
      aria-rowcount={count + 1}
      // Columns that follow their content would jump with every row that comes into sight.
      className="w-full table-fixed border-collapse [&_td+td]:pl-4 [&_th+th]:pl-4"
    >
      <TableHead>
        <Th className="w-7">
          <Checkbox
            hideLabel
            label={t("selectAll")}
            checked={allSelected}
            indeterminate={selection.ids.size > 0 && !allSelected}
            onChange={(all) => selection.change(new Set(all ? documents.map(({ id }) => id) : []))}
          />
        </Th>
        <Th className="!pl-1" {...head("name")}>
          {t("name")}
        </Th>
        {projects ? <Th className="w-44 @max-3xl:hidden">{t("project")}</Th> : null}
        <Th className="w-40 @max-4xl:hidden">{t("tags")}</Th>
        <Th right className="w-16 @max-2xl:hidden">
          {t("pages")}
        </Th>
        <Th right className="w-20 @max-2xl:hidden" {...head("bytes")}>
          {t("size")}
        </Th>
        <Th right className="w-28 @max-lg:hidden" {...head("created_at")}>
          {t("added")}
        </Th>
        <Th className="w-11">
          <span className="sr-only">{t("actions")}</span>
        </Th>
      </TableHead>
      <tbody
        ref={body}
        onMouseDownCapture={(event) => {
          isRange.current = event.shiftKey;
          if (event.shiftKey) event.preventDefault();
        }}
      >
        <Room height={rows.above} />
        {rows.items.map(({ index }) => {
          const document = documents[index];
          return document ? (
            <Row
              key={document.id}
              index={index}
              document={document}
              isSelected={selection.ids.has(document.id)}
              isTall={isTall}
              project={projects ? (projects.get(document.project_id) ?? "") : null}
              deeds={deeds}
            />
          ) : (
            <tr key={index} className={cx(isTall ? "h-14" : "h-10", "border-b border-border-soft")}>
              <td />
              <td colSpan={3}>
                <span className={cx("block h-2.5 rounded-full bg-hover", index % 3 === 0 ? "w-1/2" : "w-2/3")} />
              </td>
            </tr>
          );
        })}
        <Room height={rows.below} />
      </tbody>
    </table>
  );
}

interface RowDeeds {
  readonly open: (event: MouseEvent<HTMLAnchorElement>, path: string) => void;
  readonly select: (id: string) => void;
  readonly run: (deed: Deed, document: DocumentRead) => void;
}

function Room({ height }: { height: number }) {
  return height > 0 ? (
    <tr>
      <td style={{ height }} />
    </tr>
  ) : null;
}

/**
 * Thirty of these come into sight with one turn of the wheel, so they are made of plain elements: a link without a
 * router behind it, the browser's own checkbox, and a menu that is made when it is asked for.
 */
const Row = memo(function Row({
  index,
  document,
  isSelected,
  isTall,
  project,
  deeds,
}: {
  index: number;
  document: DocumentRead;
  isSelected: boolean;
  isTall: boolean;
  project: string | null;
  deeds: RowDeeds;
}) {
  const t = useTexts(documentTexts);
  const locale = useLocale();
  const { id, name, state, pages, bytes, tags } = document;
  const [isAsked, setAsked] = useState(false);
  const isPlain = state === "ready" && !needsOcr(document);
  const onClick = (event: MouseEvent<HTMLElement>) => {
    const target = event.target as HTMLElement;
    if (!event.currentTarget.contains(target) || target.closest("button, a, input, label, [role=checkbox]")) return;
    deeds.select(id);
  };
  return (
    <tr
      aria-rowindex={index + 2}
      onClick={onClick}
      className={cx(
        isTall ? "h-14" : "h-10",
        "cursor-default border-b border-border-soft select-none",
        isSelected ? "bg-primary-tint" : "hover:bg-hover/60",
      )}
    >
      <td>
        <span className="touch relative grid size-4 place-items-center">
          <input
            type="checkbox"
            aria-label={t("select", { name })}
            checked={isSelected}
            onChange={() => deeds.select(id)}
            className="peer absolute inset-0 size-4 cursor-default appearance-none rounded-xs border-[1.5px] border-border-strong bg-raised checked:border-primary checked:bg-primary"
          />
          <Icon
            icon={Check}
            size={12}
            strokeWidth={3}
            className="pointer-events-none relative text-primary-foreground not-peer-checked:hidden"
          />
        </span>
      </td>
      <td className="!pl-1">
        <span className="flex items-center gap-2.5">
          <Icon icon={iconOf(document.kind)} className="text-faint" />
          <span className={cx("flex min-w-0 grow", isTall ? "flex-col" : "items-center gap-4")}>
            <a
              href={`/doc/${id}`}
              onClick={(event) => deeds.open(event, `/doc/${id}`)}
              onAuxClick={(event) => event.button === 1 && deeds.open(event, `/doc/${id}`)}
              data-row={index}
              title={name}
              draggable={false}
              className="touch min-w-12 truncate rounded-xs underline-offset-4 hover:underline"
            >
              {name}
            </a>
            <span className="flex min-w-0 grow basis-1/3 items-center gap-2">
              {isPlain && isTall ? (
                <span className="num flex gap-x-2 truncate text-xs text-muted-foreground">
                  {pages > 1 ? <span>{t("pagesCount", { count: pages })}</span> : null}
                  <span>{formatBytes(bytes, locale)}</span>
                  <When at={document.created_at} />
                </span>
              ) : (
                <StateWords document={document} />
              )}
              {state === "failed" && mayEdit(document) ? (
                <Button size="sm" variant="ghost" className="!h-6 text-xs" onClick={() => deeds.run("retry", document)}>
                  {t("retry")}
                </Button>
              ) : null}
            </span>
          </span>
        </span>
      </td>
      {project === null ? null : (
        <td className="truncate text-muted-foreground @max-3xl:hidden" title={project}>
          {project}
        </td>
      )}
      <td className="@max-4xl:hidden" title={tags.join(", ")}>
        <span className="flex gap-1 overflow-hidden">
          <Tags tags={tags} />
        </span>
      </td>
      <td className="num text-right whitespace-nowrap text-muted-foreground @max-2xl:hidden">
        {pages > 0 ? formatNumber(pages, {}, locale) : ""}
      </td>
      <td className="num text-right whitespace-nowrap text-muted-foreground @max-2xl:hidden">
        {bytes > 0 ? formatBytes(bytes, locale) : ""}
      </td>
      <td className="text-right whitespace-nowrap text-muted-foreground @max-lg:hidden">
        <When at={document.created_at} />
      </td>
      <td className="text-right">
        {isAsked ? (
          <Menu
            defaultOpen
            trigger={<IconButton icon={Ellipsis} label={t("moreFor", { name })} />}
            entries={deedEntries(document, t, (deed) => deeds.run(deed, document))}
          />
        ) : (
          <button
            type="button"
            aria-label={t("moreFor", { name })}
            aria-haspopup="menu"
            onClick={() => setAsked(true)}
            className="touch ml-auto grid size-7 place-items-center rounded-sm text-muted-foreground hover:bg-hover hover:text-foreground"
          >
            <Icon icon={Ellipsis} />
          </button>
        )}
      </td>
    </tr>
  );
});
