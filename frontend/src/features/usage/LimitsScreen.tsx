import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { inTextLinkClass, Link } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { formatMoney, formatNumber, formatPercent } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { readAmount } from "@/shared/receipts/amounts";
import { type Budget, type Budgets, budgetsQuery, shareOf, toneOf } from "@/shared/receipts/budgets";
import { Button } from "@/shared/ui/button";
import { RadioGroup } from "@/shared/ui/choice";
import { cx } from "@/shared/ui/cx";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { Badge, ProgressBar } from "@/shared/ui/marks";
import { Section } from "@/shared/ui/section";
import { ErrorState, LoadingBars, Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { type BudgetPeriod, type BudgetWish, budgetPeriods, type Subject, tokensQuery, useChangeBudgets } from "./api";
import { usageTexts } from "./texts";

const names = { day: "limitDay", month: "limitMonth", total: "limitTotal" } as const;
const me: Subject = { kind: "person" };

interface Editing {
  readonly subject: Subject;
  readonly period: BudgetPeriod;
}

export default function LimitsScreen() {
  const t = useTexts(usageTexts);
  const budgets = useQuery(budgetsQuery);
  const [editing, setEditing] = useState<Editing | null>(null);
  return (
    <Screen title={t("limits")} subtitle={t("limitsLead")} width="form">
      {budgets.isPending ? <LoadingBars rows={3} /> : null}
      {budgets.isError && !budgets.data ? (
        <ErrorState error={budgets.error} onRetry={() => void budgets.refetch()} />
      ) : null}
      {budgets.data ? (
        <>
          <ul className="border-t border-border-soft">
            {budgetPeriods.map((period) => (
              <li key={period}>
                {imposedOn(budgets.data, period).map((budget) => (
                  <Limit key={budget.id} period={period} budget={budget} />
                ))}
                <Limit
                  period={period}
                  budget={ownOf(budgets.data, me).find((budget) => budget.period === period)}
                  onEdit={() => setEditing({ subject: me, period })}
                />
              </li>
            ))}
          </ul>
          <KeyLimits budgets={budgets.data} onEdit={setEditing} />
        </>
      ) : null}
      {editing && budgets.data ? (
        <LimitDialog budgets={budgets.data} {...editing} onClose={() => setEditing(null)} />
      ) : null}
    </Screen>
  );
}

const imposedOn = (budgets: Budgets, period: BudgetPeriod) =>
  budgets.items.filter((budget) => budget.subject === "person" && budget.is_imposed && budget.period === period);

/** What the subject's limits are, as far as one may change them. */
function ownOf(budgets: Budgets, subject: Subject): Budget[] {
  return budgets.items.filter(
    (budget) =>
      budget.subject === subject.kind &&
      !budget.is_imposed &&
      (subject.kind === "person" || budget.subject_id === subject.id),
  );
}

/** A program spends without anybody watching, so its token may have narrower limits than its owner. */
function KeyLimits({ budgets, onEdit }: { budgets: Budgets; onEdit: (editing: Editing) => void }) {
  const t = useTexts(usageTexts);
  const tokens = useQuery(tokensQuery);
  return (
    <Section title={t("keyLimits")} description={t("keyLimitsLead")} className="mt-8">
      {tokens.isPending ? <LoadingBars rows={2} /> : null}
      {tokens.isError && !tokens.data ? (
        <ErrorState error={tokens.error} onRetry={() => void tokens.refetch()} />
      ) : null}
      {tokens.data?.items.length === 0 ? (
        <p className="text-muted-foreground">
          {t("keyLimitsNone")}{" "}
          <Link to="/settings/tokens" className={inTextLinkClass}>
            {t("keyLimitsMake")}
          </Link>
        </p>
      ) : null}
      {tokens.data && tokens.data.items.length > 0 ? (
        <ul className="border-t border-border-soft">
          {tokens.data.items.map(({ id, name, ending }) => {
            const subject: Subject = { kind: "key", id, name };
            return (
              <li key={id} className="border-b border-border-soft py-3">
                <h3 className="font-medium">
                  {name} <span className="font-mono text-xs font-normal text-muted-foreground">ktr_…{ending}</span>
                </h3>
                <ul className="mt-1.5 grid gap-x-6 gap-y-2 sm:grid-cols-3">
                  {budgetPeriods.map((period) => (
                    <KeyLimit
                      key={period}
                      of={name}
                      period={period}
                      budget={ownOf(budgets, subject).find((budget) => budget.period === period)}
                      onEdit={() => onEdit({ subject, period })}
                    />
                  ))}
                </ul>
              </li>
            );
          })}
        </ul>
      ) : null}
    </Section>
  );
}

function KeyLimit({
  of,
  period,
  budget,
  onEdit,
}: {
  of: string;
  period: BudgetPeriod;
  budget: Budget | undefined;
  onEdit: () => void;
}) {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const name = t(names[period]);
  const share = budget ? shareOf(budget) : 0;
  const words = budget
    ? t("spentOf", {
        spent: formatMoney(budget.spent_nano, budget.currency, {}, locale),
        limit: formatMoney(budget.limit_nano, budget.currency, {}, locale),
      })
    : t("noLimit");
  return (
    <li className="min-w-0">
      <div className="flex items-center gap-2">
        <span className="grow text-muted-foreground">{name}</span>
        <Button
          variant="ghost"
          size="sm"
          onClick={onEdit}
          aria-label={t(budget ? "changeNamed" : "setNamed", { name: `${of}, ${name}` })}
        >
          {budget ? t("change") : t("set")}
        </Button>
      </div>
      <p className={cx("num", budget ? toneText(budget) : "text-faint")}>{words}</p>
      {budget ? (
        <ProgressBar label={`${of}, ${name}`} value={share} max={1} tone={toneOf(budget)} className="mt-1" />
      ) : null}
    </li>
  );
}

const toneText = (budget: Budget) =>
  ({ brick: "text-brick-text", brass: "text-brass-text", primary: undefined })[toneOf(budget)];

function Limit({ period, budget, onEdit }: { period: BudgetPeriod; budget: Budget | undefined; onEdit?: () => void }) {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const name = t(names[period]);
  const share = budget ? shareOf(budget) : 0;
  const money = (nano: number) => formatMoney(nano, budget?.currency ?? locale.currency, {}, locale);
  return (
    <div className="flex flex-wrap items-center gap-x-5 gap-y-2 border-b border-border-soft py-4">
      <div className="min-w-0 grow basis-64">
        <h2 className="flex items-center gap-2 font-medium">
          {name}
          {budget?.is_imposed ? <Badge>{t("imposed")}</Badge> : null}
        </h2>
        {budget ? (
          <>
            <p className={cx("num mt-1", toneText(budget))}>
              {t("spentOf", { spent: money(budget.spent_nano), limit: money(budget.limit_nano) })}
              <span className="text-muted-foreground">, {formatPercent(share, 0, locale)}</span>
            </p>
            <ProgressBar label={name} value={share} max={1} tone={toneOf(budget)} className="mt-2 max-w-96" />
            <p className="mt-2 text-xs text-muted-foreground">
              {t("warnAt", { percent: formatPercent(budget.warn_percent / 100, 0, locale) })}.{" "}
              {budget.stops ? t("atLimitStops") : t("atLimitWarns")}
            </p>
          </>
        ) : (
          <p className="text-muted-foreground">{t("noLimit")}</p>
        )}
      </div>
      {onEdit ? (
        <Button onClick={onEdit} aria-label={t(budget ? "changeNamed" : "setNamed", { name })}>
          {budget ? t("change") : t("set")}
        </Button>
      ) : null}
    </div>
  );
}

function LimitDialog({ budgets, subject, period, onClose }: Editing & { budgets: Budgets; onClose: () => void }) {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const change = useChangeBudgets(subject);
  const own = ownOf(budgets, subject);
  const before = own.find((budget) => budget.period === period);
  const [atLimit, setAtLimit] = useState<"stop" | "warn">(before?.stops === false ? "warn" : "stop");
  const isStale = isProblem(change.error, "http.stale");
  const periodName = t(names[period]);
  const name = subject.kind === "person" ? periodName : `${subject.name}, ${periodName}`;
  const wishes = (changed: BudgetWish | null): BudgetWish[] => [
    ...own
      .filter((budget) => budget.period !== period)
      .map(({ period, limit_nano, warn_percent, stops }) => ({ period, limit_nano, warn_percent, stops })),
    ...(changed ? [changed] : []),
  ];
  const save = (changed: BudgetWish | null, text: string) =>
    change.mutate(
      { items: wishes(changed), version: budgets.version },
      {
        onSuccess: () => {
          toast({ text });
          onClose();
        },
      },
    );
  const { form, field } = useForm({
    initial: {
      amount: before
        ? formatNumber(before.limit_nano / 1e9, { maximumFractionDigits: 9, useGrouping: false }, locale)
        : "",
      warn: String(before?.warn_percent ?? 80),
    },
    problem: isStale ? null : change.error,
    serverNames: { amount: "limit_nano", warn: "warn_percent" },
    check: ({ amount, warn }) => ({
      amount: readAmount(amount) ? undefined : t("amountWrong"),
      warn: /^\d{1,3}$/.test(warn.trim()) && Number(warn) >= 1 && Number(warn) <= 100 ? undefined : t("warnWrong"),
    }),
    onSubmit: ({ amount, warn }) => {
      const nano = readAmount(amount) ?? 0;
      save(
        { period, limit_nano: nano, warn_percent: Number(warn), stops: atLimit === "stop" },
        t("saved", { name, amount: formatMoney(nano, budgets.currency, {}, locale) }),
      );
    },
  });
  const [amount, warn] = [field("amount"), field("warn")];
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("limitTitle", { name: periodName.toLowerCase() })}
      description={subject.kind === "person" ? undefined : subject.name}
      footer={
        <>
          {before ? (
            <Button variant="danger" className="mr-auto" onClick={() => save(null, t("removed", { name }))}>
              {t("remove")}
            </Button>
          ) : null}
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="limit" variant="primary" busy={change.isPending}>
            {t("save")}
          </Button>
        </>
      }
    >
      <form {...form} id="limit" className="flex flex-col gap-4">
        {isStale ? (
          <Notice tone="brass">{t("stale")}</Notice>
        ) : (
          <FormProblem error={change.error} fields={["limit_nano", "warn_percent"]} />
        )}
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={t("amount", { currency: budgets.currency })} help={t("amountHelp")} error={amount.error}>
            <Input {...amount.control} inputMode="decimal" autoComplete="off" className="num" />
          </Field>
          <Field label={t("warnFrom")} help={t("warnHelp")} error={warn.error}>
            <Input
              {...warn.control}
              inputMode="numeric"
              autoComplete="off"
              suffix={<span className="pr-1.5">%</span>}
            />
          </Field>
        </div>
        <RadioGroup
          label={t("atLimit")}
          value={atLimit}
          onChange={setAtLimit}
          options={[
            { value: "stop", label: t("stop"), help: t("stopHelp") },
            { value: "warn", label: t("warnOnly"), help: t("warnOnlyHelp") },
          ]}
        />
      </form>
    </Dialog>
  );
}
