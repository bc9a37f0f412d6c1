import { formatWhen } from "@/shared/i18n/format";
import { type Locale, useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { useMinute, When } from "@/shared/ui/values";
import type { AuditLine } from "./api";
import { actorText, deedText } from "./lines";
import { auditTexts } from "./texts";

/** A few lines in short: today by the clock, before that by the day. */
export function AuditFeed({ lines, empty }: { lines: readonly AuditLine[]; empty: string }) {
  const t = useTexts(auditTexts);
  if (lines.length === 0) return <p className="border-t border-border py-3 text-muted-foreground">{empty}</p>;
  return (
    <ol className="num border-t border-border">
      {lines.map((line) => (
        <li key={line.id} className="flex gap-3 border-b border-border-soft py-[9px]">
          <Moment at={line.at} />
          <span className="min-w-0 [overflow-wrap:anywhere]">
            <span className="font-medium">{actorText(line, t)}</span>{" "}
            <span className="text-muted-foreground">{deedText(line, t)}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}

function Moment({ at }: { at: string }) {
  const locale = useLocale();
  const minute = useMinute();
  if (isToday(at, minute, locale)) {
    return <When at={at} look="time" className="w-11 flex-none text-faint" />;
  }
  return (
    <time dateTime={at} className="num w-11 flex-none text-faint">
      {formatWhen(at, minute, locale)}
    </time>
  );
}

function isToday(at: string, now: number, locale: Locale): boolean {
  const day = new Intl.DateTimeFormat("en-CA", { timeZone: locale.timeZone }).format;
  return day(new Date(at)) === day(now);
}
