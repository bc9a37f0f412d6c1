import { formatNumber } from "@/shared/i18n/format";
import type { Locale } from "@/shared/i18n/locale";

const BYTES_PER_GIGABYTE = 1e9;

/** As it stands in a field: 10 or 2,5. */
export function gigabytes(bytes: number, locale: Locale): string {
  return formatNumber(bytes / BYTES_PER_GIGABYTE, { maximumFractionDigits: 3, useGrouping: false }, locale);
}

/** Both ways to write a decimal are read, whatever the language; nothing means "as for everybody". */
export function isGigabytes(text: string): boolean {
  return text.trim() === "" || /^\d{1,6}([.,]\d{1,3})?$/.test(text.trim());
}

export function toBytes(text: string): number | null {
  if (text.trim() === "") return null;
  return Math.round(Number(text.trim().replace(",", ".")) * BYTES_PER_GIGABYTE);
}
