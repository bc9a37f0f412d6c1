import { ChevronLeft, ChevronRight } from "lucide-react";
import { type KeyboardEvent, type Ref, useLayoutEffect, useRef, useState } from "react";
import { addDays, addMonths, type Day, sayDay, today, weekday, weeksOf } from "../i18n/days";
import { useLocale } from "../i18n/locale";
import { useTexts } from "../i18n/texts";
import { IconButton } from "./button";
import { cx } from "./cx";
import { uiTexts } from "./texts";

/** One month. Arrows go by days and weeks, Page Up and Down by months, Home and End to the ends of the week. */
export function Calendar({
  value,
  onChoose,
  dayRef,
}: {
  value: Day | undefined;
  onChoose: (day: Day) => void;
  /** The day that the keyboard starts from. */
  dayRef?: Ref<HTMLButtonElement>;
}) {
  const t = useTexts(uiTexts);
  const locale = useLocale();
  const now = today(locale.timeZone);
  const [at, setAt] = useState(value ?? now);
  const grid = useRef<HTMLTableElement>(null);
  const moved = useRef(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the focus follows the day that the keys went to
  useLayoutEffect(() => {
    if (moved.current) grid.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
    moved.current = false;
  }, [at]);
  const onKeyDown = (event: KeyboardEvent) => {
    const steps: Record<string, () => Day> = {
      ArrowLeft: () => addDays(at, -1),
      ArrowRight: () => addDays(at, 1),
      ArrowUp: () => addDays(at, -7),
      ArrowDown: () => addDays(at, 7),
      Home: () => addDays(at, -weekday(at)),
      End: () => addDays(at, 6 - weekday(at)),
      PageUp: () => addMonths(at, event.shiftKey ? -12 : -1),
      PageDown: () => addMonths(at, event.shiftKey ? 12 : 1),
    };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    moved.current = true;
    setAt(step());
  };
  const month = sayDay(at, { month: "long", year: "numeric" }, locale);
  const weeks = weeksOf(at);
  return (
    <div className="num w-64">
      <div className="flex items-center">
        <IconButton icon={ChevronLeft} label={t("previousMonth")} onClick={() => setAt(addMonths(at, -1))} />
        <div aria-live="polite" className="grow text-center font-semibold">
          {month}
        </div>
        <IconButton icon={ChevronRight} label={t("nextMonth")} onClick={() => setAt(addMonths(at, 1))} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a calendar is a grid that one moves in */}
      <table ref={grid} role="grid" aria-label={month} onKeyDown={onKeyDown} className="mt-2 w-full table-fixed">
        <thead>
          <tr>
            {weeks[0]?.map((day) => (
              <th key={day} scope="col" className="h-7 text-2xs font-normal text-faint">
                <span aria-hidden="true">{sayDay(day, { weekday: "short" }, locale)}</span>
                <span className="sr-only">{sayDay(day, { weekday: "long" }, locale)}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weeks.map((week) => (
            <tr key={week[0]}>
              {week.map((day) => (
                <td key={day} className="p-0 text-center">
                  <button
                    ref={day === at ? dayRef : undefined}
                    type="button"
                    tabIndex={day === at ? 0 : -1}
                    aria-label={sayDay(day, { dateStyle: "full" }, locale)}
                    aria-current={day === now ? "date" : undefined}
                    aria-pressed={day === value}
                    onClick={() => onChoose(day)}
                    className={cx(
                      "h-8 w-full rounded-sm pointer-coarse:h-11",
                      day === value ? "bg-primary text-primary-foreground" : "hover:bg-hover",
                      day !== value && day.slice(0, 7) !== at.slice(0, 7) && "text-faint",
                      day === now && "font-semibold underline underline-offset-4",
                    )}
                  >
                    {Number(day.slice(8))}
                  </button>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
