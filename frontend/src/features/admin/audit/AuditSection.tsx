import { useInfiniteQuery } from "@tanstack/react-query";
import { Download, RotateCw, X } from "lucide-react";
import { Link, textLinkClass } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { useTyped } from "@/shared/frame/use-typed";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { Button, buttonClass, IconButton } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { DateField } from "@/shared/ui/date-field";
import { Icon } from "@/shared/ui/icons";
import { SearchField } from "@/shared/ui/input";
import { LoadMore } from "@/shared/ui/navigation";
import { FactRow, Facts } from "@/shared/ui/section";
import { Select } from "@/shared/ui/select";
import { EmptyState, ErrorState, LoadingBars, Refreshing } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { When } from "@/shared/ui/values";
import {
  moveBetweenRows,
  Panel,
  PanelGroup,
  PanelHead,
  roleText,
  rowButtonClass,
  stickyClass,
  stickyRowClass,
} from "../parts";
import { type AdminSearch, useChosen, useFilters } from "../search";
import { adminTexts } from "../texts";
import { type AuditFilter, type AuditLine, auditQuery, csvAddress } from "./api";
import { startOfDay } from "./days";
import { actionGroups, actorText, deedText, detailRows } from "./lines";
import { auditTexts } from "./texts";

function useAuditFilter(): [AuditFilter, AdminSearch, (change: AdminSearch) => void] {
  const { timeZone } = useLocale();
  const [filters, change] = useFilters();
  const { actor, about, action, since, until, q } = filters;
  const filter = {
    actor: actor && /^[0-9a-f-]{36}$/i.test(actor) ? actor : undefined,
    about,
    action: action && /^[a-z_]+(\.[a-z_]+)*$/.test(action) ? action : undefined,
    since: startOfDay(since, timeZone),
    until: startOfDay(until, timeZone, 1),
    search: q,
  };
  return [filter, filters, change];
}

export function AuditSection() {
  const t = useTexts(auditTexts);
  const [filter, filters, change] = useAuditFilter();
  const lines = useInfiniteQuery({ ...auditQuery(filter), placeholderData: (before) => before });
  const [chosen, choose] = useChosen();
  const items = lines.data?.pages.flatMap((page) => page.items) ?? [];
  const line = items.find(({ id }) => String(id) === chosen);
  const isFiltered = Object.values(filter).some(Boolean);
  const clear = () =>
    change({
      actor: undefined,
      about: undefined,
      action: undefined,
      since: undefined,
      until: undefined,
      q: undefined,
    });
  return (
    <Screen
      title={t("title")}
      subtitle={t("lead")}
      actions={
        <>
          <IconButton icon={RotateCw} label={t("newest")} onClick={() => void lines.refetch()} />
          <a id="export" href={csvAddress(filter)} download title={t("csvHelp")} className={buttonClass()}>
            <Icon icon={Download} size={15} />
            {t("csv")}
          </a>
        </>
      }
      below={<AuditFilters filters={filters} change={change} isFiltered={isFiltered} onClear={clear} items={items} />}
    >
      {lines.isPending ? <LoadingBars rows={10} /> : null}
      {lines.isError && !lines.data ? <ErrorState error={lines.error} onRetry={() => void lines.refetch()} /> : null}
      {lines.data && items.length === 0 ? (
        <EmptyState
          title={isFiltered ? t("noneFiltered") : t("none")}
          action={isFiltered ? <Button onClick={clear}>{t("clear")}</Button> : null}
        />
      ) : null}
      {items.length > 0 ? (
        <Refreshing active={lines.isPlaceholderData}>
          <Table caption={t("table")} onKeyDown={moveBetweenRows}>
            <TableHead>
              <Th className={cx(stickyClass, "w-36")}>{t("when")}</Th>
              <Th className="hidden @xl:table-cell">{t("who")}</Th>
              <Th>{t("what")}</Th>
              <Th className="hidden @4xl:table-cell">{t("where")}</Th>
            </TableHead>
            <tbody>
              {items.map((each) => (
                <LineRow
                  key={each.id}
                  line={each}
                  isChosen={String(each.id) === chosen}
                  onChoose={() => choose(String(each.id))}
                />
              ))}
            </tbody>
          </Table>
          <LoadMore
            loaded={items.length}
            hasMore={lines.hasNextPage}
            busy={lines.isFetchingNextPage}
            onLoad={() => void lines.fetchNextPage()}
          />
        </Refreshing>
      ) : null}
      {line ? <LinePanel line={line} change={change} /> : null}
    </Screen>
  );
}

function LineRow({ line, isChosen, onChoose }: { line: AuditLine; isChosen: boolean; onChoose: () => void }) {
  const t = useTexts(auditTexts);
  const deed = deedText(line, t);
  return (
    <Tr
      selected={isChosen}
      className="group h-9 cursor-default"
      onClick={(event) => {
        if (!(event.target as HTMLElement).closest("button")) onChoose();
      }}
    >
      <Td className={cx(stickyRowClass(isChosen), "pr-2 text-muted-foreground")}>
        <When at={line.at} look="full" className="max-@xl:whitespace-normal" />
      </Td>
      <Td className="hidden max-w-48 truncate whitespace-nowrap font-medium @xl:table-cell">{actorText(line, t)}</Td>
      <Td className="py-1.5 [overflow-wrap:anywhere]">
        <span className="font-medium @xl:hidden">{actorText(line, t)} </span>
        <button
          type="button"
          data-row
          onClick={onChoose}
          aria-current={isChosen ? "true" : undefined}
          className={cx(rowButtonClass, "!font-normal")}
        >
          {deed}
        </button>
      </Td>
      <Td className="num hidden whitespace-nowrap text-muted-foreground @4xl:table-cell">{line.address ?? "–"}</Td>
    </Tr>
  );
}

function AuditFilters({
  filters,
  change,
  isFiltered,
  onClear,
  items,
}: {
  filters: AdminSearch;
  change: (change: AdminSearch) => void;
  isFiltered: boolean;
  onClear: () => void;
  items: readonly AuditLine[];
}) {
  const t = useTexts(auditTexts);
  const [typed, type] = useTyped(filters.q ?? "", (q) => change({ q }));
  const group = filters.action ?? "";
  const isSingle = group.includes(".");
  const isBackwards = Boolean(filters.since && filters.until && filters.since > filters.until);
  const options = [
    { value: "", label: t("anything") },
    ...actionGroups.map((each) => ({ value: each as string, label: t(`group.${each}`) })),
    ...(isSingle ? [{ value: group, label: group }] : []),
  ];
  return (
    <div className="grid grid-cols-2 items-start gap-x-3 gap-y-2 border-b border-border pb-3 @xl:flex @xl:flex-wrap">
      <SearchField
        label={t("search")}
        value={typed}
        onChange={type}
        className={cx("col-span-2 @xl:max-@3xl:w-full @3xl:w-64", besideLabels)}
      />
      <Select
        label={t("what")}
        size="sm"
        options={options}
        value={group}
        onChange={(action) => change({ action: action || undefined })}
        className={cx("col-span-2 pointer-coarse:!h-11 @xl:!w-48", besideLabels)}
      />
      <DateField
        label={t("since")}
        value={filters.since}
        onChange={(since) => change({ since })}
        className="!gap-0.5 @xl:w-40"
      />
      <DateField
        label={t("until")}
        value={filters.until}
        onChange={(until) => change({ until })}
        error={isBackwards ? t("untilBeforeSince") : undefined}
        className="!gap-0.5 @xl:w-40"
      />
      {filters.actor ? (
        <Chip onRemove={() => change({ actor: undefined })}>
          {t("onlyActor", { name: nameIn(items, filters.actor) ?? t("deletedPerson") })}
        </Chip>
      ) : null}
      {filters.about ? (
        <Chip onRemove={() => change({ about: undefined })}>
          {t("onlyAbout", { name: nameIn(items, filters.about) ?? filters.about })}
        </Chip>
      ) : null}
      {isFiltered ? (
        <Button variant="ghost" onClick={onClear} className={besideLabels}>
          {t("clear")}
        </Button>
      ) : null}
    </div>
  );
}

/** The days have a label above them; what has none stands in line with their fields. */
const besideLabels = "@xl:mt-[1.375rem]";

function Chip({ onRemove, children }: { onRemove: () => void; children: string }) {
  return (
    <button
      type="button"
      onClick={onRemove}
      className={cx(
        "touch flex h-8 max-w-64 items-center gap-1.5 rounded-sm bg-selected px-2.5 font-medium",
        besideLabels,
      )}
    >
      <span className="truncate">{children}</span>
      <Icon icon={X} size={13} />
    </button>
  );
}

/** What the lines in sight call a person or a thing. */
function nameIn(items: readonly AuditLine[], id: string): string | null {
  for (const { actor, subject } of items) {
    if (actor?.id === id && actor.name) return actor.name;
    if (subject?.id === id && subject.name) return subject.name;
  }
  return null;
}

function LinePanel({ line, change }: { line: AuditLine; change: (change: AdminSearch) => void }) {
  const t = useTexts(auditTexts);
  const a = useTexts(adminTexts);
  const rows = detailRows(line);
  const subject = line.subject;
  const kind = subject ? subjectKind(subject.kind) : null;
  return (
    <Panel of={String(line.id)} title={t("line", { id: line.id })}>
      <PanelHead
        title={
          <>
            {actorText(line, t)} <span className="font-normal">{deedText(line, t)}</span>
          </>
        }
        subtitle={<When at={line.at} look="full" />}
      />
      <Facts>
        <FactRow label={t("actor")}>
          {line.actor?.id ? (
            <>
              {line.actor.name ? (
                <Link to="/admin/users" search={{ id: line.actor.id }} className={textLinkClass}>
                  {line.actor.name}
                </Link>
              ) : (
                t("deletedPerson")
              )}
              {line.actor.role ? <span className="text-muted-foreground">, {roleText(a, line.actor.role)}</span> : null}
            </>
          ) : (
            actorText(line, t)
          )}
        </FactRow>
        {subject ? (
          <FactRow label={t("subject")}>
            {kind ? `${t(kind)} ` : `${subject.kind} `}
            {subject.kind === "person" && subject.name ? (
              <Link to="/admin/users" search={{ id: subject.id }} className={textLinkClass}>
                {subject.name}
              </Link>
            ) : (
              (subject.name ?? <span className="font-mono text-xs">{subject.id}</span>)
            )}
          </FactRow>
        ) : null}
        <FactRow label={t("address")}>
          <span className="num">{line.address ?? "–"}</span>
        </FactRow>
        <FactRow label={t("action")}>
          <span className="font-mono text-xs">{line.action}</span>
        </FactRow>
        {line.request_id ? (
          <FactRow label={t("request")}>
            <span className="font-mono text-xs break-all">{line.request_id}</span>
          </FactRow>
        ) : null}
      </Facts>
      {rows.length > 0 ? (
        <PanelGroup title={t("details")}>
          <Facts>
            {rows.map((row) => (
              <FactRow key={row.name} label={<span className="font-mono text-xs">{row.name}</span>}>
                {row.before === undefined ? row.value : t("before", { before: row.before, after: row.value })}
              </FactRow>
            ))}
          </Facts>
        </PanelGroup>
      ) : null}
      <div className="mt-5 flex flex-wrap gap-2">
        {subject ? (
          <Button onClick={() => change({ about: subject.id })}>
            {t("onlyAbout", { name: subject.name ?? subject.id })}
          </Button>
        ) : null}
        {line.actor?.id ? (
          <Button onClick={() => change({ actor: line.actor?.id ?? undefined })}>
            {t("onlyActor", { name: actorText(line, t) })}
          </Button>
        ) : null}
        <Button onClick={() => change({ action: line.action })}>{t("onlyAction")}</Button>
        {line.request_id ? (
          <Button onClick={() => change({ q: line.request_id ?? undefined })}>{t("onlyRequest")}</Button>
        ) : null}
      </div>
    </Panel>
  );
}

function subjectKind(kind: string): "kind.person" | null {
  const key = `kind.${kind}`;
  return key in auditTexts.en ? (key as "kind.person") : null;
}
