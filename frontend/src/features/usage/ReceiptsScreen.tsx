import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ChevronDown, ChevronUp, Printer, X } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { Inspector, Screen, useInspector } from "@/shared/frame/sheet";
import { today } from "@/shared/i18n/days";
import { formatMoney, formatNumber } from "@/shared/i18n/format";
import { type Locale, useLocale } from "@/shared/i18n/locale";
import { type Say, useTexts } from "@/shared/i18n/texts";
import { tileCode } from "@/shared/models/price";
import { receiptQuery } from "@/shared/receipts/api";
import { usePaper } from "@/shared/receipts/paper";
import { everything, isSpan, periodOf, type Span, spans } from "@/shared/receipts/period";
import { ReceiptSlip } from "@/shared/receipts/ReceiptSlip";
import { receiptTexts } from "@/shared/receipts/texts";
import { Button, IconButton } from "@/shared/ui/button";
import { CopyButton } from "@/shared/ui/copy-button";
import { CsvMenu } from "@/shared/ui/csv-menu";
import { cx } from "@/shared/ui/cx";
import { Icon } from "@/shared/ui/icons";
import { ModelTile } from "@/shared/ui/marks";
import { LoadMore } from "@/shared/ui/navigation";
import { Select } from "@/shared/ui/select";
import { Spinner } from "@/shared/ui/spinner";
import { EmptyState, ErrorState, LoadingBars, Refreshing, Skeleton } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { When } from "@/shared/ui/values";
import { csvAddress, groupings, type LogLine, logQuery } from "./api";
import { ReceiptTrace } from "./ReceiptTrace";
import { usageTexts } from "./texts";
import { tokenKinds } from "./tokens";

const isRunning = (line: LogLine) => line.state === "running" || line.state === "accepted";

interface Search {
  readonly id?: string;
  readonly span?: Span;
  readonly model?: string;
  readonly project?: string;
  readonly provider?: string;
}

/** What the address says, and how to say something else: one receipt, one group of the sums, one time. */
function useReceiptSearch(): [Search, (next: Search) => void] {
  const raw: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  const of = (name: string) => {
    const value = raw[name];
    return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
  };
  const span = of("span");
  const search = {
    id: of("id"),
    span: isSpan(span) ? span : undefined,
    model: of("model"),
    project: of("project"),
    provider: of("provider"),
  };
  const change = (next: Search) => {
    const known = Object.entries(next).filter(([, value]) => value !== undefined);
    void navigate({ to: ".", search: Object.fromEntries(known) as never, replace: true });
  };
  return [search, change];
}

export default function ReceiptsScreen() {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const [search, change] = useReceiptSearch();
  const { model, project, provider, span } = search;
  const now = today(locale.timeZone);
  const period = span ? periodOf(span, now) : null;
  const log = useInfiniteQuery({
    ...logQuery({ model, project, provider, ...period }),
    placeholderData: keepPreviousData,
  });
  const { setOpen } = useInspector();
  const [chosen, setChosen] = useState<string | null>(search.id ?? null);
  const lines = log.data?.pages.flatMap((page) => page.items) ?? [];
  const isFiltered = Boolean(model !== undefined || project !== undefined || provider !== undefined || span);
  const choose = (line: LogLine | undefined) => {
    if (!line) return;
    setChosen(line.run_id);
    setOpen(true);
  };
  const here = lines.findIndex((line) => line.run_id === chosen);
  return (
    <Screen
      title={t("receipts")}
      subtitle={t("lastRequests")}
      actions={
        <>
          <Select<Span | "">
            label={t("period")}
            size="sm"
            options={[
              { value: "", label: t("anyTime") },
              ...spans.map((value) => ({ value, label: t(`span.${value}`) })),
            ]}
            value={span ?? ""}
            onChange={(next) => change({ ...search, span: next || undefined })}
            className="!w-36"
          />
          <CsvMenu address={(language) => csvAddress(period ?? everything(now), language)} />
        </>
      }
    >
      <FilterChips
        search={search}
        names={{ model: lines[0]?.model_label, provider: lines[0]?.provider_label }}
        onChange={change}
      />
      {log.isPending ? <LoadingBars rows={10} /> : null}
      {log.isError && !log.data ? <ErrorState error={log.error} onRetry={() => void log.refetch()} /> : null}
      {log.data && lines.length === 0 ? (
        isFiltered ? (
          <EmptyState
            title={t("nothingFound")}
            action={<Button onClick={() => change({ id: search.id })}>{t("showAll")}</Button>}
          />
        ) : (
          <EmptyState title={t("nothing")}>{t("nothingText")}</EmptyState>
        )
      ) : null}
      {lines.length > 0 ? (
        <Refreshing active={log.isPlaceholderData}>
          <Table caption={t("receipts")} onKeyDown={moveBetweenRows}>
            <TableHead>
              <Th>{t("time")}</Th>
              <Th className="@max-xl:hidden">{t("what")}</Th>
              <Th>{t("model")}</Th>
              <Th right className="@max-lg:hidden">
                {t("in")}
              </Th>
              <Th right className="@max-lg:hidden">
                {t("out")}
              </Th>
              <Th right>{t("costHead")}</Th>
            </TableHead>
            <tbody>
              {lines.map((line) => (
                <LogRow key={line.run_id} line={line} isChosen={line.run_id === chosen} onChoose={() => choose(line)} />
              ))}
            </tbody>
          </Table>
          <LoadMore
            loaded={lines.length}
            total={log.data?.pages[0]?.total}
            hasMore={log.hasNextPage}
            busy={log.isFetchingNextPage}
            onLoad={() => void log.fetchNextPage()}
          />
        </Refreshing>
      ) : null}
      {chosen ? (
        <ReceiptPanel
          runId={chosen}
          line={lines[here]}
          onPrevious={here > 0 ? () => choose(lines[here - 1]) : undefined}
          onNext={here >= 0 && here < lines.length - 1 ? () => choose(lines[here + 1]) : undefined}
        />
      ) : null}
    </Screen>
  );
}

/** What the list is narrowed to, each to be taken away again. */
function FilterChips({
  search,
  names,
  onChange,
}: {
  search: Search;
  names: { model?: string; provider?: string };
  onChange: (next: Search) => void;
}) {
  const t = useTexts(usageTexts);
  const chips = groupings.flatMap((group) => {
    const key = search[group];
    if (key === undefined) return [];
    const name = (group === "project" ? key || t("noProject") : names[group]) ?? key;
    return [{ group, name }];
  });
  if (chips.length === 0) return null;
  return (
    <ul aria-label={t("filters")} className="mb-2 flex flex-wrap gap-2">
      {chips.map(({ group, name }) => (
        <li key={group}>
          <Button variant="soft" size="sm" onClick={() => onChange({ ...search, [group]: undefined })}>
            <span className="font-normal text-muted-foreground">{t(`by.${group}`)}</span> {name}{" "}
            <Icon icon={X} size={13} aria-label={t("filterOff")} className="text-muted-foreground" />
          </Button>
        </li>
      ))}
    </ul>
  );
}

/** Up and down go from one request to the next. */
function moveBetweenRows(event: KeyboardEvent<HTMLElement>): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0) return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-row]")];
  const next = rows[rows.indexOf(event.target as HTMLElement) + step];
  if (!next || !rows.includes(event.target as HTMLElement)) return;
  event.preventDefault();
  next.focus();
}

function LogRow({ line, isChosen, onChoose }: { line: LogLine; isChosen: boolean; onChoose: () => void }) {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const r = useTexts(receiptTexts);
  const number = (value: number) => formatNumber(value, {}, locale);
  const kinds = (way: "in" | "out") =>
    tokenKinds(line.tokens, way, r)
      .map(({ name, count }) => `${name}: ${number(count)}`)
      .join("\n");
  const running = isRunning(line);
  const kind = `kind.${line.kind}`;
  const what = line.title ?? (kind in usageTexts.en ? t(kind as "kind.api") : t("kind.other"));
  return (
    <Tr
      selected={isChosen}
      className="!h-9 cursor-default"
      onClick={(event) => {
        if (!(event.target as HTMLElement).closest("button")) onChoose();
      }}
    >
      <Td className="w-px pr-2 whitespace-nowrap text-muted-foreground">
        <button
          type="button"
          data-row
          aria-current={isChosen ? "true" : undefined}
          onClick={onChoose}
          className="touch rounded-xs"
        >
          <span className="sr-only">{t("receipt")} </span>
          <When at={line.at} />
        </button>
      </Td>
      <Td className="w-2/5 max-w-0 truncate font-medium @max-xl:hidden">{what}</Td>
      <Td className="@max-xl:w-full @max-xl:max-w-0">
        <span className="flex min-w-0 items-center gap-2 text-muted-foreground">
          <ModelTile code={tileCode(line.model_label)} size={18} />
          <span className="truncate">
            {line.model_label}
            {line.is_local ? `, ${t("local")}` : ""}
          </span>
          <StateWord line={line} />
        </span>
      </Td>
      <Td right title={kinds("in")} className="text-muted-foreground @max-lg:hidden">
        {number(line.tokens_in)}
      </Td>
      <Td right title={kinds("out")} className="text-muted-foreground @max-lg:hidden">
        <span className="inline-flex items-center gap-1.5">
          {running ? <Spinner size={11} /> : null}
          {number(line.tokens_out)}
        </span>
      </Td>
      <Td right className={cx(line.cost && !running && !line.is_free ? "font-medium" : "text-muted-foreground")}>
        {lineCost(line, t, locale)}
      </Td>
    </Tr>
  );
}

function lineCost(line: LogLine, t: Say<(typeof usageTexts)["en"]>, locale: Locale): string {
  if (line.is_free) return t("free");
  if (line.is_own_key) return t("ownKey");
  if (!line.cost) return isRunning(line) ? "–" : t("unknown");
  const { nano, currency } = line.cost;
  if (isRunning(line)) return t("upTo", { amount: formatMoney(nano, currency, { rounding: "up" }, locale) });
  return formatMoney(nano, currency, {}, locale);
}

/** Only what is not as usual has a word. */
function StateWord({ line }: { line: LogLine }) {
  const t = useTexts(usageTexts);
  if (line.state === "done") {
    return line.is_estimated ? <span className="text-xs text-faint">{t("estimated")}</span> : null;
  }
  const isTrouble = line.state === "failed" || line.state === "interrupted";
  return (
    <span className={cx("text-xs", isTrouble ? "text-brick-text" : "text-faint")}>{t(`state.${line.state}`)}</span>
  );
}

function ReceiptPanel({
  runId,
  line,
  onPrevious,
  onNext,
}: {
  runId: string;
  line: LogLine | undefined;
  onPrevious?: () => void;
  onNext?: () => void;
}) {
  const t = useTexts(usageTexts);
  const isUnfinished = line !== undefined && isRunning(line);
  const receipt = useQuery({ ...receiptQuery(runId), enabled: !isUnfinished });
  const isNone = isUnfinished || (isProblem(receipt.error) && receipt.error.status === 409);
  const { data } = receipt;
  const paper = usePaper(data ? <ReceiptSlip receipt={data} /> : null);
  return (
    <>
      {/* Beside the panel: paper is narrow, and on narrow pages panels close. */}
      {paper.sheet}
      <Inspector title={t("receipt")}>
        <div className="scroll min-h-0 grow bg-sunken px-9 pt-3 pb-8">
          <div className="mb-4 flex h-8 items-center gap-0.5 pr-6">
            <h2 className="grow font-semibold">{t("receipt")}</h2>
            <IconButton icon={ChevronUp} label={t("previous")} disabled={!onPrevious} onClick={onPrevious} />
            <IconButton icon={ChevronDown} label={t("next")} disabled={!onNext} onClick={onNext} />
            {data ? <CopyButton text={data.number} label={t("copyNumber")} /> : null}
            <IconButton icon={Printer} label={t("print")} disabled={!data} onClick={paper.print} />
          </div>
          {isNone ? (
            <p className="text-muted-foreground">{t("noReceipt")}</p>
          ) : data ? (
            <>
              <ReceiptSlip receipt={data} />
              <ReceiptTrace receipt={data} runId={runId} />
            </>
          ) : receipt.isError ? (
            <ErrorState error={receipt.error} onRetry={() => void receipt.refetch()} />
          ) : (
            <Skeleton className="h-96 w-full" />
          )}
        </div>
      </Inspector>
    </>
  );
}
