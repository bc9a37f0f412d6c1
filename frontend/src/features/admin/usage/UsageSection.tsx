import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Coins, MessagesSquare, TriangleAlert, UsersRound, Wallet } from "lucide-react";
import type { ReactNode } from "react";
import { inTextLinkClass, Link } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { sayDay, today, writeDay } from "@/shared/i18n/days";
import { formatMoney, formatNumber, formatPercent } from "@/shared/i18n/format";
import { type Locale, useLocale } from "@/shared/i18n/locale";
import { type Say, useTexts } from "@/shared/i18n/texts";
import { formatDollars, tileCode } from "@/shared/models/price";
import { everyDay, isSpan, type Period, periodOf, spans } from "@/shared/receipts/period";
import { BarChart } from "@/shared/ui/charts";
import { CsvMenu } from "@/shared/ui/csv-menu";
import { cx } from "@/shared/ui/cx";
import { Avatar, ModelTile, ProgressBar } from "@/shared/ui/marks";
import { Fact, FactStrip } from "@/shared/ui/section";
import { EmptyState, ErrorState, LoadingBars, Refreshing, Skeleton } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { Segmented } from "@/shared/ui/tabs";
import { Group, stickyClass, stickyRowClass } from "../parts";
import { useFilters } from "../search";
import {
  type Grouping,
  groupings,
  type HouseGroup,
  type HouseSum,
  type HouseUsage,
  houseCsvAddress,
  houseUsageQuery,
} from "./api";
import { houseUsageTexts } from "./texts";

type T = Say<(typeof houseUsageTexts)["en"]>;

const TOP = 6;

export function UsageSection() {
  const t = useTexts(houseUsageTexts);
  const locale = useLocale();
  const [filters, change] = useFilters();
  const span = isSpan(filters.span) ? filters.span : "month";
  const period = periodOf(span, today(locale.timeZone));
  const days = useQuery({ ...houseUsageQuery("day", period), placeholderData: keepPreviousData });
  return (
    <Screen
      title={t("title")}
      subtitle={t("lead")}
      actions={
        <>
          <Segmented
            label={t("period")}
            items={spans.map((value) => ({ value, label: t(`span.${value}`) }))}
            value={span}
            onChange={(next) => change({ span: next })}
          />
          <CsvMenu address={(language) => houseCsvAddress(period, language)} />
        </>
      }
    >
      {days.isError && !days.data ? (
        <ErrorState error={days.error} onRetry={() => void days.refetch()} />
      ) : days.data?.total.requests === 0 ? (
        <EmptyState title={t("nothing")}>{t("nothingText")}</EmptyState>
      ) : (
        <Refreshing active={days.isPlaceholderData}>
          <Figures usage={days.data} period={period} />
          <Missing count={days.data?.total.unknown_runs ?? 0} />
          <div className="mt-6 grid gap-x-10 gap-y-7 @4xl:grid-cols-[minmax(0,1fr)_19rem]">
            <Days usage={days.data} period={period} />
            <TopModels period={period} />
          </div>
          <Groups period={period} />
        </Refreshing>
      )}
    </Screen>
  );
}

type Sum = { nano: number; currency: string };

const say = (sums: readonly Sum[], locale: Locale) =>
  sums.map(({ nano, currency }) => formatMoney(nano, currency, {}, locale)).join(" + ");

/** What the house owes for it, and what is missing from that. */
function costWords(of: HouseSum, t: T, locale: Locale): { main: string; note: string | null } {
  if (!of.cost) return { main: of.runs > 0 ? t("unknown") : "–", note: null };
  const note = of.unknown_runs > 0 ? t("withoutPrice", { count: of.unknown_runs }) : null;
  const isFree = of.cost.nano === 0 && of.further_costs.length === 0 && note === null && of.own_key_runs === 0;
  return { main: isFree ? t("free") : say([of.cost, ...of.further_costs], locale), note };
}

function Figures({ usage, period }: { usage: HouseUsage | undefined; period: Period }) {
  const t = useTexts(houseUsageTexts);
  const locale = useLocale();
  const people = useQuery({ ...houseUsageQuery("person", period), placeholderData: keepPreviousData });
  if (!usage) {
    return (
      <FactStrip label={t("figures")}>
        {[Coins, MessagesSquare, TriangleAlert, UsersRound].map((icon, index) => (
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
  const { total } = usage;
  const number = (value: number) => formatNumber(value, {}, locale);
  const cost = costWords(total, t, locale);
  return (
    <FactStrip label={t("figures")}>
      <Fact
        icon={Coins}
        value={total.cost ? t("cost", { amount: cost.main }) : t("costUnknown")}
        detail={
          total.cost?.currency === "USD"
            ? cost.note
            : [t("atProviders", { amount: formatDollars(total.provider_cost.nano, locale) }), cost.note]
                .filter(Boolean)
                .join(" ")
        }
      />
      {usage.is_billed || total.revenues.length > 0 ? <Revenue usage={usage} /> : null}
      <Fact
        icon={MessagesSquare}
        value={t("answers", { count: total.runs })}
        detail={t("tokens", { read: number(total.tokens_in), written: number(total.tokens_out) })}
      />
      <Fact
        icon={TriangleAlert}
        value={
          <span className={isManyErrors(total) ? "text-brick-text" : undefined}>
            {t("errors", { percent: formatPercent(errorRate(total), 1, locale) })}
          </span>
        }
        detail={t("errorsOf", { failed: number(total.failed), requests: number(total.requests) })}
      />
      <Fact icon={UsersRound} value={t("people", { count: people.data?.items.length ?? 0 })} detail={t("peopleText")} />
    </FactStrip>
  );
}

function Revenue({ usage: { total, given_back } }: { usage: HouseUsage }) {
  const t = useTexts(houseUsageTexts);
  const locale = useLocale();
  const [first = { nano: 0, currency: total.cost?.currency ?? locale.currency }, ...others] = total.revenues;
  const costs = total.cost ? [total.cost, ...total.further_costs] : [];
  // What was asked while nothing was charged has nothing to stand against, and may be in another currency.
  const billed = costs
    .map(({ nano, currency }) => ({ nano: nano - sumIn(currency, total.unbilled_costs), currency }))
    .filter(({ nano }) => nano !== 0);
  const isComparable = total.cost !== null && billed.every(({ currency }) => currency === first.currency);
  const above = isComparable ? first.nano - sumIn(first.currency, given_back) - sumIn(first.currency, billed) : null;
  const words = [
    above === null
      ? null
      : t(above < 0 ? "loss" : "margin", {
          amount: say([{ nano: Math.abs(above), currency: first.currency }], locale),
        }),
    above !== null && total.unbilled_costs.length > 0
      ? t("unbilled", { amount: say(total.unbilled_costs, locale) })
      : null,
    given_back.length > 0 ? t("givenBack", { amount: say(given_back, locale) }) : null,
  ];
  return (
    <Fact
      icon={Wallet}
      value={t("charged", { amount: say([first, ...others], locale) })}
      detail={words.filter(Boolean).join(", ")}
    />
  );
}

const sumIn = (wanted: string, sums: readonly Sum[]) => sums.find(({ currency }) => currency === wanted)?.nano ?? 0;

const errorRate = ({ failed, requests }: HouseSum) => (requests > 0 ? failed / requests : 0);
const isManyErrors = (of: HouseSum) => of.requests >= 10 && errorRate(of) >= 0.1;

function Missing({ count }: { count: number }) {
  const t = useTexts(houseUsageTexts);
  if (count === 0) return null;
  return (
    <p className="mt-3 max-w-[38.5rem] text-muted-foreground">
      {t("missing", { count })}{" "}
      <Link to="/admin/prices" className={inTextLinkClass}>
        {t("missingLink")}
      </Link>
    </p>
  );
}

function Days({ usage, period }: { usage: HouseUsage | undefined; period: Period }) {
  const t = useTexts(houseUsageTexts);
  const locale = useLocale();
  if (!usage) return <Skeleton className="h-44 w-full" />;
  const days = everyDay(period, usage.items);
  const currency = usage.total.cost?.currency ?? locale.currency;
  // About six labels, the last day always among them.
  const step = Math.max(1, Math.ceil(days.length / 6));
  const isSmall = days.every(({ nano }) => nano < 1e7);
  return (
    <BarChart
      title={t("perDay")}
      unit={currency}
      height={180}
      format={(nano) => formatMoney(nano, currency, { receipt: isSmall && nano > 0 }, locale)}
      bars={days.map(({ day, nano, of }, index) => {
        const words = of ? costWords(of, t, locale) : null;
        return {
          name: writeDay(day, locale),
          label: (days.length - 1 - index) % step === 0 ? sayDay(day, { day: "numeric", month: "short" }, locale) : "",
          value: nano,
          said: words ? [words.main, words.note].filter(Boolean).join(" ") : undefined,
          isPartial: of !== null && of.unknown_runs > 0,
        };
      })}
    />
  );
}

function TopModels({ period }: { period: Period }) {
  const t = useTexts(houseUsageTexts);
  const locale = useLocale();
  const models = useQuery({ ...houseUsageQuery("model", period), placeholderData: keepPreviousData });
  const top = byCost(models.data?.items ?? []).slice(0, TOP);
  const most = Math.max(1, ...top.map(({ cost }) => cost?.nano ?? 0));
  return (
    <Group id="top-models" className="!mt-0">
      {models.isPending ? <LoadingBars rows={4} /> : null}
      {models.isError && !models.data ? (
        <ErrorState error={models.error} onRetry={() => void models.refetch()} />
      ) : null}
      <ul className="num flex flex-col gap-2.5">
        {top.map((model) => (
          <li key={model.key}>
            <div className="flex gap-2">
              <span className="min-w-0 grow truncate">{model.label}</span>
              <span className={cx("whitespace-nowrap", model.cost ? "font-medium" : "text-brass-text")}>
                {costWords(model, t, locale).main}
              </span>
            </div>
            <ProgressBar label={model.label} value={model.cost?.nano ?? null} max={most} className="mt-1 !h-[3px]" />
          </li>
        ))}
      </ul>
    </Group>
  );
}

function byCost(items: readonly HouseGroup[]): HouseGroup[] {
  return items.toSorted((a, b) => (b.cost?.nano ?? -1) - (a.cost?.nano ?? -1) || b.requests - a.requests);
}

function Groups({ period }: { period: Period }) {
  const t = useTexts(houseUsageTexts);
  const [filters, change] = useFilters();
  const group = groupings.find((each) => each === filters.view) ?? "person";
  const usage = useQuery({ ...houseUsageQuery(group, period), placeholderData: keepPreviousData });
  return (
    <Group
      title={t(`by.${group}`)}
      actions={
        <Segmented
          label={t("by")}
          items={groupings.map((value) => ({ value, label: t(`by.${value}`) }))}
          value={group}
          onChange={(view) => change({ view })}
        />
      }
    >
      {usage.isPending ? <LoadingBars rows={5} /> : null}
      {usage.isError && !usage.data ? <ErrorState error={usage.error} onRetry={() => void usage.refetch()} /> : null}
      {usage.data ? (
        <Refreshing active={usage.isPlaceholderData}>
          <GroupTable usage={usage.data} group={group} />
        </Refreshing>
      ) : null}
    </Group>
  );
}

function GroupTable({ usage, group }: { usage: HouseUsage; group: Grouping }) {
  const t = useTexts(houseUsageTexts);
  const isCharged = usage.is_billed || usage.total.revenues.length > 0;
  const items = group === "day" ? usage.items.toSorted((a, b) => b.key.localeCompare(a.key)) : byCost(usage.items);
  return (
    <Table caption={t(`by.${group}`)}>
      <TableHead>
        <Th className={stickyClass}>{t(`by.${group}`)}</Th>
        <Th right>{t("answersHead")}</Th>
        <Th right>{t("errorsHead")}</Th>
        <Th right className="@max-3xl:hidden">
          {t("in")}
        </Th>
        <Th right className="@max-3xl:hidden">
          {t("out")}
        </Th>
        <Th right>{t("costHead")}</Th>
        {isCharged ? <Th right>{t("chargedHead")}</Th> : null}
      </TableHead>
      <tbody>
        {items.map((item) => (
          <Tr key={item.key || "none"} className="group">
            <Td className={stickyRowClass(false)}>
              <Name group={group} item={item} />
            </Td>
            <Numbers of={item} isCharged={isCharged} />
          </Tr>
        ))}
      </tbody>
      <tfoot>
        <tr className="h-10 font-semibold">
          <Td className={stickyClass}>{t("sum")}</Td>
          <Numbers of={usage.total} isCharged={isCharged} isTotal />
        </tr>
      </tfoot>
    </Table>
  );
}

const linkClass = "truncate rounded-xs font-medium underline-offset-4 hover:underline touch";

function Name({ group, item }: { group: Grouping; item: HouseGroup }) {
  const t = useTexts(houseUsageTexts);
  const locale = useLocale();
  if (group === "day") return <span className="num">{writeDay(item.key, locale)}</span>;
  const isGone = group === "person" && item.label === item.key;
  const tile: ReactNode =
    group === "person" ? (
      <Avatar initials={isGone ? "–" : initialsOf(item.label)} size={22} look={isGone ? "pending" : "plain"} />
    ) : (
      <ModelTile code={tileCode(item.label)} size={20} />
    );
  const pages = { person: "/admin/users", provider: "/admin/providers", model: "/admin/models" } as const;
  return (
    <span className="flex max-w-80 min-w-0 items-center gap-2.5">
      {tile}
      {isGone ? (
        <span className="text-muted-foreground">{t("gone")}</span>
      ) : (
        <Link
          to={pages[group]}
          search={group === "model" ? { q: item.key } : { id: item.key }}
          className={linkClass}
          title={item.detail ?? undefined}
        >
          {item.label}
        </Link>
      )}
      {item.detail ? <span className="truncate text-faint @max-4xl:hidden">{item.detail}</span> : null}
    </span>
  );
}

function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  return `${words[0]?.[0] ?? ""}${words.length > 1 ? (words.at(-1)?.[0] ?? "") : ""}`.toUpperCase();
}

function Numbers({ of, isCharged, isTotal = false }: { of: HouseSum; isCharged: boolean; isTotal?: boolean }) {
  const t = useTexts(houseUsageTexts);
  const locale = useLocale();
  const number = (value: number) => formatNumber(value, {}, locale);
  const second = isTotal ? undefined : "text-muted-foreground";
  const cost = costWords(of, t, locale);
  return (
    <>
      <Td right className={second}>
        {number(of.runs)}
        {of.own_key_runs > 0 ? <Small>{t("ownKeys", { count: of.own_key_runs })}</Small> : null}
      </Td>
      <Td right className={isManyErrors(of) ? "text-brick-text" : second}>
        {of.failed > 0 ? `${number(of.failed)} (${formatPercent(errorRate(of), 1, locale)})` : "0"}
      </Td>
      <Td right className={cx(second, "@max-3xl:hidden")}>
        {number(of.tokens_in)}
      </Td>
      <Td right className={cx(second, "@max-3xl:hidden")}>
        {number(of.tokens_out)}
      </Td>
      <Td right className="font-medium">
        <span className={of.cost || of.runs === 0 ? undefined : "font-normal text-brass-text"}>{cost.main}</span>
        {cost.note ? <Small>{cost.note}</Small> : null}
      </Td>
      {isCharged ? (
        <Td right className="font-medium">
          {of.revenues.length > 0 ? say(of.revenues, locale) : "–"}
        </Td>
      ) : null}
    </>
  );
}

function Small({ children }: { children: ReactNode }) {
  return <span className="block text-2xs font-normal text-muted-foreground">{children}</span>;
}
