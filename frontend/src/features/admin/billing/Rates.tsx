import { useQuery } from "@tanstack/react-query";
import { today, writeDay } from "@/shared/i18n/days";
import { formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { ErrorState, LoadingBars, Notice } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { When } from "@/shared/ui/values";
import { FormFoot, Group } from "../parts";
import { type Billing, exchangeQuery, useFetchRates, useTypeRates } from "./api";
import { plainDecimal, readDecimal } from "./numbers";
import { Told } from "./Told";
import { billingTexts } from "./texts";

const DAY_MS = 86_400_000;
// Four days lie between the rates before and after Easter.
const WARN_DAYS = 5;

/** Where the rate that everything is charged by comes from, and the way out where it does not come by itself. */
export function Rates({ billing }: { billing: Billing }) {
  const t = useTexts(billingTexts);
  const fetchRates = useFetchRates();
  const { rates } = billing;
  const isRefusing = billing.is_on && (rates.state === "too_old" || rates.state === "missing");
  return (
    <Group
      id="exchange-rates"
      lead={t("ratesLead")}
      actions={
        billing.refreshes_rates ? (
          <Button
            busy={fetchRates.isPending}
            onClick={() => fetchRates.mutate(undefined, { onSuccess: () => toast({ text: t("ratesAsked") }) })}
          >
            {t("ratesFetch")}
          </Button>
        ) : null
      }
    >
      <div className="flex flex-col gap-3">
        {isRefusing ? (
          <Notice tone="brick">
            {t("ratesRefusing")} {rates.error ? t("ratesUnreachable") : null}{" "}
            {t(billing.refreshes_rates ? "ratesWayOut" : "ratesByHand")}
            <Told reason={rates.error} />
          </Notice>
        ) : null}
        {!isRefusing && rates.error ? (
          <div className="text-muted-foreground">
            {t("ratesUnreachable")}
            <Told reason={rates.error} />
          </div>
        ) : null}
        {rates.fetched_at ? (
          <p className="text-muted-foreground">
            {t("ratesAskedLast")} <When at={rates.fetched_at} />
          </p>
        ) : null}
        {rates.state === "not_needed" ? null : (
          <>
            <RateForm key={`${rates.day}-${rates.usd}`} currency={billing.currency} />
            <LastRates currency={billing.currency} />
          </>
        )}
      </div>
    </Group>
  );
}

function RateForm({ currency }: { currency: string }) {
  const t = useTexts(billingTexts);
  const save = useTypeRates();
  const wrong = t("ratesWrong");
  const check = (text: string) => ((readDecimal(text) ?? 0) > 0 ? undefined : wrong);
  const isThird = currency !== "EUR";
  const initial = { usd: "", other: "" };
  const { form, field, isDirty, reset } = useForm({
    initial,
    check: ({ usd, other }) => ({ usd: check(usd), other: isThird ? check(other) : undefined }),
    onSubmit: ({ usd, other }) =>
      save.mutate(
        { USD: plainDecimal(usd), ...(isThird ? { [currency]: plainDecimal(other) } : {}) },
        { onSuccess: () => toast({ text: t("ratesSaved") }) },
      ),
  });
  const usd = field("usd");
  const other = field("other");
  return (
    <form {...form} className="flex max-w-[38.5rem] flex-col gap-3">
      <FormProblem error={save.error} />
      <Field label={t("ratesUsd")} help={t("ratesHelp")} error={usd.error}>
        <Input {...usd.control} inputMode="decimal" autoComplete="off" className="num !w-40" />
      </Field>
      {isThird ? (
        <Field label={t("ratesOther", { currency })} error={other.error}>
          <Input {...other.control} inputMode="decimal" autoComplete="off" className="num !w-40" />
        </Field>
      ) : null}
      <FormFoot
        isDirty={isDirty}
        busy={save.isPending}
        onDiscard={() => {
          reset(initial);
          save.reset();
        }}
      />
    </form>
  );
}

/** The last days that there is a rate of, with their age: what is booked keeps the one it was booked by. */
function LastRates({ currency }: { currency: string }) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  const days = useQuery(exchangeQuery);
  const now = today(locale.timeZone);
  const items = days.data?.items ?? [];
  if (days.isPending) return <LoadingBars rows={3} />;
  if (days.isError) return <ErrorState error={days.error} onRetry={() => void days.refetch()} />;
  if (items.length === 0) return null;
  return (
    <Table caption={t("ratesLast")}>
      <TableHead>
        <Th>{t("ratesDay")}</Th>
        <Th right>{t("ratesOneDollar")}</Th>
        <Th>{t("source")}</Th>
        <Th right>{t("ratesAge")}</Th>
      </TableHead>
      <tbody>
        {items.map(({ id, day, source, rates }) => {
          const perDollar = Number(currency === "EUR" ? 1 : rates[currency]) / Number(rates.USD);
          const age = Math.round((Date.parse(now) - Date.parse(day)) / DAY_MS);
          const key = `ratesFrom.${source}`;
          return (
            <Tr key={id} className="!h-9">
              <Td className="num">{writeDay(day, locale)}</Td>
              <Td right>
                {Number.isFinite(perDollar)
                  ? formatNumber(
                      perDollar,
                      { style: "currency", currency, minimumFractionDigits: 4, maximumFractionDigits: 4 },
                      locale,
                    )
                  : "–"}
              </Td>
              <Td className="text-muted-foreground">{key in billingTexts.en ? t(key as "ratesFrom.ecb") : source}</Td>
              <Td right className={age > WARN_DAYS ? "text-brass-text" : "text-muted-foreground"}>
                {t("ratesDays", { count: age })}
              </Td>
            </Tr>
          );
        })}
      </tbody>
    </Table>
  );
}
