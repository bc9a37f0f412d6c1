import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { ChartColumn, FileText, Table2, TriangleAlert } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { Schemas } from "@/shared/api/client";
import { Link, textLinkClass } from "@/shared/frame/link";
import { addDays, addMonths, type Day, sayDay, today, writeDay } from "@/shared/i18n/days";
import { formatBytes, formatMoney, formatNumber } from "@/shared/i18n/format";
import { type Locale, useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { countOf, type Dashboard, dashboardQuery, mayEdit, mayOwn, type Project } from "@/shared/projects/api";
import { ProjectScreen } from "@/shared/projects/ProjectScreen";
import { shareOf, toneOf } from "@/shared/receipts/budgets";
import { CostCell } from "@/shared/receipts/CostCell";
import { costWords } from "@/shared/receipts/costs";
import { everyDay, type Period } from "@/shared/receipts/period";
import { IconButton } from "@/shared/ui/button";
import { BarChart } from "@/shared/ui/charts";
import { cx } from "@/shared/ui/cx";
import { Icon } from "@/shared/ui/icons";
import { ProgressBar } from "@/shared/ui/marks";
import { Section } from "@/shared/ui/section";
import { Select } from "@/shared/ui/select";
import { Spinner } from "@/shared/ui/spinner";
import { ErrorState, LoadingBars, Refreshing, Skeleton } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { When } from "@/shared/ui/values";
import { newestDocumentsQuery, projectBudgetsQuery } from "./api";
import { useFilters } from "./search";
import { type Series, seriesOf } from "./series";
import { projectsTexts } from "./texts";

const MONTHS = 12;

const monthOf = (day: Day) => day.slice(0, 7);

/** A month as far as it has come. */
function periodOfMonth(month: string, now: Day): Period {
  const since = `${month}-01`;
  return { since, until: month === monthOf(now) ? now : addDays(addMonths(since, 1), -1) };
}

export default function DashboardScreen() {
  return <ProjectScreen>{(project) => <Overview key={project.id} project={project} />}</ProjectScreen>;
}

function Overview({ project }: { project: Project }) {
  const locale = useLocale();
  const [{ month: wished = "" }, change] = useFilters();
  const now = today(locale.timeZone);
  const first = `${monthOf(now)}-01`;
  const months = Array.from({ length: MONTHS }, (_, back) => monthOf(addMonths(first, -back)));
  const month = months.find((each) => each === wished) ?? monthOf(now);
  const period = periodOfMonth(month, now);
  const found = useQuery({ ...dashboardQuery(project.id, period), placeholderData: keepPreviousData });
  if (found.isError && !found.data) return <ErrorState error={found.error} onRetry={() => void found.refetch()} />;
  const name = sayDay(`${month}-01`, { month: "long" }, locale);
  return (
    <Refreshing active={found.isPlaceholderData}>
      <Figures project={project} dashboard={found.data} month={name} isNow={month === monthOf(now)} />
      <div className="grid gap-x-9 gap-y-8 pt-7 @4xl:grid-cols-[minmax(0,1fr)_23rem]">
        <Days
          dashboard={found.data}
          period={period}
          name={name}
          months={
            <MonthChoice
              months={months}
              value={month}
              onChange={(next) => change({ month: next === monthOf(now) ? undefined : next })}
            />
          }
        />
        <Models dashboard={found.data} project={project} />
        <Documents project={project} dashboard={found.data} />
        {mayOwn(project) ? <Budgets project={project} /> : null}
      </div>
    </Refreshing>
  );
}

function MonthChoice({
  months,
  value,
  onChange,
}: {
  months: readonly string[];
  value: string;
  onChange: (month: string) => void;
}) {
  const t = useTexts(projectsTexts);
  const locale = useLocale();
  const options = months.map((month) => ({
    value: month,
    label: sayDay(`${month}-01`, { month: "long", year: "numeric" }, locale),
  }));
  return <Select size="sm" label={t("month")} className="!w-44" options={options} value={value} onChange={onChange} />;
}

/** Label, figure, what it means: four of them between hairlines. */
function Figure({ label, value, children }: { label: string; value: ReactNode; children?: ReactNode }) {
  return (
    <div className="min-w-0 pr-4 @3xl:pl-5 @3xl:first:pl-0">
      <dt className="text-muted-foreground">{label}</dt>
      <dd>
        <div className="num mt-0.5 text-2xl font-semibold tracking-[-0.02em]">{value}</div>
        <div className="num mt-1 text-xs text-muted-foreground">{children}</div>
      </dd>
    </div>
  );
}

const waiting = <Skeleton className="my-2 h-4 w-24" />;

function Figures({
  project,
  dashboard,
  month,
  isNow,
}: {
  project: Project;
  dashboard: Dashboard | undefined;
  month: string;
  isNow: boolean;
}) {
  const t = useTexts(projectsTexts);
  const locale = useLocale();
  const budgets = useQuery({ ...projectBudgetsQuery(project.id), enabled: mayOwn(project) });
  const budget = isNow ? budgets.data?.items.find(({ period }) => period === "month") : undefined;
  const total = dashboard?.total;
  const paid = total ? total.runs - total.unknown_runs - total.own_key_runs : 0;
  const number = (value: number, options: Intl.NumberFormatOptions = {}) => formatNumber(value, options, locale);
  const compact = (value: number) => number(value, { notation: "compact", maximumFractionDigits: 1 });
  const documents = dashboard?.parts.find(({ name }) => name === "documents");
  const inWork = ["waiting", "reading", "indexing"].reduce((sum, state) => sum + (documents?.by_state[state] ?? 0), 0);
  const failed = documents?.by_state.failed ?? 0;
  const cost = total ? costWords(total, locale) : null;
  return (
    <section aria-label={t("figures")} className="border-b border-border pt-5 pb-5">
      <dl className="grid grid-cols-2 gap-y-5 @3xl:auto-cols-fr @3xl:grid-flow-col @3xl:grid-cols-none @3xl:divide-x @3xl:divide-border">
        <Figure
          label={t("costIn", { month })}
          value={
            cost
              ? total?.runs
                ? cost.main
                : formatMoney(0, total?.cost?.currency ?? locale.currency, {}, locale)
              : waiting
          }
        >
          {cost?.notes.map((note) => (
            <span key={note} className="block">
              {note}
            </span>
          ))}
          {budget ? (
            <>
              {t("ofBudget", { amount: formatMoney(budget.limit_nano, budget.currency, {}, locale) })}
              <ProgressBar
                label={t("budgetUsed")}
                value={shareOf(budget)}
                max={1}
                tone={toneOf(budget)}
                className="mt-2 max-w-32"
              />
            </>
          ) : mayOwn(project) && budgets.data ? (
            t("noBudget")
          ) : null}
        </Figure>
        <Figure label={t("answersIn")} value={total ? number(total.runs) : waiting}>
          {total?.cost && total.cost.nano > 0 && paid > 0
            ? t("perAnswer", { amount: formatMoney(total.cost.nano / paid, total.cost.currency, {}, locale) })
            : total?.runs === 0
              ? t("noAnswers")
              : null}
        </Figure>
        <Figure label={t("tokensIn")} value={total ? compact(total.tokens_in + total.tokens_out) : waiting}>
          {total?.runs ? t("tokensText", { read: compact(total.tokens_in), written: compact(total.tokens_out) }) : null}
        </Figure>
        <Figure label={t("documentsIn")} value={dashboard ? number(countOf(dashboard, "documents") ?? 0) : waiting}>
          {[
            documents && documents.bytes > 0 ? formatBytes(documents.bytes, locale) : "",
            inWork > 0 ? t("inWork", { count: number(inWork) }) : "",
            failed > 0 ? t("failedDocs", { count: failed }) : "",
          ]
            .filter(Boolean)
            .join(", ")}
        </Figure>
      </dl>
      {dashboard && !dashboard.is_everybody ? (
        <p className="mt-4 text-xs text-muted-foreground">{t("onlyOwn")}</p>
      ) : null}
    </section>
  );
}

function Days({
  dashboard,
  period,
  name,
  months,
}: {
  dashboard: Dashboard | undefined;
  period: Period;
  name: string;
  months: ReactNode;
}) {
  const t = useTexts(projectsTexts);
  const locale = useLocale();
  const [asTable, setAsTable] = useState(false);
  if (!dashboard) return <Skeleton className="h-56 w-full" />;
  const currency = dashboard.total.cost?.currency ?? locale.currency;
  const actions = (
    <div className="absolute top-0 right-0 z-10 flex items-center gap-1">
      {dashboard.total.runs > 0 ? (
        <IconButton
          icon={asTable ? ChartColumn : Table2}
          label={asTable ? t("asChart") : t("asTable")}
          onClick={() => setAsTable(!asTable)}
        />
      ) : null}
      {months}
    </div>
  );
  if (dashboard.total.runs === 0) {
    return (
      <section className="relative min-h-40 pt-1.5">
        <h2 className="font-semibold">{t("costPerDay")}</h2>
        {actions}
        <p className="mt-6 font-medium">{t("noUseTitle", { month: name })}</p>
        <p className="max-w-[30rem] text-muted-foreground">{t("noUseText")}</p>
      </section>
    );
  }
  return (
    <section className="relative min-w-0 pt-1.5">
      {actions}
      {asTable ? (
        <DayTable dashboard={dashboard} locale={locale} />
      ) : (
        <DayChart dashboard={dashboard} period={period} currency={currency} />
      )}
    </section>
  );
}

function DayChart({ dashboard, period, currency }: { dashboard: Dashboard; period: Period; currency: string }) {
  const t = useTexts(projectsTexts);
  const locale = useLocale();
  const series = seriesOf(dashboard, t("otherModels"));
  const days = everyDay(period, dashboard.days);
  const money = (nano: number) => formatMoney(nano, currency, {}, locale);
  const step = Math.max(1, Math.ceil(days.length / 6));
  return (
    <BarChart
      title={t("costPerDay")}
      unit={currency}
      height={230}
      format={money}
      bars={days.map(({ day, nano, of }, index) => ({
        said: of ? costWords(of, locale).main : undefined,
        isPartial: of !== null && of.unknown_runs > 0,
        name: writeDay(day, locale),
        label: (days.length - 1 - index) % step === 0 ? sayDay(day, { day: "numeric", month: "short" }, locale) : "",
        value: nano,
        parts: series.flatMap(({ label, look, days: costs }) => {
          const value = costs.get(day) ?? 0;
          return value > 0 ? [{ name: label, look, value, said: money(value) }] : [];
        }),
      }))}
    />
  );
}

function DayTable({ dashboard, locale }: { dashboard: Dashboard; locale: Locale }) {
  const t = useTexts(projectsTexts);
  return (
    <>
      <h2 className="mb-3 font-semibold">{t("costPerDay")}</h2>
      <Table caption={t("costPerDay")}>
        <TableHead>
          <Th>{t("day")}</Th>
          <Th right>{t("answersHead")}</Th>
          <Th right>{t("costHead")}</Th>
        </TableHead>
        <tbody>
          {dashboard.days.toReversed().map((of) => (
            <Tr key={of.key} className="!h-9">
              <Td className="num">{writeDay(of.key, locale)}</Td>
              <Td right>{formatNumber(of.runs, {}, locale)}</Td>
              <Td right>
                <CostCell of={of} />
              </Td>
            </Tr>
          ))}
        </tbody>
      </Table>
    </>
  );
}

function Models({ dashboard, project }: { dashboard: Dashboard | undefined; project: Project }) {
  const t = useTexts(projectsTexts);
  const locale = useLocale();
  if (!dashboard) return <LoadingBars rows={5} />;
  if (dashboard.total.runs === 0) return <span />;
  const looks = new Map(
    seriesOf(dashboard, t("otherModels")).flatMap((one: Series) => one.models.map((model) => [model, one.look])),
  );
  const number = (value: number) => formatNumber(value, {}, locale);
  const compact = (value: number) => formatNumber(value, { notation: "compact", maximumFractionDigits: 1 }, locale);
  const sorted = dashboard.models.toSorted((a, b) => (b.cost?.nano ?? -1) - (a.cost?.nano ?? -1) || b.runs - a.runs);
  return (
    <Section
      title={t("perModel")}
      actions={
        <Link to="/receipts" search={{ project: project.id }} className={textLinkClass}>
          {t("receipts")}
        </Link>
      }
    >
      <Table caption={t("perModel")} className="num">
        <TableHead>
          <Th>{t("model")}</Th>
          <Th right>{t("answersHead")}</Th>
          <Th right>{t("tokensHead")}</Th>
          <Th right>{t("costHead")}</Th>
        </TableHead>
        <tbody>
          {sorted.map((model) => (
            <Tr key={model.key} className="!h-9">
              <Td className="max-w-0 min-w-32 truncate">
                <span
                  aria-hidden="true"
                  className={cx(
                    "mr-2 inline-block size-2.5 rounded-[2px]",
                    looks.get(model.key) ?? "border border-border-strong",
                  )}
                />
                <span title={model.label}>{model.label}</span>
              </Td>
              <Td right className="text-muted-foreground">
                {number(model.runs)}
              </Td>
              <Td right className="text-muted-foreground">
                {compact(model.tokens_in + model.tokens_out)}
              </Td>
              <Td right className="font-medium">
                <CostCell of={model} />
              </Td>
            </Tr>
          ))}
        </tbody>
        <tfoot>
          <tr className="h-9 font-semibold">
            <Td>{t("sum")}</Td>
            <Td right>{number(dashboard.total.runs)}</Td>
            <Td right>{compact(dashboard.total.tokens_in + dashboard.total.tokens_out)}</Td>
            <Td right>
              <CostCell of={dashboard.total} />
            </Td>
          </tr>
        </tfoot>
      </Table>
    </Section>
  );
}

const states = ["ready", "reading", "indexing", "waiting", "failed"] as const;

function Documents({ project, dashboard }: { project: Project; dashboard: Dashboard | undefined }) {
  const t = useTexts(projectsTexts);
  const locale = useLocale();
  const newest = useInfiniteQuery(newestDocumentsQuery(project.id));
  const items = newest.data?.pages[0]?.items ?? [];
  const documents = dashboard?.parts.find(({ name }) => name === "documents");
  const count = countOf(dashboard, "documents") ?? 0;
  const number = (value: number) => formatNumber(value, {}, locale);
  const present = states.flatMap((state) => {
    const of = documents?.by_state[state] ?? 0;
    return of > 0 ? [`${t(`state.${state}`)}: ${number(of)}`] : [];
  });
  return (
    <Section
      title={t("newDocuments")}
      actions={
        <Link to={`/p/${project.id}/documents`} className={textLinkClass}>
          {count > 0 ? t("allDocumentsCount", { count: number(count) }) : t("toDocuments")}
        </Link>
      }
    >
      {newest.isPending ? <LoadingBars rows={3} /> : null}
      {newest.isError && !newest.data ? (
        <ErrorState error={newest.error} onRetry={() => void newest.refetch()} />
      ) : null}
      {newest.data && items.length === 0 ? (
        <div className="border-t border-border-soft py-3">
          <p>{t("noDocuments")}</p>
          {mayEdit(project) ? <p className="text-muted-foreground">{t("noDocumentsText")}</p> : null}
        </div>
      ) : null}
      {items.length > 0 ? (
        <ul className="num border-t border-border-soft">
          {items.map((document) => (
            <li key={document.id} className="flex h-9 items-center gap-3 border-b border-border-soft">
              <Icon icon={FileText} size={15} className="text-faint" />
              <Link
                to={`/doc/${document.id}`}
                className="touch min-w-0 grow truncate rounded-xs underline-offset-4 hover:underline"
              >
                {document.title || document.name}
              </Link>
              <DocumentState document={document} />
              {document.pages > 0 ? (
                <span className="flex-none text-muted-foreground @max-xl:hidden">
                  {t("pages", { count: document.pages })}
                </span>
              ) : null}
              <span className="w-28 flex-none text-right text-muted-foreground @max-xl:hidden">
                <When at={document.created_at} />
              </span>
            </li>
          ))}
        </ul>
      ) : null}
      {documents && count > 0 ? (
        <p className="num mt-2.5 text-xs text-muted-foreground">
          {present.join(", ")}. {t("storage")}: {formatBytes(documents.bytes, locale)}
        </p>
      ) : null}
    </Section>
  );
}

/** Only what is not as one expects: under way, or failed. */
function DocumentState({ document }: { document: Schemas["DocumentRead"] }) {
  const t = useTexts(projectsTexts);
  const { state } = document;
  if (state === "ready") return null;
  const isFailed = state === "failed";
  return (
    <span
      className={cx(
        "flex flex-none items-center gap-1.5 text-xs",
        isFailed ? "text-brick-text" : "text-muted-foreground",
      )}
    >
      {isFailed ? <Icon icon={TriangleAlert} size={14} /> : <Spinner size={13} />}
      {t(`state.${state}`)}
    </span>
  );
}

function Budgets({ project }: { project: Project }) {
  const t = useTexts(projectsTexts);
  const locale = useLocale();
  const budgets = useQuery(projectBudgetsQuery(project.id));
  const items = budgets.data?.items ?? [];
  return (
    <Section
      title={t("budgets")}
      actions={
        <Link to={`/p/${project.id}/settings`} hash="budgets" className={textLinkClass}>
          {t("budgetsChange")}
        </Link>
      }
    >
      {budgets.isError && !budgets.data ? (
        <ErrorState error={budgets.error} onRetry={() => void budgets.refetch()} />
      ) : null}
      {budgets.data && items.length === 0 ? (
        <p className="border-t border-border-soft py-3 text-muted-foreground">{t("noBudget")}</p>
      ) : null}
      {items.length > 0 ? (
        <ul className="num border-t border-border-soft">
          {items.map((budget) => (
            <li key={budget.id} className="border-b border-border-soft py-2.5">
              <div className="flex gap-2">
                <span className="grow text-muted-foreground">{t(`period.${budget.period}`)}</span>
                {t("spentOf", {
                  spent: formatMoney(budget.spent_nano, budget.currency, {}, locale),
                  limit: formatMoney(budget.limit_nano, budget.currency, {}, locale),
                })}
              </div>
              <ProgressBar
                label={t(`period.${budget.period}`)}
                value={shareOf(budget)}
                max={1}
                tone={toneOf(budget)}
                className="mt-2"
              />
            </li>
          ))}
        </ul>
      ) : null}
    </Section>
  );
}
