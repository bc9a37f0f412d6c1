import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { isProblem } from "@/shared/api/problem";
import { Link, textLinkClass } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { writeDay } from "@/shared/i18n/days";
import { formatMoney, formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { currencyOptions } from "@/shared/i18n/regions";
import { useTexts } from "@/shared/i18n/texts";
import { Switch } from "@/shared/ui/choice";
import { Combobox } from "@/shared/ui/combobox";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { FactRow, Facts } from "@/shared/ui/section";
import { ErrorState, LoadingBars, Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { When } from "@/shared/ui/values";
import { FormFoot, Group } from "../parts";
import { adminTexts } from "../texts";
import { type Billing, type BillingChange, billingQuery, useChangeBilling } from "./api";
import { Books } from "./Books";
import { Grants } from "./Grants";
import { MarkupRules } from "./MarkupRules";
import { readDecimal, writeDecimal } from "./numbers";
import { Rates } from "./Rates";
import { Told } from "./Told";
import { billingTexts } from "./texts";

export function BillingSection() {
  const t = useTexts(billingTexts);
  const billing = useQuery(billingQuery);
  return (
    <Screen title={t("billing")} subtitle={t("billingLead")} width="form">
      {billing.isPending ? <LoadingBars rows={6} /> : null}
      {billing.isError && !billing.data ? (
        <ErrorState error={billing.error} onRetry={() => void billing.refetch()} />
      ) : null}
      {billing.data ? <Settings billing={billing.data} /> : null}
    </Screen>
  );
}

function Settings({ billing }: { billing: Billing }) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  const change = useChangeBilling();
  const save = (wish: BillingChange, undo: BillingChange, text: string) =>
    change.mutate(wish, { onSuccess: () => toast({ text, undo: () => change.mutateAsync(undo) }) });
  return (
    <>
      <FormProblem error={change.error} className="mb-4" />
      <Group id="billing-on">
        <Switch
          label={t("isOn")}
          help={t("isOnHelp")}
          checked={billing.is_on}
          onChange={(is_on) => save({ is_on }, { is_on: !is_on }, t(is_on ? "turnedOn" : "turnedOff"))}
        />
      </Group>
      <State billing={billing} />
      {billing.is_on || billing.totals.length > 0 ? <Grants currency={billing.currency} /> : null}
      <Group id="billing-currency" lead={t("currencyHelp")}>
        <Combobox
          label={t("currency")}
          options={currencyOptions(locale.language)}
          value={billing.currency}
          onChange={(currency) =>
            save({ currency }, { currency: billing.currency }, t("currencySaved", { name: currency }))
          }
          className="max-w-80"
        />
      </Group>
      <PercentSetting
        id="markup"
        lead={t("markupLead")}
        label={t("markup")}
        help={t("markupHelp")}
        wrong={t("markupWrong")}
        most={1000}
        basisPoints={billing.markup_bp}
        version={billing.version}
        toChange={(markup_bp) => ({ markup_bp })}
      />
      <MarkupRules billing={billing} save={save} />
      <PercentSetting
        id="spread"
        lead={t("spreadLead")}
        label={t("spread")}
        help={t("spreadHelp")}
        wrong={t("spreadWrong")}
        most={20}
        basisPoints={billing.spread_bp}
        version={billing.version}
        toChange={(spread_bp) => ({ spread_bp })}
      />
      <Rates billing={billing} />
      <Group id="price-sources">
        <div className="flex flex-col gap-4">
          <Switch
            label={t("refreshesPrices")}
            help={t("refreshesPricesHelp")}
            checked={billing.refreshes_prices}
            onChange={(isOn) =>
              save({ refreshes_prices: isOn }, { refreshes_prices: !isOn }, t(isOn ? "fetchOn" : "fetchOff"))
            }
          />
          <Switch
            label={t("refreshesRates")}
            help={t("refreshesRatesHelp")}
            checked={billing.refreshes_rates}
            onChange={(isOn) =>
              save({ refreshes_rates: isOn }, { refreshes_rates: !isOn }, t(isOn ? "fetchOn" : "fetchOff"))
            }
          />
        </div>
        <Addresses key={`${billing.prices_url} ${billing.exchange_url}`} billing={billing} />
      </Group>
      <Books billing={billing} />
    </>
  );
}

/** A mirror of one's own, for houses that may not ask the world. */
function Addresses({ billing }: { billing: Billing }) {
  const t = useTexts(billingTexts);
  const a = useTexts(adminTexts);
  const change = useChangeBilling();
  const isStale = isProblem(change.error, "http.stale");
  const initial = { prices: billing.prices_url, rates: billing.exchange_url };
  const wrong = (text: string) => (/^(https?:\/\/\S+)?$/.test(text.trim()) ? undefined : t("addressWrong"));
  const { form, field, isDirty, reset } = useForm({
    initial,
    problem: isStale ? null : change.error,
    serverNames: { prices: "prices_url", rates: "exchange_url" },
    check: ({ prices, rates }) => ({ prices: wrong(prices), rates: wrong(rates) }),
    onSubmit: ({ prices, rates }) =>
      change.mutate(
        { prices_url: prices.trim(), exchange_url: rates.trim(), version: billing.version },
        { onSuccess: () => toast({ text: t("saved") }) },
      ),
  });
  const [prices, rates] = [field("prices"), field("rates")];
  return (
    <form {...form} className="mt-5 flex max-w-[38.5rem] flex-col gap-3">
      {isStale ? (
        <Notice tone="brass">{a("staleHere")}</Notice>
      ) : (
        <FormProblem error={change.error} fields={["prices_url", "exchange_url"]} />
      )}
      <Field label={t("pricesAddress")} help={t("addressHelp")} error={prices.error}>
        <Input {...prices.control} type="url" autoComplete="off" spellCheck={false} />
      </Field>
      <Field label={t("ratesAddress")} error={rates.error}>
        <Input {...rates.control} type="url" autoComplete="off" spellCheck={false} />
      </Field>
      <FormFoot
        isDirty={isDirty}
        busy={change.isPending}
        onDiscard={() => {
          reset(initial);
          change.reset();
        }}
      />
    </form>
  );
}

/** What the machinery of money found when it last looked. */
function State({ billing }: { billing: Billing }) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  const { rates, proof } = billing;
  const [list] = billing.feeds;
  const number = (value: number) => formatNumber(value, {}, locale);
  const rate: Record<typeof rates.state, ReactNode> = {
    fresh: null,
    old: <span className="text-brass-text">{t("rateOld")}</span>,
    too_old: <span className="text-brick-text">{t("rateTooOld")}</span>,
    missing: <span className="text-brick-text">{t("rateMissing")}</span>,
    not_needed: t("rateNotNeeded"),
  };
  return (
    <Group title={t("state")}>
      <Facts>
        <FactRow label={t("rate")}>
          <span className="num">
            {rates.usd !== null && rates.day
              ? t("rateValue", {
                  amount: formatNumber(
                    Number(rates.usd),
                    { style: "currency", currency: billing.currency, maximumFractionDigits: 4 },
                    locale,
                  ),
                  day: writeDay(rates.day, locale),
                })
              : null}{" "}
            {rate[rates.state]}
          </span>
        </FactRow>
        <FactRow label={t("list")}>
          {list ? (
            <span className="num">
              {list.error ? (
                <span className="text-brick-text">{t("listFailed")}</span>
              ) : (
                t("listValue", { seen: number(list.seen), added: number(list.added), held: number(list.held) })
              )}
              <span className="text-muted-foreground">
                , <When at={list.fetched_at} />
              </span>
              <Told reason={list.error} />
            </span>
          ) : (
            t("listNever")
          )}
        </FactRow>
        <FactRow label={t("prices")}>
          <Link to="/admin/prices" className={textLinkClass}>
            {t("waiting", { count: billing.prices_waiting })}
          </Link>
        </FactRow>
        <FactRow label={t("books")}>
          {proof ? (
            <span className="num">
              <Link
                to="/admin/billing"
                hash="books"
                className={proof.is_sound ? textLinkClass : "text-brick-text underline"}
              >
                {proof.is_sound ? t("sound") : t("unsound", { count: proof.findings.length })}
              </Link>
              <span className="text-muted-foreground">
                , <When at={proof.at} />
              </span>
            </span>
          ) : (
            t("neverProved")
          )}
        </FactRow>
        {billing.totals.map((total) => (
          <FactRow key={total.currency} label={t("accounts")}>
            <span className="num">
              {t("accountsValue", {
                count: total.wallets,
                amount: formatMoney(total.purchased + total.granted - total.debt, total.currency, {}, locale),
              })}
            </span>
          </FactRow>
        ))}
      </Facts>
    </Group>
  );
}

function PercentSetting({
  id,
  lead,
  label,
  help,
  wrong,
  most,
  basisPoints,
  version,
  toChange,
}: {
  id: string;
  lead: string;
  label: string;
  help: string;
  wrong: string;
  most: number;
  basisPoints: number;
  version: number;
  toChange: (basisPoints: number) => BillingChange;
}) {
  return (
    <Group id={id} lead={lead}>
      <PercentForm key={basisPoints} {...{ label, help, wrong, most, basisPoints, version, toChange }} />
    </Group>
  );
}

function PercentForm({
  label,
  help,
  wrong,
  most,
  basisPoints,
  version,
  toChange,
}: {
  label: string;
  help: string;
  wrong: string;
  most: number;
  basisPoints: number;
  version: number;
  toChange: (basisPoints: number) => BillingChange;
}) {
  const t = useTexts(billingTexts);
  const a = useTexts(adminTexts);
  const locale = useLocale();
  const change = useChangeBilling();
  const isStale = isProblem(change.error, "http.stale");
  const initial = { percent: writeDecimal(basisPoints / 100, locale) };
  const { form, field, isDirty, reset } = useForm({
    initial,
    check: ({ percent }) => {
      const value = readDecimal(percent);
      return { percent: value !== null && value <= most ? undefined : wrong };
    },
    onSubmit: ({ percent }) =>
      change.mutate(
        { ...toChange(Math.round((readDecimal(percent) ?? 0) * 100)), version },
        { onSuccess: () => toast({ text: t("saved") }) },
      ),
  });
  const percent = field("percent");
  return (
    <form {...form} className="flex max-w-[38.5rem] flex-col gap-3">
      {isStale ? <Notice tone="brass">{a("staleHere")}</Notice> : <FormProblem error={change.error} />}
      <Field label={label} help={help} error={percent.error}>
        <Input
          {...percent.control}
          inputMode="decimal"
          autoComplete="off"
          suffix={<span className="pr-1.5">%</span>}
          className="num !w-40"
        />
      </Field>
      <FormFoot
        isDirty={isDirty}
        busy={change.isPending}
        onDiscard={() => {
          reset(initial);
          change.reset();
        }}
      />
    </form>
  );
}
