import { formatNumber } from "@/shared/i18n/format";
import type { Locale } from "@/shared/i18n/locale";

/** A decimal number as people type it, "2,50" or "2.50"; null for what is none. */
export function readDecimal(text: string): number | null {
  const plain = plainDecimal(text);
  return /^\d{1,9}(\.\d{1,9})?$/.test(plain) ? Number(plain) : null;
}

/** The same as every machine reads it. */
export const plainDecimal = (text: string) => text.trim().replace(",", ".");

export function writeDecimal(value: number, locale: Locale): string {
  return formatNumber(value, { maximumFractionDigits: 9, useGrouping: false }, locale);
}

export const toNano = (value: number) => Math.round(value * 1e9);
