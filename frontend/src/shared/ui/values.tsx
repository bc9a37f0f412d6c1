import { useSyncExternalStore } from "react";
import {
  formatBytes,
  formatDateTime,
  formatDuration,
  formatMoney,
  formatTableDate,
  formatTime,
  formatWhen,
  type Rounding,
} from "../i18n/format";
import { useLocale } from "../i18n/locale";

// One clock for all times on the screen; it ticks only while something shows one.
const tickers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let minute = Date.now();

function onMinute(listener: () => void): () => void {
  tickers.add(listener);
  if (!timer) {
    minute = Date.now();
    timer = setInterval(() => {
      minute = Date.now();
      for (const ticker of tickers) ticker();
    }, 30_000);
  }
  return () => {
    tickers.delete(listener);
    if (tickers.size === 0 && timer) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

export function useMinute(): number {
  return useSyncExternalStore(onMinute, () => minute);
}

export type WhenLook = "near" | "full" | "table" | "time";

/** A moment in the person's own zone; the full date is in its title. */
export function When({ at, look = "near", className }: { at: string; look?: WhenLook; className?: string }) {
  const locale = useLocale();
  const now = useMinute();
  const text = {
    // A moment after the last tick is now, not in the future.
    near: () => formatWhen(at, Math.max(now, Date.parse(at) < Date.now() ? Date.parse(at) : now), locale),
    full: () => formatDateTime(at, locale),
    table: () => formatTableDate(at, locale),
    time: () => formatTime(at, locale),
  }[look]();
  return (
    <time dateTime={at} title={formatDateTime(at, locale)} className={`num whitespace-nowrap ${className ?? ""}`}>
      {text}
    </time>
  );
}

export function Bytes({ value }: { value: number }) {
  return <span className="num whitespace-nowrap">{formatBytes(value, useLocale())}</span>;
}

export function Duration({ seconds }: { seconds: number }) {
  return <span className="num whitespace-nowrap">{formatDuration(seconds, useLocale())}</span>;
}

export function Money({
  nano,
  currency,
  rounding,
  receipt,
}: {
  nano: number;
  currency: string;
  rounding?: Rounding;
  receipt?: boolean;
}) {
  return (
    <span className="num whitespace-nowrap">{formatMoney(nano, currency, { rounding, receipt }, useLocale())}</span>
  );
}
