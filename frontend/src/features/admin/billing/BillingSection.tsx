import { useQuery } from "@tanstack/react-query";
import { Plus, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { Link, textLinkClass } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { writeDay } from "@/shared/i18n/days";
import { formatMoney, formatNumber, formatPercent } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { currencyOptions } from "@/shared/i18n/regions";
import { useTexts } from "@/shared/i18n/texts";
import { Button, IconButton } from "@/shared/ui/button";
import { Switch } from "@/shared/ui/choice";
import { Combobox } from "@/shared/ui/combobox";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { FactRow, Facts } from "@/shared/ui/section";
import { Select } from "@/shared/ui/select";
import { ErrorState, LoadingBars, Notice } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { When } from "@/shared/ui/values";
import { FormFoot, Group, roleText } from "../parts";
import { providersQuery } from "../providers/api";
import { adminTexts } from "../texts";
import { type Role, roles } from "../users/api";
import { type Billing, type BillingChange, billingQuery, useChangeBilling, useFetchRates, useTypeRates } from "./api";
import { plainDecimal, readDecimal, writeDecimal } from "./numbers";
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
      <Special billing={billing} save={save} />
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
      </Group>
    </>
  );
}

/** Where the rate that everything is charged by comes from, and the way out where it does not come by itself. */
function Rates({ billing }: { billing: Billing }) {
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
            {t("ratesRefusing")} {rates.error ? t("ratesUnreachable", { reason: rates.error }) : null}{" "}
            {t(billing.refreshes_rates ? "ratesWayOut" : "ratesByHand")}
          </Notice>
        ) : null}
        {!isRefusing && rates.error ? (
          <p className="text-muted-foreground">{t("ratesUnreachable", { reason: rates.error })}</p>
        ) : null}
        {rates.fetched_at ? (
          <p className="text-muted-foreground">
            {t("ratesAskedLast")} <When at={rates.fetched_at} />
          </p>
        ) : null}
        {rates.state === "not_needed" ? null : (
          <RateForm key={`${rates.day}-${rates.usd}`} currency={billing.currency} />
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
                <span className="text-brick-text">{list.error}</span>
              ) : (
                t("listValue", { seen: number(list.seen), added: number(list.added), held: number(list.held) })
              )}
              <span className="text-muted-foreground">
                , <When at={list.fetched_at} />
              </span>
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
              {proof.is_sound ? (
                t("sound")
              ) : (
                <span className="text-brick-text">{t("unsound", { count: proof.findings.length })}</span>
              )}
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

type Markup = Billing["markups"][number];

function Special({
  billing,
  save,
}: {
  billing: Billing;
  save: (wish: BillingChange, undo: BillingChange, text: string) => void;
}) {
  const t = useTexts(billingTexts);
  const a = useTexts(adminTexts);
  const locale = useLocale();
  const [isAdding, setAdding] = useState(false);
  const { markups } = billing;
  const name = (of: Markup) =>
    [of.provider, of.model, of.role ? roleText(a, of.role) : null].filter(Boolean).join(", ") || "–";
  return (
    <Group
      id="markups"
      lead={t("specialLead")}
      actions={
        <Button icon={Plus} onClick={() => setAdding(true)}>
          {t("specialAdd")}
        </Button>
      }
    >
      {markups.length === 0 ? (
        <p className="text-muted-foreground">{t("specialNone")}</p>
      ) : (
        <Table caption={t("special")}>
          <TableHead>
            <Th>{t("provider")}</Th>
            <Th>{t("model")}</Th>
            <Th>{t("role")}</Th>
            <Th right>{t("percent")}</Th>
            <Th>
              <span className="sr-only">{t("cancel")}</span>
            </Th>
          </TableHead>
          <tbody>
            {markups.map((markup, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the order is what tells two alike apart
              <Tr key={index}>
                <Td>{markup.provider ?? "–"}</Td>
                <Td>{markup.model ?? "–"}</Td>
                <Td>{markup.role ? roleText(a, markup.role) : "–"}</Td>
                <Td right>{formatPercent(markup.basis_points / 10_000, 2, locale)}</Td>
                <Td right>
                  <IconButton
                    icon={Trash2}
                    size="sm"
                    label={t("specialRemove", { name: name(markup) })}
                    onClick={() =>
                      save(
                        { markups: markups.filter((_, at) => at !== index) },
                        { markups },
                        t("specialRemoved", { name: name(markup) }),
                      )
                    }
                  />
                </Td>
              </Tr>
            ))}
          </tbody>
        </Table>
      )}
      {isAdding ? (
        <SpecialDialog
          onClose={() => setAdding(false)}
          onSave={(markup) => {
            save({ markups: [...markups, markup] }, { markups }, t("specialSaved", { name: name(markup) }));
            setAdding(false);
          }}
        />
      ) : null}
    </Group>
  );
}

function SpecialDialog({ onClose, onSave }: { onClose: () => void; onSave: (markup: Markup) => void }) {
  const t = useTexts(billingTexts);
  const a = useTexts(adminTexts);
  const { data } = useQuery(providersQuery);
  const [provider, setProvider] = useState("");
  const [role, setRole] = useState<Role | "">("");
  const { form, field } = useForm({
    initial: { model: "", percent: "" },
    check: ({ model, percent }) => {
      const value = readDecimal(percent);
      return {
        model: model.trim() || provider || role ? undefined : t("specialMissing"),
        percent: value !== null && value <= 1000 ? undefined : t("markupWrong"),
      };
    },
    onSubmit: ({ model, percent }) =>
      onSave({
        provider: provider || null,
        model: model.trim() || null,
        role: role || null,
        basis_points: Math.round((readDecimal(percent) ?? 0) * 100),
      }),
  });
  const [model, percent] = [field("model"), field("percent")];
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("specialTitle")}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="markup" variant="primary">
            {t("save")}
          </Button>
        </>
      }
    >
      <form {...form} id="markup" className="grid gap-4 sm:grid-cols-2">
        <Field label={t("provider")}>
          <Select
            options={[
              { value: "", label: "–" },
              ...(data?.kinds.map(({ kind, label }) => ({ value: kind, label })) ?? []),
            ]}
            value={provider}
            onChange={setProvider}
          />
        </Field>
        <Field label={t("modelName")} optional error={model.error}>
          <Input {...model.control} autoComplete="off" spellCheck={false} />
        </Field>
        <Field label={t("role")}>
          <Select<Role | "">
            options={[
              { value: "", label: t("everyRole") },
              ...roles.map((each) => ({ value: each, label: roleText(a, each) })),
            ]}
            value={role}
            onChange={setRole}
          />
        </Field>
        <Field label={t("markup")} error={percent.error}>
          <Input
            {...percent.control}
            inputMode="decimal"
            autoComplete="off"
            suffix={<span className="pr-1.5">%</span>}
            className="num"
          />
        </Field>
      </form>
    </Dialog>
  );
}
