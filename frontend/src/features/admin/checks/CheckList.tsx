import { Check, CircleX, Minus, TriangleAlert } from "lucide-react";
import type { Schemas } from "@/shared/api/client";
import { useTexts } from "@/shared/i18n/texts";
import { cx } from "@/shared/ui/cx";
import { Icon } from "@/shared/ui/icons";
import { checksTexts } from "./texts";

type CheckRead = Schemas["CheckRead"];

const looks = {
  ok: { icon: Check, ink: "text-faint" },
  warn: { icon: TriangleAlert, ink: "text-brass-text" },
  fail: { icon: CircleX, ink: "text-brick-text" },
  skip: { icon: Minus, ink: "text-faint" },
} as const;

/** What is in order is quiet; what is not says what to do. */
export function CheckList({ checks }: { checks: readonly CheckRead[] }) {
  const t = useTexts(checksTexts);
  return (
    <ul className="border-t border-border">
      {checks.map((check) => {
        const { icon, ink } = looks[check.state];
        const isQuiet = check.state === "ok" || check.state === "skip";
        return (
          <li key={check.id} className="flex items-start gap-3 border-b border-border-soft py-2.5">
            <Icon icon={icon} className={cx("mt-0.5", ink)} />
            <div className="min-w-0 grow">
              <div className="flex flex-wrap gap-x-4">
                <span className={cx("grow", isQuiet ? null : "font-medium")}>
                  {check.title}
                  <span className={isQuiet ? "sr-only" : cx("font-normal", ink)}>: {t(check.state)}</span>
                </span>
                {check.value ? (
                  <span className="num text-muted-foreground [overflow-wrap:anywhere]">{check.value}</span>
                ) : check.state === "skip" ? (
                  <span aria-hidden="true" className="text-faint">
                    {t("skip")}
                  </span>
                ) : null}
              </div>
              {check.advice ? <p className="max-w-[38.5rem] text-muted-foreground">{check.advice}</p> : null}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
