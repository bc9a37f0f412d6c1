import type { ReactNode } from "react";
import { formatNumber, formatPercent, formatTableDate } from "../i18n/format";
import { useLocale } from "../i18n/locale";
import { type Say, useTexts } from "../i18n/texts";
import { formatAmount, formatDollars, formatRate, toNano } from "../models/price";
import { Logo, PRODUCT_NAME } from "../ui/logo";
import type { Receipt, ReceiptLine } from "./api";
import { receiptTexts } from "./texts";

const teeth = "5px";
const edge = `calc(2 * ${teeth}) 51% repeat-x`;
const torn = `conic-gradient(from -45deg at bottom, #0000, #000 1deg 89deg, #0000 90deg) bottom / ${edge}, conic-gradient(from 135deg at top, #0000, #000 1deg 89deg, #0000 90deg) top / ${edge}`;

/** One answer on paper, as wide as a till prints. Paper stays paper in the dark. */
export function ReceiptSlip({ receipt }: { receipt: Receipt }) {
  const t = useTexts(receiptTexts);
  const locale = useLocale();
  const { currency } = receipt;
  const money = (amount: string) => formatAmount(amount, currency, { receipt: true }, locale);
  const day = (at: string) => formatTableDate(at.length === 10 ? `${at}T12:00:00Z` : at, locale);
  return (
    <article
      aria-label={t("number", { number: receipt.number })}
      className="receipt [filter:drop-shadow(0_0_.6px_var(--shade-4))_drop-shadow(0_10px_18px_var(--shade-3))]"
    >
      <div
        className="bg-paper px-6 pt-[1.625rem] pb-[1.875rem] font-mono text-[0.71875rem] leading-[1.125rem] tabular-nums text-paper-ink [word-spacing:-.1em]"
        style={{ mask: torn }}
      >
        <div className="mb-1.5 flex justify-center">
          <Logo size={22} className="text-current" />
        </div>
        <div className="text-center font-semibold tracking-[.02em]">{PRODUCT_NAME}</div>
        <div className="text-center text-paper-ink/75">{t("number", { number: receipt.number })}</div>
        <Dashes />
        <Line label={day(receipt.at)}>{timeWithSeconds(receipt.at, locale)}</Line>
        <Line label={receipt.model_label}>
          {`${formatNumber(receipt.seconds, { maximumFractionDigits: 1, minimumFractionDigits: 1 }, locale)}\u00a0s`}
        </Line>
        <div className="truncate text-paper-ink/75">{receipt.provider_label}</div>
        {receipt.title ? <div className="truncate">{receipt.title}</div> : null}
        <Dashes />
        {receipt.lines.map((line) => (
          <Position key={line.class} line={line} receipt={receipt} money={money} />
        ))}
        {receipt.lines.length > 0 ? <Dashes /> : null}
        <Sum receipt={receipt} money={money} />
        {Number(receipt.hold) > 0 ? (
          <div className="mt-2">
            <Line label={t("hold")}>{money(receipt.hold)}</Line>
            <Line label={t("released")}>{money(receipt.released)}</Line>
          </div>
        ) : null}
        {receipt.given_back === null ? null : <Line label={t("givenBack")}>{money(receipt.given_back)}</Line>}
        <Foot receipt={receipt} day={day} />
      </div>
    </article>
  );
}

type Write = (amount: string) => string;

function Position({ line, receipt, money }: { line: ReceiptLine; receipt: Receipt; money: Write }) {
  const t = useTexts(receiptTexts);
  const locale = useLocale();
  const { currency } = receipt;
  const key = `class.${line.class}`;
  const name = key in receiptTexts.en ? t(key as "class.input") : line.class;
  const hasRate = line.rate_in_currency !== null && line.tokens > 0 && !receipt.is_free;
  return (
    <>
      <Line label={name}>{receipt.is_free || line.amount === null ? "" : money(line.amount)}</Line>
      <div className="flex gap-2 text-paper-ink/75">
        <span className="min-w-0 grow truncate">
          {hasRate
            ? t("perMillion", {
                tokens: formatNumber(line.tokens, {}, locale),
                rate: formatRate(line.rate_in_currency ?? "0", currency, locale, 3),
              })
            : line.tokens > 0
              ? t("tokens", { count: line.tokens })
              : null}
        </span>
        {hasRate && currency !== "USD" ? (
          // As the provider asks for it: what a dollar was, and what is added, stands below.
          <span className="whitespace-nowrap">{formatRate(line.rate_per_million ?? "0", "USD", locale, 3)}</span>
        ) : null}
      </div>
    </>
  );
}

/** From the provider's price to what is owed, one step after another, and only the steps that there are. */
function Sum({ receipt, money }: { receipt: Receipt; money: Write }) {
  const t = useTexts(receiptTexts);
  const locale = useLocale();
  if (receipt.is_free)
    return (
      <Line label={t("sum")} strong>
        {t("free")}
      </Line>
    );
  if (receipt.sum === null || receipt.spent === null)
    return (
      <Line label={t("sum")} strong>
        {t("unknown")}
      </Line>
    );
  const hasMarkup = Number(receipt.markup_percent) !== 0;
  const isForeign = receipt.fx !== null && receipt.currency !== "USD";
  return (
    <>
      {isForeign || hasMarkup ? (
        <Line label={t("providerPrice")}>{formatDollars(toNano(receipt.provider_usd ?? "0"), locale, 6)}</Line>
      ) : null}
      {isForeign && hasMarkup ? <Line label={t("exchanged")}>{money(receipt.provider_cost ?? "0")}</Line> : null}
      {hasMarkup ? (
        <Line label={t("surcharge", { percent: formatPercent(Number(receipt.markup_percent) / 100, 2, locale) })}>
          {money(receipt.markup)}
        </Line>
      ) : null}
      {receipt.is_own_key ? (
        <>
          <Line label={t("atProvider")} strong>
            {money(receipt.spent)}
          </Line>
          <Line label={t("chargedHere")}>{t("nothing")}</Line>
        </>
      ) : (
        <Line label={t("sum")} strong>
          {money(receipt.sum)}
        </Line>
      )}
    </>
  );
}

function Foot({ receipt, day }: { receipt: Receipt; day: (at: string) => string }) {
  const t = useTexts(receiptTexts);
  const locale = useLocale();
  const { fx, price_version: version, currency } = receipt;
  const isPriced = !receipt.is_free && receipt.sum !== null;
  const percent = (text: string) => formatPercent(Number(text) / 100, 2, locale);
  const small = [
    version && isPriced ? priceList(version.source, day(version.valid_from), t) : null,
    fx && currency !== "USD" && isPriced
      ? t("rateOf", {
          amount: formatNumber(
            Number(fx.reference),
            { style: "currency", currency, minimumFractionDigits: 4, maximumFractionDigits: 4 },
            locale,
          ),
          date: fx.day ? day(fx.day) : "–",
        })
      : null,
    fx && Number(fx.spread_percent) !== 0 && isPriced ? t("spread", { percent: percent(fx.spread_percent) }) : null,
    receipt.is_told_by_provider && isPriced ? t("toldPrice") : null,
    receipt.is_own_key && isPriced ? t("ownKey") : null,
    t(`settled.${receipt.settled_as}`),
    receipt.is_estimated && receipt.settled_as === "reported" ? t("priceEstimated") : null,
  ].filter(Boolean);
  return (
    <>
      <Dashes />
      {receipt.balance_after === null ? null : (
        <Line label={t("balance")} strong>
          {formatAmount(receipt.balance_after, currency, {}, locale)}
        </Line>
      )}
      {small.map((text) => (
        <div key={text} className="text-paper-ink/75">
          {text}
        </div>
      ))}
    </>
  );
}

function priceList(source: string, date: string, t: Say<(typeof receiptTexts)["en"]>): string {
  if (source === "bundled") return t("bundledPrices");
  return source === "admin" ? t("pricesSince", { date }) : t("prices", { date });
}

function Line({ label, strong = false, children }: { label: ReactNode; strong?: boolean; children: ReactNode }) {
  return (
    <div className={strong ? "flex gap-2 font-semibold" : "flex gap-2"}>
      <span className="min-w-0 grow truncate">{label}</span>
      <span className="whitespace-nowrap">{children}</span>
    </div>
  );
}

function Dashes() {
  return <div aria-hidden="true" className="my-[0.6875rem] border-t border-dashed border-paper-ink/45" />;
}

function timeWithSeconds(at: string, locale: { tag: string; timeZone: string }): string {
  return new Date(at).toLocaleTimeString(locale.tag, {
    timeZone: locale.timeZone,
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
}
