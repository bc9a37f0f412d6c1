import type { Schemas } from "../api/client";
import { formatMoney } from "../i18n/format";
import type { Locale } from "../i18n/locale";
import { sayIn } from "../i18n/texts";
import { formatDollars } from "../models/price";
import { costTexts } from "./cost-texts";

type UsageSum = Schemas["UsageSum"];

type Costs = Pick<UsageSum, "cost" | "further_costs" | "unknown_runs" | "own_key_runs" | "own_key_cost">;

/** A sum, and what it does not hold: what nobody knows the price of, and what is owed elsewhere. */
export function costWords(of: Costs, locale: Locale, { receipt = false } = {}): { main: string; notes: string[] } {
  const t = sayIn(costTexts, locale.language);
  const money = ({ nano, currency }: { nano: number; currency: string }) =>
    formatMoney(nano, currency, { receipt }, locale);
  const notes = [
    of.cost && of.unknown_runs > 0 ? t("withoutPrice", { count: of.unknown_runs }) : null,
    of.own_key_cost ? t("ownKeyCost", { amount: formatDollars(of.own_key_cost.nano, locale) }) : null,
  ].filter((note) => note !== null);
  if (!of.cost) return { main: t("unknown"), notes };
  const isFree = of.cost.nano === 0 && notes.length === 0 && of.further_costs.length === 0;
  return { main: isFree ? t("free") : [of.cost, ...of.further_costs].map(money).join(" + "), notes };
}
