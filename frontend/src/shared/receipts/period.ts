import { addDays, addMonths, type Day, sayDay } from "../i18n/days";
import { currentLocale, type Locale } from "../i18n/locale";

/** Whole days, both ends included, in the person's own zone. */
export interface Period {
  readonly since: Day;
  readonly until: Day;
}

export const spans = ["month", "last", "30", "90"] as const;
export type Span = (typeof spans)[number];

export function isSpan(text: string | undefined): text is Span {
  return spans.some((span) => span === text);
}

const firstOfMonth = (day: Day) => `${day.slice(0, 8)}01`;

export function periodOf(span: Span, today: Day): Period {
  switch (span) {
    case "month":
      return { since: firstOfMonth(today), until: today };
    case "last": {
      const first = firstOfMonth(addMonths(firstOfMonth(today), -1));
      return { since: first, until: addDays(firstOfMonth(today), -1) };
    }
    case "30":
    case "90":
      return { since: addDays(today, 1 - Number(span)), until: today };
  }
}

/** As far back as the server looks. */
export function everything(today: Day): Period {
  return { since: addDays(today, -3650), until: today };
}

/** Every day of the period, also those on which nothing happened. */
export function everyDay<Of extends { key: string; cost: { nano: number } | null }>(
  period: Period,
  days: readonly Of[],
): { day: Day; nano: number; of: Of | null }[] {
  const known = new Map(days.map((entry) => [entry.key.slice(0, 10), entry]));
  const all: { day: Day; nano: number; of: Of | null }[] = [];
  for (let day = period.since; day <= period.until; day = addDays(day, 1)) {
    const of = known.get(day) ?? null;
    all.push({ day, nano: of?.cost?.nano ?? 0, of });
  }
  return all;
}

export function monthName(day: Day, locale: Locale = currentLocale()): string {
  return sayDay(day, { month: "long" }, locale);
}
