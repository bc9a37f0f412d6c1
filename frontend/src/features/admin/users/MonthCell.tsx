import { formatMoney } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { type Tone, toneOf } from "@/shared/receipts/budgets";
import { ProgressBar } from "@/shared/ui/marks";
import { Skeleton } from "@/shared/ui/states";
import type { Month } from "./api";
import { usersTexts } from "./texts";

const looks: Record<Tone, string | undefined> = {
  primary: undefined,
  brass: "font-medium text-brass-text",
  brick: "font-medium text-brick-text",
};

/** What somebody spent in this month, by the same sums as they see themselves, and how near they are to their limit. */
export function MonthCell({ month }: { month: Month | undefined }) {
  const t = useTexts(usersTexts);
  const locale = useLocale();
  if (!month) return <Skeleton className="h-3 w-32" />;
  const { limit, runs, cost, unknown_runs } = month;
  const money = (nano: number, currency: string) => formatMoney(nano, currency, {}, locale);
  const sums = cost
    ? [cost, ...month.further_costs]
    : runs === 0 && limit
      ? [{ nano: 0, currency: limit.currency }]
      : [];
  const spent = sums.map(({ nano, currency }) => money(nano, currency)).join(" + ");
  const isUnknown = !cost && runs > 0;
  const counted = sums.find(({ currency }) => currency === limit?.currency)?.nano ?? 0;
  const notes = [
    cost && unknown_runs > 0 ? t("monthWithoutPrice", { count: unknown_runs }) : null,
    // On one's own keys nothing is charged here, and a limit counts from the day on which it was set.
    limit && limit.spent_nano !== counted
      ? t("monthCounted", { amount: money(limit.spent_nano, limit.currency) })
      : null,
  ];
  const tone = limit ? toneOf(limit) : "primary";
  return (
    <span className="num flex items-center gap-2.5 whitespace-nowrap">
      <span className="w-14 flex-none @max-md:hidden">
        {limit ? (
          <ProgressBar
            label={t("monthUsed", { limit: money(limit.limit_nano, limit.currency) })}
            value={limit.limit_nano > 0 ? limit.spent_nano : 1}
            max={limit.limit_nano || 1}
            tone={tone}
          />
        ) : null}
      </span>
      <span>
        <span className={isUnknown ? "text-brass-text" : looks[tone]}>
          {isUnknown ? t("monthUnknown") : spent || "–"}
        </span>
        {limit ? (
          <span className="ml-2.5 text-faint">{t("monthOf", { limit: money(limit.limit_nano, limit.currency) })}</span>
        ) : null}
        {notes.map((note) =>
          note ? (
            <span key={note} className="block text-2xs text-muted-foreground">
              {note}
            </span>
          ) : null,
        )}
      </span>
    </span>
  );
}
