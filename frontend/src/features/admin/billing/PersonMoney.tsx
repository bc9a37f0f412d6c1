import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { formatDate, formatMoney } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { ProgressBar } from "@/shared/ui/marks";
import { FactRow, Facts } from "@/shared/ui/section";
import { Select } from "@/shared/ui/select";
import { ErrorState, LoadingBars } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { PanelGroup } from "../parts";
import type { User } from "../users/api";
import { type Grant, grantsQuery, type PersonBilling, personBillingQuery, useImposeBudgets } from "./api";
import { GrantDialog, WithdrawDialog } from "./Grants";
import { readDecimal, toNano, writeDecimal } from "./numbers";
import { PersonEntries } from "./PersonEntries";
import { billingTexts } from "./texts";

const periods = ["day", "month", "total"] as const;
const fieldNames = { day: "limitDay", month: "limitMonth", total: "limitTotal" } as const;

/** On a person: what they have, what they spend, and where it ends. */
export function PersonMoney({ user }: { user: User }) {
  const t = useTexts(billingTexts);
  const billing = useQuery(personBillingQuery(user.id));
  const [dialog, setDialog] = useState<"limits" | "grant" | null>(null);
  return (
    <>
      <PanelGroup title={t("money")}>
        {billing.isPending ? <LoadingBars rows={3} /> : null}
        {billing.isError && !billing.data ? (
          <ErrorState error={billing.error} onRetry={() => void billing.refetch()} />
        ) : null}
        {billing.data ? (
          <>
            <Sums billing={billing.data} />
            {billing.data.balance.is_on ? <PersonGrants user={user} /> : null}
            <div className="mt-3 flex flex-wrap gap-2">
              <Button onClick={() => setDialog("limits")}>{t("setLimits")}</Button>
              {billing.data.balance.is_on ? <Button onClick={() => setDialog("grant")}>{t("grant")}</Button> : null}
            </div>
            {dialog === "limits" ? (
              <LimitsDialog user={user} billing={billing.data} onClose={() => setDialog(null)} />
            ) : null}
            {dialog === "grant" ? (
              <GrantDialog user={user} currency={billing.data.balance.currency} onClose={() => setDialog(null)} />
            ) : null}
          </>
        ) : null}
      </PanelGroup>
      {billing.data?.balance.is_on ? <PersonEntries user={user} /> : null}
    </>
  );
}

function Sums({ billing: { balance, budgets } }: { billing: PersonBilling }) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  const money = (nano: number, currency = balance.currency) => formatMoney(nano, currency, {}, locale);
  return (
    <Facts>
      {balance.is_on ? (
        <FactRow label={t("available")}>
          <span className="num">
            {balance.held > 0
              ? t("availableHeld", { amount: money(balance.available), held: money(balance.held) })
              : money(balance.available)}
          </span>
        </FactRow>
      ) : null}
      <FactRow label={t("spentToday")}>
        <span className="num">{money(balance.today)}</span>
      </FactRow>
      <FactRow label={t("limits")}>
        {budgets.items.length === 0 ? t("limitsNone") : null}
        {budgets.items.map((budget) => {
          const share = budget.limit_nano > 0 ? budget.spent_nano / budget.limit_nano : 1;
          const words = `${t("spentOf", {
            spent: money(budget.spent_nano, budget.currency),
            limit: money(budget.limit_nano, budget.currency),
          })} ${t(`period.${budget.period}`)}`;
          return (
            <span key={budget.id} className="num block py-0.5">
              {words}
              {[
                budget.subject === "key" ? t("ofToken") : null,
                budget.is_imposed ? null : t("ownLimit"),
                budget.stops ? null : t("warnsOnly"),
              ]
                .filter((word) => word !== null)
                .map((word) => ` (${word})`)
                .join("")}
              <ProgressBar
                label={words}
                value={share}
                max={1}
                tone={share >= 1 ? "brick" : share * 100 >= budget.warn_percent ? "brass" : "primary"}
                className="mt-1"
              />
            </span>
          );
        })}
      </FactRow>
    </Facts>
  );
}

function PersonGrants({ user }: { user: User }) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  const grants = useQuery(grantsQuery(user.id));
  const [withdrawing, setWithdrawing] = useState<Grant | null>(null);
  const open = grants.data?.items.filter(({ remaining_nano }) => remaining_nano > 0) ?? [];
  if (open.length === 0) return null;
  return (
    <ul aria-label={t("grants")} className="num mt-3 border-t border-border">
      {open.map((grant) => (
        <li key={grant.id} className="flex min-h-10 items-center gap-3 border-b border-border-soft">
          <span className="min-w-0 grow">
            {t("grantLine", {
              left: formatMoney(grant.remaining_nano, grant.currency, {}, locale),
              amount: formatMoney(grant.nano, grant.currency, {}, locale),
            })}
            <span className="text-muted-foreground">
              {grant.expires_at ? `, ${t("until", { date: formatDate(grant.expires_at, locale) })}` : ""}
              {grant.note ? `, ${grant.note}` : ""}
            </span>
          </span>
          <Button size="sm" variant="danger" onClick={() => setWithdrawing(grant)}>
            {t("withdraw")}
          </Button>
        </li>
      ))}
      {withdrawing ? <WithdrawDialog grant={withdrawing} onClose={() => setWithdrawing(null)} /> : null}
    </ul>
  );
}

type Period = (typeof periods)[number];

function LimitsDialog({ user, billing, onClose }: { user: User; billing: PersonBilling; onClose: () => void }) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  const impose = useImposeBudgets(user.id);
  const { budgets } = billing;
  const before = (period: Period) =>
    budgets.items.find((budget) => budget.subject === "person" && budget.period === period && budget.is_imposed);
  const [stops, setStops] = useState(() => ({
    day: before("day")?.stops ?? true,
    month: before("month")?.stops ?? true,
    total: before("total")?.stops ?? true,
  }));
  const amountOf = (period: Period) => {
    const limit = before(period)?.limit_nano;
    return limit === undefined ? "" : writeDecimal(limit / 1e9, locale);
  };
  const warnOf = (period: Period) => String(before(period)?.warn_percent ?? 80);
  const wrongAmount = (text: string) => (!text.trim() || readDecimal(text) !== null ? undefined : t("limitWrong"));
  const wrongWarn = (text: string) =>
    /^\d{1,3}$/.test(text.trim()) && Number(text) >= 1 && Number(text) <= 100 ? undefined : t("warnWrong");
  const { form, field } = useForm({
    initial: {
      day: amountOf("day"),
      month: amountOf("month"),
      total: amountOf("total"),
      warn_day: warnOf("day"),
      warn_month: warnOf("month"),
      warn_total: warnOf("total"),
    },
    check: (typed) => ({
      day: wrongAmount(typed.day),
      month: wrongAmount(typed.month),
      total: wrongAmount(typed.total),
      warn_day: wrongWarn(typed.warn_day),
      warn_month: wrongWarn(typed.warn_month),
      warn_total: wrongWarn(typed.warn_total),
    }),
    onSubmit: (typed) =>
      impose.mutate(
        {
          version: budgets.version,
          items: periods.flatMap((period) => {
            const limit = readDecimal(typed[period]);
            if (limit === null) return [];
            const warn_percent = Number(typed[`warn_${period}`]);
            return [{ period, limit_nano: toNano(limit), warn_percent, stops: stops[period] }];
          }),
        },
        {
          onSuccess: () => {
            toast({ text: t("limitsSaved", { name: user.name }) });
            onClose();
          },
        },
      ),
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("limitsTitle", { name: user.name })}
      description={t("limitsText", { name: user.name })}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="person-limits" variant="primary" busy={impose.isPending}>
            {t("save")}
          </Button>
        </>
      }
    >
      <form {...form} id="person-limits" className="flex flex-col gap-4">
        <FormProblem error={impose.error} />
        {periods.map((period) => {
          const amount = field(period);
          const warn = field(`warn_${period}`);
          const name = t(fieldNames[period]);
          return (
            <fieldset key={period} aria-label={name} className="grid grid-cols-2 gap-4 sm:grid-cols-3">
              <Field label={name} optional error={amount.error}>
                <Input
                  {...amount.control}
                  inputMode="decimal"
                  autoComplete="off"
                  suffix={<span className="pr-1.5 text-xs">{budgets.currency}</span>}
                  className="num"
                />
              </Field>
              <Field label={t("warnFrom")} error={warn.error}>
                <Input
                  {...warn.control}
                  inputMode="numeric"
                  autoComplete="off"
                  suffix={<span className="pr-1.5">%</span>}
                  className="num"
                />
              </Field>
              <Field label={t("atLimit")} className="max-sm:col-span-2">
                <Select
                  options={[
                    { value: "stop", label: t("stop") },
                    { value: "warn", label: t("warnOnly") },
                  ]}
                  value={stops[period] ? "stop" : "warn"}
                  onChange={(next) => setStops({ ...stops, [period]: next === "stop" })}
                />
              </Field>
            </fieldset>
          );
        })}
      </form>
    </Dialog>
  );
}
