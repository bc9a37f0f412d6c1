import { currentLocale, type Locale } from "./locale";

const NO_BREAK = "\u00a0";
const dateFormats = new Map<string, Intl.DateTimeFormat>();
const numberFormats = new Map<string, Intl.NumberFormat>();

// Intl objects cost about a millisecond each to build; a table of dates would feel it.
function dateFormat(locale: Locale, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale.tag} ${locale.timeZone} ${JSON.stringify(options)}`;
  const known = dateFormats.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat(locale.tag, { timeZone: locale.timeZone, ...options });
  dateFormats.set(key, made);
  return made;
}

function numberFormat(locale: Locale, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${locale.tag} ${JSON.stringify(options)}`;
  const known = numberFormats.get(key);
  if (known) return known;
  const made = new Intl.NumberFormat(locale.tag, options);
  numberFormats.set(key, made);
  return made;
}

type Moment = string | number | Date;
const asDate = (moment: Moment) => (moment instanceof Date ? moment : new Date(moment));

function isSameDay(a: Date, b: Date, locale: Locale): boolean {
  const day = dateFormat(locale, { year: "numeric", month: "2-digit", day: "2-digit" });
  return day.format(a) === day.format(b);
}

const words = {
  de: {
    now: "gerade eben",
    minutesAgo: (n: string) => `vor ${n} Min.`,
    inMinutes: (n: string) => `in ${n} Min.`,
    today: "heute",
    yesterday: "gestern",
    tomorrow: "morgen",
    below: "unter",
    free: "kostenlos",
  },
  en: {
    now: "just now",
    minutesAgo: (n: string) => `${n} min ago`,
    inMinutes: (n: string) => `in ${n} min`,
    today: "today",
    yesterday: "yesterday",
    tomorrow: "tomorrow",
    below: "under",
    free: "free",
  },
} as const;

export function formatTime(moment: Moment, locale = currentLocale()): string {
  return dateFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(asDate(moment));
}

/** "20. Nov. 2026" / "20 Nov 2026" */
export function formatDate(moment: Moment, locale = currentLocale()): string {
  return dateFormat(locale, { day: "numeric", month: "short", year: "numeric" }).format(asDate(moment));
}

/** "20.11.2026" / "20/11/2026", for columns */
export function formatTableDate(moment: Moment, locale = currentLocale()): string {
  return dateFormat(locale, { day: "2-digit", month: "2-digit", year: "numeric" }).format(asDate(moment));
}

/** "20. Nov. 2026, 14:32" / "20 Nov 2026, 14:32" */
export function formatDateTime(moment: Moment, locale = currentLocale()): string {
  return `${formatDate(moment, locale)}, ${formatTime(moment, locale)}`;
}

/** Under an hour in minutes, today and yesterday in words, then the date; the year only when it is another one. */
export function formatWhen(moment: Moment, now: Moment = Date.now(), locale = currentLocale()): string {
  const date = asDate(moment);
  const reference = asDate(now);
  const minutes = Math.round((reference.getTime() - date.getTime()) / 60_000);
  const say = words[locale.language];
  if (minutes === 0) return say.now;
  if (minutes > 0 && minutes < 60) return say.minutesAgo(`${minutes}`).replaceAll(" ", NO_BREAK);
  if (minutes < 0 && minutes > -60) return say.inMinutes(`${-minutes}`).replaceAll(" ", NO_BREAK);
  if (isSameDay(date, reference, locale)) return `${say.today}, ${formatTime(date, locale)}`;
  if (isSameDay(date, new Date(reference.getTime() - 86_400_000), locale)) return say.yesterday;
  if (isSameDay(date, new Date(reference.getTime() + 86_400_000), locale)) {
    return `${say.tomorrow}, ${formatTime(date, locale)}`;
  }
  const year = dateFormat(locale, { year: "numeric" });
  if (year.format(date) !== year.format(reference)) return formatDate(date, locale);
  return dateFormat(locale, { day: "numeric", month: "short" }).format(date);
}

export function formatNumber(value: number, options: Intl.NumberFormatOptions = {}, locale = currentLocale()): string {
  return numberFormat(locale, options).format(value);
}

/** 94 % in German, 94% in English; Intl knows the difference. */
export function formatPercent(share: number, digits = 0, locale = currentLocale()): string {
  return numberFormat(locale, { style: "percent", maximumFractionDigits: digits }).format(share);
}

const units = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

export function formatBytes(bytes: number, locale = currentLocale()): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  // One decimal below ten, none from there: 6.1 GB, 48 GB.
  const digits = unit > 0 && Math.abs(value) < 9.95 ? 1 : 0;
  return `${numberFormat(locale, { maximumFractionDigits: digits }).format(value)}${NO_BREAK}${units[unit]}`;
}

const lengths = {
  de: { second: "s", minute: "Min.", hour: "Std.", day: ["Tag", "Tage"] },
  en: { second: "s", minute: "min", hour: "h", day: ["day", "days"] },
} as const;

/** The two largest parts at most: "40 s", "3 min 40 s", "2 h 5 min", "6 days". */
export function formatDuration(seconds: number, locale = currentLocale()): string {
  const say = lengths[locale.language];
  const whole = Math.max(0, Math.round(seconds));
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor((whole % 86_400) / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (days > 0) return `${days}${NO_BREAK}${days === 1 ? say.day[0] : say.day[1]}`;
  if (hours > 0) return `${hours}${NO_BREAK}${say.hour}${minutes ? ` ${minutes}${NO_BREAK}${say.minute}` : ""}`;
  if (minutes > 0) return `${minutes}${NO_BREAK}${say.minute}${whole % 60 ? ` ${whole % 60}${NO_BREAK}s` : ""}`;
  return `${whole}${NO_BREAK}${say.second}`;
}

export type Rounding = "up" | "half";

/**
 * Money is whole nano-units (10⁻⁹). Under one unit of a currency with cents it reads in ct with one decimal,
 * receipts with four. Estimates round up, charges half up: the caller says which.
 */
export function formatMoney(
  nano: number,
  currency: string,
  { rounding = "half", receipt = false }: { rounding?: Rounding; receipt?: boolean } = {},
  locale = currentLocale(),
): string {
  const hasCents = currency === "EUR" || currency === "USD";
  const roundingMode = rounding === "up" ? "ceil" : "halfExpand";
  if (hasCents && Math.abs(nano) < 1e9 && nano !== 0) {
    const cents = nano / 1e7;
    const digits = receipt ? 4 : 1;
    if (!receipt && rounding === "half" && Math.abs(cents) < 0.1) {
      const least = numberFormat(locale, { minimumFractionDigits: 1 }).format(0.1);
      return `${words[locale.language].below} ${least}${NO_BREAK}ct`;
    }
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits, roundingMode } as const;
    return `${numberFormat(locale, options).format(cents)}${NO_BREAK}ct`;
  }
  return numberFormat(locale, { style: "currency", currency, roundingMode }).format(nano / 1e9);
}

export function formatList(items: readonly string[], locale = currentLocale()): string {
  return new Intl.ListFormat(locale.tag, { type: "conjunction" }).format(items);
}
