import { useSyncExternalStore } from "react";

export type Language = "de" | "en";

/** How numbers, dates and money are written for the person in front of the screen. */
export interface Locale {
  readonly language: Language;
  /** BCP 47 tag for Intl: German as in Germany, English with British dates. */
  readonly tag: "de-DE" | "en-GB";
  readonly timeZone: string;
  readonly currency: string;
}

export const languageNames: Record<Language, string> = { de: "Deutsch", en: "English" };

export function deviceLanguage(languages: readonly string[] = navigator.languages): Language {
  const known = languages.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag === "de" || tag === "en");
  return known === "de" ? "de" : "en";
}

function deviceTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

const tags = { de: "de-DE", en: "en-GB" } as const;

function makeLocale(language: Language, timeZone: string, currency: string): Locale {
  return { language, tag: tags[language], timeZone, currency };
}

let current: Locale = makeLocale(deviceLanguage(), deviceTimeZone(), "EUR");
const listeners = new Set<() => void>();

export function currentLocale(): Locale {
  return current;
}

/** Takes what the settings say; "system" and an unknown zone fall back to the device. */
export function setLocale(wish: { language?: string; timeZone?: string; currency?: string }): void {
  const language = wish.language === "de" || wish.language === "en" ? wish.language : deviceLanguage();
  const timeZone = wish.timeZone && isTimeZone(wish.timeZone) ? wish.timeZone : deviceTimeZone();
  const currency = wish.currency ?? current.currency;
  if (language === current.language && timeZone === current.timeZone && currency === current.currency) return;
  current = makeLocale(language, timeZone, currency);
  document.documentElement.lang = language;
  for (const listener of listeners) listener();
}

export function onLocaleChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useLocale(): Locale {
  return useSyncExternalStore(onLocaleChange, currentLocale);
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
