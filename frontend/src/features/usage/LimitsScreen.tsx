import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { Screen } from "@/shared/frame/sheet";
import { formatMoney, formatNumber, formatPercent } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { RadioGroup } from "@/shared/ui/choice";
import { cx } from "@/shared/ui/cx";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { Badge, ProgressBar } from "@/shared/ui/marks";
import { ErrorState, LoadingBars, Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { readAmount } from "./amounts";
import {
  type Budget,
  type BudgetPeriod,
  type Budgets,
  type BudgetWish,
  budgetPeriods,
  budgetsQuery,
  useChangeBudgets,
} from "./api";
import { usageTexts } from "./texts";

const names = { day: "limitDay", month: "limitMonth", total: "limitTotal" } as const;

export default function LimitsScreen() {
  const t = useTexts(usageTexts);
  const budgets = useQuery(budgetsQuery);
  const [editing, setEditing] = useState<BudgetPeriod | null>(null);
  return (
    <Screen title={t("limits")} subtitle={t("limitsLead")} width="form">
      {budgets.isPending ? <LoadingBars rows={3} /> : null}
      {budgets.isError && !budgets.data ? (
        <ErrorState error={budgets.error} onRetry={() => void budgets.refetch()} />
      ) : null}
      {budgets.data ? (
        <ul className="border-t border-border-soft">
          {budgetPeriods.map((period) => {
            const own = budgets.data.items.find((budget) => budget.period === period && !budget.is_imposed);
            const imposed = budgets.data.items.filter((budget) => budget.period === period && budget.is_imposed);
            return (
              <li key={period}>
                {imposed.map((budget) => (
                  <Limit key={budget.id} period={period} budget={budget} />
                ))}
                <Limit period={period} budget={own} onEdit={() => setEditing(period)} />
              </li>
            );
          })}
        </ul>
      ) : null}
      {editing && budgets.data ? (
        <LimitDialog budgets={budgets.data} period={editing} onClose={() => setEditing(null)} />
      ) : null}
    </Screen>
  );
}

function Limit({ period, budget, onEdit }: { period: BudgetPeriod; budget: Budget | undefined; onEdit?: () => void }) {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const name = t(names[period]);
  const share = budget && budget.limit_nano > 0 ? budget.spent_nano / budget.limit_nano : 0;
  const money = (nano: number) => formatMoney(nano, budget?.currency ?? locale.currency, {}, locale);
  const isNear = budget !== undefined && share * 100 >= budget.warn_percent;
  return (
    <div className="flex flex-wrap items-center gap-x-5 gap-y-2 border-b border-border-soft py-4">
      <div className="min-w-0 grow basis-64">
        <h2 className="flex items-center gap-2 font-medium">
          {name}
          {budget?.is_imposed ? <Badge>{t("imposed")}</Badge> : null}
        </h2>
        {budget ? (
          <>
            <p className={cx("num mt-1", share >= 1 ? "text-brick-text" : isNear ? "text-brass-text" : undefined)}>
              {t("spentOf", { spent: money(budget.spent_nano), limit: money(budget.limit_nano) })}
              <span className="text-muted-foreground">, {formatPercent(share, 0, locale)}</span>
            </p>
            <ProgressBar
              label={name}
              value={share}
              max={1}
              tone={share >= 1 ? "brick" : isNear ? "brass" : "primary"}
              className="mt-2 max-w-96"
            />
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

function LimitDialog({ budgets, period, onClose }: { budgets: Budgets; period: BudgetPeriod; onClose: () => void }) {
  const t = useTexts(usageTexts);
  const locale = useLocale();
  const change = useChangeBudgets();
  const own = budgets.items.filter((budget) => !budget.is_imposed);
  const before = own.find((budget) => budget.period === period);
  const [atLimit, setAtLimit] = useState<"stop" | "warn">(before?.stops === false ? "warn" : "stop");
  const isStale = isProblem(change.error, "http.stale");
  const name = t(names[period]);
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
      title={t("limitTitle", { name: name.toLowerCase() })}
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
