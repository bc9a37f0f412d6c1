import type { ReactNode } from "react";
import { formatNumber, formatPercent, formatTableDate } from "../i18n/format";
import { useLocale } from "../i18n/locale";
import { useTexts } from "../i18n/texts";
import { formatAmount, formatRate } from "../models/price";
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
        <Line label={receipt.model}>
          {receipt.seconds === null
            ? ""
            : `${formatNumber(receipt.seconds, { maximumFractionDigits: 1, minimumFractionDigits: 1 }, locale)}\u00a0s`}
        </Line>
        <div className="truncate text-paper-ink/75">{receipt.provider}</div>
        {receipt.title ? <div className="truncate">{receipt.title}</div> : null}
        <Dashes />
        {receipt.lines.map((line) => (
          <Position key={line.class} line={line} receipt={receipt} money={money} />
        ))}
        <Dashes />
        <Line label={t("sum")} strong>
          {receipt.is_free ? t("free") : receipt.sum === null ? t("unknown") : money(receipt.sum)}
        </Line>
        {Number(receipt.hold) > 0 ? (
          <div className="mt-2">
            <Line label={t("hold")}>{money(receipt.hold)}</Line>
            <Line label={t("released")}>{money(receipt.released)}</Line>
          </div>
        ) : null}
        <Foot receipt={receipt} day={day} />
      </div>
    </article>
  );
}

function Position({
  line,
  receipt,
  money,
}: {
  line: ReceiptLine;
  receipt: Receipt;
  money: (amount: string) => string;
}) {
  const t = useTexts(receiptTexts);
  const locale = useLocale();
  const key = `class.${line.class}`;
  const name = key in receiptTexts.en ? t(key as "class.input") : line.class;
  return (
    <>
      <Line label={name}>{receipt.is_free || line.amount === null ? "" : money(line.amount)}</Line>
      <div className="text-paper-ink/75">
        {line.rate_per_million === null || receipt.is_free
          ? t("tokens", { count: line.tokens })
          : t("perMillion", {
              tokens: formatNumber(line.tokens, {}, locale),
              // As the provider asks for it; what a dollar was, and what is added, stands below.
              rate: formatRate(line.rate_per_million, "USD", locale, 3),
            })}
      </div>
    </>
  );
}

function Foot({ receipt, day }: { receipt: Receipt; day: (at: string) => string }) {
  const t = useTexts(receiptTexts);
  const locale = useLocale();
  const { fx, price_version: version, currency, markup_percent: markup } = receipt;
  const small = [
    version && !receipt.is_free
      ? version.source === "bundled"
        ? t("bundledPrices")
        : t("prices", { date: day(version.valid_from) })
      : null,
    fx && currency !== "USD" && !receipt.is_free
      ? t("rateOf", {
          amount: formatNumber(Number(fx.rate), { style: "currency", currency, minimumFractionDigits: 4 }, locale),
          date: fx.day ? day(fx.day) : "–",
        })
      : null,
    Number(markup) !== 0 && !receipt.is_free
      ? t("markup", { percent: formatPercent(Number(markup) / 100, 2, locale) })
      : null,
    receipt.is_estimated ? t("estimated") : null,
  ].filter(Boolean);
  if (receipt.balance_after === null && small.length === 0) return null;
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
