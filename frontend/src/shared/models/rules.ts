import type { Say } from "../i18n/texts";
import type { modelsTexts } from "./texts";

/** Rules that are always there have names in words; those of the house are called as the house calls them. */
export const builtInRules = ["auto", "cheapest", "local"] as const;

export function ruleName(name: string, t: Say<(typeof modelsTexts)["en"]>): string {
  const known = builtInRules.find((rule) => rule === name);
  return known ? t(`rule.${known}`) : name;
}
