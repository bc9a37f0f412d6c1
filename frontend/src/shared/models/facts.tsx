import { Check, House, Minus } from "lucide-react";
import type { ReactNode } from "react";
import { formatList, formatMoney, formatNumber } from "../i18n/format";
import type { Locale } from "../i18n/locale";
import type { Say } from "../i18n/texts";
import { Icon } from "../ui/icons";
import type { ModelInfo } from "./api";
import type { Fit } from "./fit";
import { formatRate } from "./price";
import { modelsTexts } from "./texts";

export type T = Say<(typeof modelsTexts)["en"]>;

/** A model and what the next answer would be for it; without a fit nothing is being written. */
export interface Row {
  readonly model: ModelInfo;
  readonly fit: Fit | null;
}

export const money = (nano: number, currency: string, locale: Locale) =>
  formatMoney(nano, currency, { rounding: "up" }, locale);

/** The upper price of the next answer in words, or of a million tokens where nothing is being written. */
export function priceText({ model, fit }: Row, t: T, locale: Locale): string {
  const { price } = model;
  if (fit) {
    if (fit.nano === null || fit.currency === null) return t("unknown");
    return fit.nano === 0 ? t("free") : t("upTo", { amount: money(fit.nano, fit.currency, locale) });
  }
  if (price?.is_free) return t("free");
  return price?.input ? formatRate(price.input, price.currency, locale) : t("unknown");
}

export function readsText(kind: string, t: T): string {
  return `reads.${kind}` in modelsTexts.en ? t(`reads.${kind}` as "reads.text") : kind;
}

export function missingText(kind: string, t: T): string {
  return `missing.${kind}` in modelsTexts.en ? t(`missing.${kind}` as "missing.image") : t("missing.other", { kind });
}

export type FactName = "provider" | "window" | "longest" | "reads" | "tools" | "input" | "cached" | "output";

/** What is known of a model, in words; null where there is nothing to say. */
export function factOf(name: FactName, model: ModelInfo, t: T, locale: Locale): ReactNode {
  const tokens = (count: number | null) =>
    count === null ? null : t("windowValue", { count: formatNumber(count, {}, locale) });
  switch (name) {
    case "provider":
      return model.provider.label;
    case "window":
      return tokens(model.context_total);
    case "longest":
      return tokens(model.max_output);
    case "reads":
      return formatList(
        model.takes.map((kind) => readsText(kind, t)),
        locale,
      );
    case "tools":
      return model.features && t(model.features.includes("tools") ? "yes" : "no");
    case "input":
    case "cached":
    case "output": {
      const rate = rateOf(name, model, t, locale);
      return rate && model.price && !model.price.is_free ? t("perMillionShort", { amount: rate }) : rate;
    }
  }
}

/** What a million tokens cost. That a model is free, or that nobody knows, is said once: where its input stands. */
export function rateOf(name: "input" | "cached" | "output", { price }: ModelInfo, t: T, locale: Locale): string | null {
  if (!price || price.is_free) return name === "input" ? t(price ? "free" : "unknown") : null;
  const amount = price[name];
  return amount ? formatRate(amount, price.currency, locale) : null;
}

/** A state in a table: a mark and a word for it. */
export function YesNo({ is, word }: { is: boolean; word: string }) {
  return (
    <Icon
      icon={is ? Check : Minus}
      size={14}
      strokeWidth={2}
      aria-label={word}
      className={is ? "text-primary-text" : "text-faint"}
    />
  );
}

export function LocalMark({ t }: { t: T }) {
  return <Icon icon={House} size={13} aria-label={t("local")} className="text-muted-foreground" />;
}
