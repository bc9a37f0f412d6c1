import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { ChevronDown, ChevronUp, Download, Printer } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { Inspector, Screen, useInspector } from "@/shared/frame/sheet";
import { formatMoney, formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { modelsQuery } from "@/shared/models/api";
import { tileCode } from "@/shared/models/price";
import { receiptQuery } from "@/shared/receipts/api";
import { ReceiptSlip } from "@/shared/receipts/ReceiptSlip";
import { buttonClass, IconButton } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { Icon } from "@/shared/ui/icons";
import { ModelTile } from "@/shared/ui/marks";
import { LoadMore } from "@/shared/ui/navigation";
import { Spinner } from "@/shared/ui/spinner";
import { EmptyState, ErrorState, LoadingBars, Skeleton } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { When } from "@/shared/ui/values";
import { csvAddress, type LogLine, logQuery } from "./api";
import { usageTexts } from "./texts";

const isRunning = (line: LogLine) => line.state === "running" || line.state === "accepted";

export default function ReceiptsScreen() {
  const t = useTexts(usageTexts);
  const search: { id?: unknown; model?: unknown } = useSearch({ strict: false });
  const log = useInfiniteQuery(logQuery(typeof search.model === "string" ? search.model : undefined));
  const { setOpen } = useInspector();
  const [chosen, setChosen] = useState<string | null>(typeof search.id === "string" ? search.id : null);
  const lines = log.data?.pages.flatMap((page) => page.items) ?? [];
  const choose = (line: LogLine | undefined) => {
    if (!line) return;
    setChosen(line.run_id);
    setOpen(true);
  };
  // The log names models as their providers do; people know them by their label.
  const { data: models } = useQuery(modelsQuery);
  const labels = new Map(models?.items.map(({ name, label }) => [name, label]));
  const here = lines.findIndex((line) => line.run_id === chosen);
  return (
    <Screen
      title={t("receipts")}
      subtitle={t("lastRequests")}
      actions={
        <a href={csvAddress(null)} download title={t("csvHelp")} className={buttonClass()}>
          <Icon icon={Download} size={15} />
          {t("csv")}
        </a>
      }
    >
      {log.isPending ? <LoadingBars rows={10} /> : null}
      {log.isError && !log.data ? <ErrorState error={log.error} onRetry={() => void log.refetch()} /> : null}
      {log.data && lines.length === 0 ? <EmptyState title={t("nothing")}>{t("nothingText")}</EmptyState> : null}
      {lines.length > 0 ? (
        <>
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
                <LogRow
                  key={line.run_id}
                  line={line}
                  model={labels.get(line.model) ?? line.model}
                  isChosen={line.run_id === chosen}
                  onChoose={() => choose(line)}
                />
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
        </>
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

function LogRow({
  line,
  model,
  isChosen,
  onChoose,
}: {
  line: LogLine;
  model: string;
  isChosen: boolean;
  onChoose: () => void;
}) {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const number = (value: number) => formatNumber(value, {}, locale);
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
          <ModelTile code={tileCode(model)} size={18} />
          <span className="truncate">
            {model}
            {line.is_local ? `, ${t("local")}` : ""}
          </span>
          <StateWord line={line} />
        </span>
      </Td>
      <Td right className="text-muted-foreground @max-lg:hidden">
        {number(line.tokens_in)}
      </Td>
      <Td right className="text-muted-foreground @max-lg:hidden">
        <span className="inline-flex items-center gap-1.5">
          {running ? <Spinner size={11} /> : null}
          {number(line.tokens_out)}
        </span>
      </Td>
      <Td right className={cx(running || line.is_free || !line.cost ? "text-muted-foreground" : "font-medium")}>
        {line.is_free
          ? t("free")
          : line.cost
            ? running
              ? t("upTo", { amount: formatMoney(line.cost.nano, line.cost.currency, { rounding: "up" }, locale) })
              : formatMoney(line.cost.nano, line.cost.currency, {}, locale)
            : t("unknown")}
      </Td>
    </Tr>
  );
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
  return (
    <Inspector title={t("receipt")}>
      <div className="scroll min-h-0 grow bg-sunken px-9 pt-3 pb-8">
        <div className="mb-4 flex h-8 items-center gap-0.5 pr-6">
          <h2 className="grow font-semibold">{t("receipt")}</h2>
          <IconButton icon={ChevronUp} label={t("previous")} disabled={!onPrevious} onClick={onPrevious} />
          <IconButton icon={ChevronDown} label={t("next")} disabled={!onNext} onClick={onNext} />
          <IconButton icon={Printer} label={t("print")} disabled={!receipt.data} onClick={() => globalThis.print()} />
        </div>
        {isNone ? (
          <p className="text-muted-foreground">{t("noReceipt")}</p>
        ) : receipt.data ? (
          <>
            <ReceiptSlip receipt={receipt.data} />
            <p className="mt-6 text-xs text-muted-foreground">{t("addUp")}</p>
          </>
        ) : receipt.isError ? (
          <ErrorState error={receipt.error} onRetry={() => void receipt.refetch()} />
        ) : (
          <Skeleton className="h-96 w-full" />
        )}
      </div>
    </Inspector>
  );
}
