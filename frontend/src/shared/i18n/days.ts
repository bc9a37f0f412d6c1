import { formatTableDate } from "./format";
import { currentLocale } from "./locale";

/** A calendar day without a time, as ISO writes it: "2026-11-20". */
export type Day = string;

const DAY_MS = 86_400_000;
const stamp = (day: Day) => Date.parse(`${day}T00:00:00Z`);
const dayOf = (moment: number) => new Date(moment).toISOString().slice(0, 10);

export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(stamp(text)) && dayOf(stamp(text)) === text;
}

/** As people write days here, "20.11.2026" or "20/11/26", or as ISO does. Null for what is no day. */
export function readDay(text: string): Day | null {
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text.trim());
  const written = /^(\d{1,2})[./ -]\s*(\d{1,2})[./ -]\s*(\d{4}|\d{2})$/.exec(text.trim());
  const [, year, month, date] = iso ?? (written ? [null, written[3], written[2], written[1]] : []);
  if (!year || !month || !date) return null;
  const day = `${year.padStart(4, "20")}-${month.padStart(2, "0")}-${date.padStart(2, "0")}`;
  return isDay(day) ? day : null;
}

const inUtc = (locale = currentLocale()) => ({ ...locale, timeZone: "UTC" });

/** "20.11.2026" / "20/11/2026" */
export function writeDay(day: Day, locale = currentLocale()): string {
  return formatTableDate(stamp(day), inUtc(locale));
}

/** In words, or in the parts that are asked for. */
export function sayDay(day: Day, options: Intl.DateTimeFormatOptions, locale = currentLocale()): string {
  return new Intl.DateTimeFormat(locale.tag, { ...options, timeZone: "UTC" }).format(stamp(day));
}

export function today(timeZone = currentLocale().timeZone): Day {
  return new Intl.DateTimeFormat("en-CA", { timeZone }).format(Date.now());
}

export function addDays(day: Day, days: number): Day {
  return dayOf(stamp(day) + days * DAY_MS);
}

/** The same day of another month, or its last one: a month after the 31st of January is the 28th or 29th of February. */
export function addMonths(day: Day, months: number): Day {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
  return dayOf(Date.UTC(year, month - 1 + months, Math.min(date, last)));
}

/** Monday is 0, as weeks begin here in both languages. */
export function weekday(day: Day): number {
  return (new Date(stamp(day)).getUTCDay() + 6) % 7;
}

/** The weeks that a month touches, Monday to Sunday. */
export function weeksOf(day: Day): Day[][] {
  const first = `${day.slice(0, 8)}01`;
  const after = addMonths(first, 1);
  const weeks: Day[][] = [];
  for (let monday = addDays(first, -weekday(first)); monday < after; monday = addDays(monday, 7)) {
    weeks.push(Array.from({ length: 7 }, (_, index) => addDays(monday, index)));
  }
  return weeks;
}
