import { Hourglass } from "lucide-react";
import { isProblem, PROOF_NEEDED, Problem } from "../api/problem";
import { useWait } from "../api/use-wait";
import { formatDuration } from "../i18n/format";
import { useLocale } from "../i18n/locale";
import { useTexts } from "../i18n/texts";
import { Notice, ProblemNotice } from "./states";
import { uiTexts } from "./texts";

/**
 * What a form says about its failure, above its button. Fields that say it themselves (`fields`) are not repeated, and
 * a limit counts down to the moment when trying again makes sense.
 */
export function FormProblem({
  error,
  fields = [],
  className,
}: {
  error: unknown;
  fields?: readonly string[];
  className?: string;
}) {
  const t = useTexts(uiTexts);
  const locale = useLocale();
  const wait = useWait(error);
  if (!error || isProblem(error, PROOF_NEEDED)) return null;
  if (error instanceof Problem) {
    const isToldByFields = error.fields.length > 0 && error.fields.every((entry) => fields.includes(entry.field));
    if (isToldByFields) return null;
    if (error.status === 429 && error.retryAfterSeconds) {
      if (wait === 0) return null;
      return (
        <Notice tone="brass" icon={Hourglass} title={t("tooOften")} className={className}>
          {/* Read once with the time asked for; the ticking is for the eye only. */}
          <span role="status" className="sr-only">
            {t("waitFor", { wait: formatDuration(error.retryAfterSeconds, locale) })}
          </span>
          <span aria-hidden="true" className="num">
            {t("waitFor", { wait: formatDuration(wait, locale) })}
          </span>
        </Notice>
      );
    }
  }
  return <ProblemNotice error={error} className={className} />;
}
