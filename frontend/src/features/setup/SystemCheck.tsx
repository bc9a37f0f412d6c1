import { useIsMutating, useQuery } from "@tanstack/react-query";
import { Check as CheckMark, ChevronRight, CircleX, Minus, TriangleAlert } from "lucide-react";
import { formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { cx } from "@/shared/ui/cx";
import { Icon } from "@/shared/ui/icons";
import { Skeleton } from "@/shared/ui/states";
import { checksQuery } from "./api";
import { setupTexts } from "./texts";

/** What a first run wants to know; the rest folds away while it has nothing to say. */
const mainChecks = new Set(["database", "vector", "stream", "key", "disk", "mail"]);

type Check = NonNullable<ReturnType<typeof useChecks>["data"]>["items"][number];

function useChecks() {
  const { language } = useLocale();
  const isSaving = useIsMutating({ mutationKey: ["settings"] }) > 0;
  return useQuery({ ...checksQuery(language), enabled: !isSaving });
}

const marks = {
  ok: { icon: CheckMark, look: "text-primary-text", word: "stateOk" },
  warn: { icon: TriangleAlert, look: "text-brass-text", word: "stateWarn" },
  fail: { icon: CircleX, look: "text-brick-text", word: "stateFail" },
  skip: { icon: Minus, look: "text-faint", word: "stateSkip" },
} as const;

/** What this installation found when it looked at itself; live until everything is in order. */
export function SystemCheck() {
  const t = useTexts(setupTexts);
  const locale = useLocale();
  const { data, isError } = useChecks();
  const isShown = (check: Check) => mainChecks.has(check.id) || check.state === "fail" || check.state === "warn";
  const rest = data?.items.filter((check) => !isShown(check)) ?? [];
  const seconds = data?.ready_in_ms == null ? null : data.ready_in_ms / 1000;
  return (
    <section aria-label={t("check")}>
      <div className="mb-2 flex items-baseline gap-3">
        <h2 className="grow font-semibold">{t("check")}</h2>
        <span className="num text-xs text-muted-foreground" role="status">
          {seconds === null
            ? data || isError
              ? null
              : t("checking")
            : t("readyIn", { time: `${formatNumber(seconds, { maximumFractionDigits: 1 }, locale)}\u00a0s` })}
        </span>
      </div>
      <ul className="border-t border-border">
        {data?.items.filter(isShown).map((check) => <CheckRow key={check.id} check={check} />) ??
          (isError ? (
            <li className="border-b border-border py-2 text-muted-foreground">{t("checkFailed")}</li>
          ) : (
            [0, 1, 2, 3].map((row) => (
              <li key={row} className="flex h-9 items-center border-b border-border">
                <Skeleton className="h-2.5 w-2/3" />
              </li>
            ))
          ))}
      </ul>
      {rest.length > 0 ? (
        <details className="group">
          <summary className="flex cursor-pointer list-none items-center gap-2.5 rounded-xs py-2 text-muted-foreground hover:text-foreground [&::-webkit-details-marker]:hidden">
            <Icon icon={ChevronRight} size={15} className="text-faint group-open:rotate-90" />
            {t("moreChecks", { count: rest.length })}
          </summary>
          <ul className="border-t border-border">
            {rest.map((check) => (
              <CheckRow key={check.id} check={check} />
            ))}
          </ul>
        </details>
      ) : null}
    </section>
  );
}

function CheckRow({ check }: { check: Check }) {
  const t = useTexts(setupTexts);
  const mark = marks[check.state];
  const isTrouble = check.state === "warn" || check.state === "fail";
  return (
    <li className="num border-b border-border py-2">
      <div className="flex items-start gap-2.5">
        <Icon icon={mark.icon} size={15} strokeWidth={2.2} className={cx("mt-0.5", mark.look)} />
        <span className={cx("min-w-0 grow", check.state === "skip" && "text-muted-foreground")}>
          {check.title}
          <span className="sr-only">: {t(mark.word)}</span>
        </span>
        <span className="text-right text-muted-foreground">
          {check.value || (check.state === "skip" ? t(check.id === "mail" ? "later" : "notNeeded") : "")}
        </span>
      </div>
      {isTrouble && check.advice ? (
        <p
          className={cx(
            "mt-0.5 pl-[1.5625rem] text-xs",
            check.state === "fail" ? "text-brick-text" : "text-brass-text",
          )}
        >
          {check.advice}
        </p>
      ) : null}
    </li>
  );
}
