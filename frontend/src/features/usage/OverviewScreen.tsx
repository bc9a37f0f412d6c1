import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ArrowDownToLine, ArrowUpFromLine, ChartColumn, Coins, MessagesSquare, Table2 } from "lucide-react";
import { useState } from "react";
import { inTextLinkClass, Link } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { sayDay, today, writeDay } from "@/shared/i18n/days";
import { formatMoney, formatNumber, formatPercent } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { formatDollars, tileCode } from "@/shared/models/price";
import { CostCell } from "@/shared/receipts/CostCell";
import { costWords } from "@/shared/receipts/costs";
import { everyDay, isSpan, type Period, periodOf, type Span, spans } from "@/shared/receipts/period";
import { receiptTexts } from "@/shared/receipts/texts";
import { IconButton } from "@/shared/ui/button";
import { BarChart } from "@/shared/ui/charts";
import { CsvMenu } from "@/shared/ui/csv-menu";
import { ModelTile, ProgressBar } from "@/shared/ui/marks";
import { Fact, FactStrip, Section } from "@/shared/ui/section";
import { EmptyState, ErrorState, LoadingBars, Refreshing, Skeleton } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { Segmented } from "@/shared/ui/tabs";
import { csvAddress, type Grouping, groupings, type Usage, usageQuery } from "./api";
import { usageTexts } from "./texts";
import { tokenKinds } from "./tokens";

function useSpan(): [Span, (span: Span) => void] {
  const { span }: { span?: unknown } = useSearch({ strict: false });
  const navigate = useNavigate();
  const text = span === undefined ? undefined : String(span);
  return [
    isSpan(text) ? text : "month",
    (next) => void navigate({ to: ".", search: { span: next } as never, replace: true }),
  ];
}

export default function OverviewScreen() {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const [span, setSpan] = useSpan();
  const period = periodOf(span, today(locale.timeZone));
  const days = useQuery({ ...usageQuery("day", period), placeholderData: keepPreviousData });
  const isEmpty = days.data?.total.runs === 0;
  return (
    <Screen
      title={t("overview")}
      tabTitle={t("usage")}
      actions={
        <>
          <Segmented
            label={t("period")}
            items={spans.map((value) => ({ value, label: t(`span.${value}`) }))}
            value={span}
            onChange={setSpan}
          />
          <CsvMenu address={(language) => csvAddress(period, language)} />
        </>
      }
    >
      {days.isError && !days.data ? (
        <ErrorState error={days.error} onRetry={() => void days.refetch()} />
      ) : isEmpty ? (
        <EmptyState title={span === "month" ? t("nothing") : t("nothingInPeriod")}>{t("nothingText")}</EmptyState>
      ) : (
        <Refreshing active={days.isPlaceholderData}>
          <Figures usage={days.data} />
          <Missing usage={days.data} />
          <Days usage={days.data} period={period} />
          <Groups period={period} span={span} />
          {days.data ? <Kinds usage={days.data} /> : null}
        </Refreshing>
      )}
    </Screen>
  );
}

function Figures({ usage }: { usage: Usage | undefined }) {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  if (!usage) {
    return (
      <FactStrip label={t("figures")}>
        {[Coins, MessagesSquare, ArrowDownToLine, ArrowUpFromLine].map((icon, index) => (
          <Fact
            // biome-ignore lint/suspicious/noArrayIndexKey: places that wait have no identity
            key={index}
            icon={icon}
            value={<Skeleton className="my-1 h-3 w-24" />}
            detail={<Skeleton className="my-0.5 h-3 w-28" />}
          />
        ))}
      </FactStrip>
    );
  }
  const { cost, runs, tokens_in, tokens_out, unknown_runs, own_key_runs } = usage.total;
  const { main, notes } = costWords(usage.total, locale);
  // What has no price, or is paid elsewhere, would only make the others look cheap.
  const paid = runs - unknown_runs - own_key_runs;
  const average = cost && cost.nano > 0 && paid > 0 ? formatMoney(cost.nano / paid, cost.currency, {}, locale) : null;
  const number = (value: number) => formatNumber(value, {}, locale);
  return (
    <FactStrip label={t("figures")}>
      <Fact
        icon={Coins}
        value={cost ? t("cost", { amount: main }) : t("costUnknown")}
        detail={notes.length > 0 ? notes.join(", ") : average ? t("perAnswer", { amount: average }) : undefined}
      />
      <Fact icon={MessagesSquare} value={t("answers", { count: runs })} />
      <Fact icon={ArrowDownToLine} value={t("tokensIn", { count: number(tokens_in) })} detail={t("tokensInText")} />
      <Fact icon={ArrowUpFromLine} value={t("tokensOut", { count: number(tokens_out) })} detail={t("tokensOutText")} />
    </FactStrip>
  );
}

/** What stands in no sum, said once in a whole sentence. */
function Missing({ usage }: { usage: Usage | undefined }) {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const { unknown_runs = 0, own_key_cost = null } = usage?.total ?? {};
  if (unknown_runs === 0 && !own_key_cost) return null;
  return (
    <p className="mt-3 max-w-[38.5rem] text-muted-foreground">
      {unknown_runs > 0 ? (
        <>
          {t("missing", { count: unknown_runs })}{" "}
          <Link to="/prices" className={inTextLinkClass}>
            {t("missingLink")}
          </Link>
          {". "}
        </>
      ) : null}
      {own_key_cost ? t("ownKeysText", { amount: formatDollars(own_key_cost.nano, locale) }) : null}
    </p>
  );
}

function Days({ usage, period }: { usage: Usage | undefined; period: Period }) {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const [asTable, setAsTable] = useState(false);
  if (!usage) return <Skeleton className="mt-6 h-44 w-full" />;
  const days = everyDay(period, usage.items);
  const currency = usage.total.cost?.currency ?? locale.currency;
  const money = (nano: number) => formatMoney(nano, currency, {}, locale);
  const exact = (nano: number) => formatMoney(nano, currency, { receipt: true }, locale);
  const sayCost = (of: Usage["items"][number]) => {
    const { main, notes } = costWords(of, locale);
    return [main, ...notes].join(" ");
  };
  // About six labels, the last day always among them.
  const step = Math.max(1, Math.ceil(days.length / 6));
  return (
    <section className="relative mt-6">
      <div className="absolute top-0 right-0 z-10">
        <IconButton
          icon={asTable ? ChartColumn : Table2}
          label={asTable ? t("asChart") : t("asTable")}
          onClick={() => setAsTable(!asTable)}
        />
      </div>
      {asTable ? (
        <Section title={t("perDay")}>
          <Table caption={t("perDay")}>
            <TableHead>
              <Th>{t("day")}</Th>
              <Th right>{t("answersHead")}</Th>
              <Th right>{t("costHead")}</Th>
            </TableHead>
            <tbody>
              {days.toReversed().map(({ day, of }) =>
                of && of.runs > 0 ? (
                  <Tr key={day} className="!h-9">
                    <Td className="num">{writeDay(day, locale)}</Td>
                    <Td right>{formatNumber(of.runs, {}, locale)}</Td>
                    <Td right>
                      <CostCell of={of} />
                    </Td>
                  </Tr>
                ) : null,
              )}
            </tbody>
          </Table>
        </Section>
      ) : (
        <BarChart
          title={t("perDay")}
          unit={currency}
          height={180}
          // Below a cent, an axis of tenths would say the same on every line.
          format={(nano) => (days.every((day) => day.nano < 1e7) && nano > 0 ? exact(nano) : money(nano))}
          bars={days.map(({ day, nano, of }, index) => ({
            said: of ? sayCost(of) : undefined,
            isPartial: of !== null && of.unknown_runs > 0,
            name: writeDay(day, locale),
            label:
              (days.length - 1 - index) % step === 0 ? sayDay(day, { day: "numeric", month: "short" }, locale) : "",
            value: nano,
          }))}
        />
      )}
    </section>
  );
}

function Groups({ period, span }: { period: Period; span: Span }) {
  const t = useTexts(usageTexts);
  const [group, setGroup] = useState<Grouping>("model");
  const usage = useQuery({ ...usageQuery(group, period), placeholderData: keepPreviousData });
  return (
    <Section
      title={t(`by.${group}`)}
      className="mt-7"
      actions={
        <Segmented
          label={t("by")}
          items={groupings.map((value) => ({ value, label: t(`by.${value}`) }))}
          value={group}
          onChange={setGroup}
        />
      }
    >
      {usage.isPending ? <LoadingBars rows={4} /> : null}
      {usage.isError && !usage.data ? <ErrorState error={usage.error} onRetry={() => void usage.refetch()} /> : null}
      {usage.data ? (
        <Refreshing active={usage.isPlaceholderData}>
          <GroupTable usage={usage.data} group={group} span={span} />
        </Refreshing>
      ) : null}
    </Section>
  );
}

/** Each kind has a price of its own, so it is told what was used of each. */
function Kinds({ usage }: { usage: Usage }) {
  const t = useTexts(usageTexts);
  const r = useTexts(receiptTexts);
  const locale = useLocale();
  return (
    <Section title={t("tokensByKind")} className="mt-7">
      <Table caption={t("tokensByKind")}>
        <TableHead>
          <Th>{t("kindOfTokens")}</Th>
          <Th right>{t("tokensHead")}</Th>
        </TableHead>
        <tbody>
          {tokenKinds(usage.total.tokens, "both", r).map(({ name, count }) => (
            <Tr key={name} className="!h-9">
              <Td>{name}</Td>
              <Td right className="text-muted-foreground">
                {formatNumber(count, {}, locale)}
              </Td>
            </Tr>
          ))}
        </tbody>
      </Table>
    </Section>
  );
}

function GroupTable({ usage, group, span }: { usage: Usage; group: Grouping; span: Span }) {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const number = (value: number) => formatNumber(value, {}, locale);
  const total = usage.total.cost?.nano ?? 0;
  const items = usage.items.toSorted((a, b) => (b.cost?.nano ?? -1) - (a.cost?.nano ?? -1) || b.runs - a.runs);
  return (
    <Table caption={t(`by.${group}`)}>
      <TableHead>
        <Th>{t(`by.${group}`)}</Th>
        <Th className="w-52 @max-2xl:hidden">{t("share")}</Th>
        <Th right>{t("answersHead")}</Th>
        <Th right className="@max-xl:hidden">
          {t("in")}
        </Th>
        <Th right className="@max-xl:hidden">
          {t("out")}
        </Th>
        <Th right>{t("costHead")}</Th>
      </TableHead>
      <tbody>
        {items.map((item) => {
          const label = item.label || t("noProject");
          const share = total > 0 ? (item.cost?.nano ?? 0) / total : 0;
          return (
            <Tr key={item.key || "none"}>
              <Td className="max-w-0 min-w-40 truncate font-medium">
                <span className="flex items-center gap-2.5">
                  {group === "project" ? null : <ModelTile code={tileCode(label)} size={20} />}
                  <Link
                    to="/receipts"
                    search={{ [group]: item.key, span }}
                    aria-label={t("receiptsOf", { name: label })}
                    className="truncate rounded-xs underline-offset-4 hover:underline"
                  >
                    {label}
                  </Link>
                </span>
              </Td>
              <Td className="num @max-2xl:hidden">
                <span className="flex items-center gap-3 text-muted-foreground">
                  {item.cost ? (
                    <>
                      <ProgressBar label={label} value={share} max={1} className="!w-28" />
                      {formatPercent(share, 0, locale)}
                    </>
                  ) : (
                    "–"
                  )}
                </span>
              </Td>
              <Td right className="text-muted-foreground">
                {number(item.runs)}
              </Td>
              <Td right className="text-muted-foreground @max-xl:hidden">
                {number(item.tokens_in)}
              </Td>
              <Td right className="text-muted-foreground @max-xl:hidden">
                {number(item.tokens_out)}
              </Td>
              <Td right className="font-medium">
                <CostCell of={item} />
              </Td>
            </Tr>
          );
        })}
      </tbody>
      <tfoot>
        <tr className="h-10 font-semibold">
          <Td>{t("sum")}</Td>
          <Td className="@max-2xl:hidden" />
          <Td right>{number(usage.total.runs)}</Td>
          <Td right className="@max-xl:hidden">
            {number(usage.total.tokens_in)}
          </Td>
          <Td right className="@max-xl:hidden">
            {number(usage.total.tokens_out)}
          </Td>
          <Td right>
            <CostCell of={usage.total} />
          </Td>
        </tr>
      </tfoot>
    </Table>
  );
}
