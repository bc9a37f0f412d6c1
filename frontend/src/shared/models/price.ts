import { formatMoney, formatNumber } from "../i18n/format";
import { currentLocale, type Locale } from "../i18n/locale";
import type { ModelPrice } from "./api";

const MILLION = 1_000_000;

/** Decimal text of a currency as whole nano-units. */
export function toNano(amount: string): number {
  return Math.round(Number(amount) * 1e9);
}

/** The most that so many tokens can cost, rounded up. Null where no price is known. */
export function upperCost(price: ModelPrice | null, tokens: { input: number; output: number }): number | null {
  if (!price) return null;
  if (price.is_free) return 0;
  if (price.input == null || price.output == null) return null;
  // Whoever writes to a cache pays more for it than for plain input; the upper bound takes the dearest.
  const input = Math.max(toNano(price.input), price.cache_write == null ? 0 : toNano(price.cache_write));
  return Math.ceil((tokens.input * input + tokens.output * toNano(price.output)) / MILLION);
}

/** A price per million tokens: small ones need more digits than an amount has. */
export function formatRate(amount: string, currency: string, locale: Locale = currentLocale(), least = 2): string {
  const value = Number(amount);
  const digits = value !== 0 && Math.abs(value) < 0.1 ? 4 : Math.max(3, least);
  return formatNumber(
    value,
    {
      style: "currency",
      currency,
      currencyDisplay: "narrowSymbol",
      minimumFractionDigits: least,
      maximumFractionDigits: digits,
    },
    locale,
  );
}

/** An amount that came as text. */
export function formatAmount(
  amount: string,
  currency: string,
  options: Parameters<typeof formatMoney>[2] = {},
  locale: Locale = currentLocale(),
): string {
  return formatMoney(toNano(amount), currency, options, locale);
}

/** US dollars out of nano, never in cents: those would read like cents of the person's own currency. */
export function formatDollars(nano: number, locale: Locale = currentLocale(), most = 4): string {
  return formatNumber(
    nano / 1e9,
    {
      style: "currency",
      currency: "USD",
      currencyDisplay: "narrowSymbol",
      minimumFractionDigits: 2,
      maximumFractionDigits: most,
    },
    locale,
  );
}

/** Two letters like an element: "Claude Sonnet" is Cl, "GPT-5 mini" is Gp. */
export function tileCode(label: string): string {
  const [first = "?", second = ""] = label.match(/\p{L}/gu) ?? [];
  return first.toUpperCase() + second.toLowerCase();
}
