import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { addDays, today } from "@/shared/i18n/days";
import { formatDate, formatMoney } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { DateField } from "@/shared/ui/date-field";
import { AlertDialog, Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { ProgressBar } from "@/shared/ui/marks";
import { FactRow, Facts } from "@/shared/ui/section";
import { ErrorState, LoadingBars } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { startOfDay } from "../audit/days";
import { PanelGroup } from "../parts";
import type { User } from "../users/api";
import {
  type Grant,
  grantsQuery,
  type PersonBilling,
  personBillingQuery,
  useGrant,
  useImposeBudgets,
  useWithdraw,
} from "./api";
import { readDecimal, toNano, writeDecimal } from "./numbers";
import { billingTexts } from "./texts";

const periods = ["day", "month", "total"] as const;
const fieldNames = { day: "limitDay", month: "limitMonth", total: "limitTotal" } as const;

/** On a person: what they have, what they spend, and where it ends. */
export function PersonMoney({ user }: { user: User }) {
  const t = useTexts(billingTexts);
  const billing = useQuery(personBillingQuery(user.id));
  const [dialog, setDialog] = useState<"limits" | "grant" | null>(null);
  return (
    <PanelGroup title={t("money")}>
      {billing.isPending ? <LoadingBars rows={3} /> : null}
      {billing.isError && !billing.data ? (
        <ErrorState error={billing.error} onRetry={() => void billing.refetch()} />
      ) : null}
      {billing.data ? (
        <>
          <Sums billing={billing.data} />
          {billing.data.balance.is_on ? <Grants user={user} /> : null}
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
              {budget.is_imposed ? "" : ` (${t("ownLimit")})`}
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

function Grants({ user }: { user: User }) {
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

function WithdrawDialog({ grant, onClose }: { grant: Grant; onClose: () => void }) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  const withdraw = useWithdraw();
  const amount = formatMoney(grant.remaining_nano, grant.currency, {}, locale);
  return (
    <AlertDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("withdrawTitle")}
      description={t("withdrawText", { amount })}
      action={t("withdraw")}
      busy={withdraw.isPending}
      onConfirm={() =>
        withdraw.mutate(grant.id, {
          onSuccess: ({ withdrawn_nano }) => {
            toast({ text: t("withdrawn", { amount: formatMoney(withdrawn_nano, grant.currency, {}, locale) }) });
            onClose();
          },
        })
      }
    >
      <FormProblem error={withdraw.error} />
    </AlertDialog>
  );
}

function LimitsDialog({ user, billing, onClose }: { user: User; billing: PersonBilling; onClose: () => void }) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  const impose = useImposeBudgets(user.id);
  const { budgets } = billing;
  const before = (period: (typeof periods)[number]) =>
    budgets.items.find((budget) => budget.period === period && budget.is_imposed);
  const shown = (period: (typeof periods)[number]) => {
    const limit = before(period)?.limit_nano;
    return limit === undefined ? "" : writeDecimal(limit / 1e9, locale);
  };
  const wrong = (text: string) => (!text.trim() || readDecimal(text) !== null ? undefined : t("limitWrong"));
  const { form, field } = useForm({
    initial: { day: shown("day"), month: shown("month"), total: shown("total") },
    check: ({ day, month, total }) => ({ day: wrong(day), month: wrong(month), total: wrong(total) }),
    onSubmit: (typed) =>
      impose.mutate(
        {
          version: budgets.version,
          items: periods.flatMap((period) => {
            const limit = readDecimal(typed[period]);
            if (limit === null) return [];
            const { warn_percent = 80, stops = true } = before(period) ?? {};
            return [{ period, limit_nano: toNano(limit), warn_percent, stops }];
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
        <div className="grid gap-4 sm:grid-cols-3">
          {periods.map((period) => {
            const of = field(period);
            return (
              <Field key={period} label={t(fieldNames[period])} optional error={of.error}>
                <Input
                  {...of.control}
                  inputMode="decimal"
                  autoComplete="off"
                  suffix={<span className="pr-1.5 text-xs">{budgets.currency}</span>}
                  className="num"
                />
              </Field>
            );
          })}
        </div>
      </form>
    </Dialog>
  );
}

function GrantDialog({ user, currency, onClose }: { user: User; currency: string; onClose: () => void }) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  const grant = useGrant();
  const [expires, setExpires] = useState<string | undefined>();
  const isPast = expires !== undefined && expires < today(locale.timeZone);
  const { form, field } = useForm({
    initial: { amount: "", note: "" },
    problem: grant.error,
    serverNames: { amount: "nano" },
    check: ({ amount }) => ({ amount: (readDecimal(amount) ?? 0) > 0 ? undefined : t("amountWrong") }),
    onSubmit: ({ amount, note }) => {
      if (isPast) return;
      const nano = toNano(readDecimal(amount) ?? 0);
      grant.mutate(
        {
          user_id: user.id,
          nano,
          note: note.trim(),
          // Good until the end of that day, where whoever gives it is.
          expires_at: expires ? startOfDay(addDays(expires, 1), locale.timeZone) : null,
        },
        {
          onSuccess: () => {
            toast({ text: t("granted", { name: user.name, amount: formatMoney(nano, currency, {}, locale) }) });
            onClose();
          },
        },
      );
    },
  });
  const [amount, note] = [field("amount"), field("note")];
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("grantTitle", { name: user.name })}
      width="sm"
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="grant" variant="primary" busy={grant.isPending}>
            {t("grant")}
          </Button>
        </>
      }
    >
      <form {...form} id="grant" className="flex flex-col gap-4">
        <FormProblem error={grant.error} fields={["nano", "note", "expires_at"]} />
        <Field label={t("amount", { currency })} error={amount.error}>
          <Input {...amount.control} inputMode="decimal" autoComplete="off" className="num" />
        </Field>
        <DateField
          label={t("expires")}
          value={expires}
          onChange={setExpires}
          error={isPast ? t("expiresWrong") : undefined}
        />
        <p className="-mt-2.5 text-xs text-muted-foreground">{t("expiresHelp")}</p>
        <Field label={t("note")} optional help={t("noteHelp", { name: user.name })} error={note.error}>
          <Input {...note.control} autoComplete="off" />
        </Field>
      </form>
    </Dialog>
  );
}
