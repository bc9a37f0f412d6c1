import type { Schemas } from "@/shared/api/client";
import { formatNumber, formatPercent } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { ProgressBar } from "@/shared/ui/marks";
import { explainTexts } from "./texts";

const MOST_LEXEMES = 12;

/** What each stage of a search understood, looked for and found, and how long that took. */
export function Explained({ explained }: { explained: Schemas["ExplainedRead"] }) {
  const t = useTexts(explainTexts);
  const locale = useLocale();
  const number = (value: number, digits = 0) => formatNumber(value, { maximumFractionDigits: digits }, locale);
  const stages = Object.entries(explained.milliseconds);
  const longest = Math.max(...stages.map(([, milliseconds]) => milliseconds), 0.1);
  const heaviest = Math.max(...explained.lexemes.map(({ worth }) => worth), 0.1);
  const stageName = (stage: string) => {
    const key = `stage.${stage}`;
    return key in explainTexts.en ? t(key as "stage.words") : stage;
  };
  const local = explained.models.every(({ provider }) => provider === "local");
  return (
    <section aria-label={t("title")} className="mb-4 rounded-lg border border-border bg-sunken px-5 py-4">
      <h2 className="font-semibold">{t("title")}</h2>
      <p className="text-muted-foreground">{local ? t("leadLocal") : t("lead")}</p>
      <div className="mt-3 grid gap-x-8 gap-y-4 @2xl:grid-cols-2">
        <div>
          <h3 className="cap mb-1">{t("understood")}</h3>
          <p>
            {explained.terms.map(({ text, weight }) => (
              <span key={text} className="mr-3 inline-flex items-baseline gap-1.5">
                {spoken(text)}
                {weight === 1 ? null : <span className="num text-xs text-faint">{number(weight, 2)}</span>}
              </span>
            ))}
          </p>
          {explained.required + explained.excluded > 0 ? (
            <p className="text-xs text-muted-foreground">
              {t("conditions", { required: explained.required, excluded: explained.excluded })}
            </p>
          ) : null}
          <h3 className="cap mt-4 mb-1">{t("lookedFor")}</h3>
          <ul>
            {explained.lexemes.slice(0, MOST_LEXEMES).map(({ lexeme, worth, passages }) => (
              <li key={lexeme} className="flex h-7 items-center gap-3">
                <span className="min-w-0 grow truncate">{spoken(lexeme)}</span>
                <ProgressBar label={t("worth", { lexeme })} value={worth} max={heaviest} className="!w-20" />
                <span className="num w-24 text-right text-xs text-muted-foreground">
                  {t("inPassages", { count: passages })}
                </span>
              </li>
            ))}
          </ul>
        </div>
        <div>
          <h3 className="cap mb-1">{t("sides")}</h3>
          <dl>
            <Side
              label={t("words")}
              found={t("found", { count: explained.found_by_words })}
              share={explained.weight_of_words}
            />
            <Side
              label={t("meaning")}
              found={
                explained.nearest === null
                  ? t("found", { count: explained.found_by_vectors })
                  : t("foundNear", { count: explained.found_by_vectors, nearest: number(explained.nearest, 2) })
              }
              share={explained.weight_of_vectors}
            />
          </dl>
          <p className="mt-1 text-xs text-muted-foreground">
            {t("known", { share: formatPercent(explained.known, 0, locale) })}
          </p>
          <h3 className="cap mt-4 mb-1">{t("time")}</h3>
          <ul>
            {stages.map(([stage, milliseconds]) => (
              <li key={stage} className="flex h-7 items-center gap-3">
                <span className="min-w-0 grow truncate">{stageName(stage)}</span>
                <ProgressBar label={stageName(stage)} value={milliseconds} max={longest} className="!w-20" />
                <span className="num w-24 text-right text-xs text-muted-foreground">{number(milliseconds, 1)} ms</span>
              </li>
            ))}
          </ul>
          <p className="mt-2 text-xs text-muted-foreground">
            {t("where", { passages: explained.passages, projects: explained.projects })}
          </p>
        </div>
      </div>
    </section>
  );
}

/** Beginnings of words are kept with a mark of their own. */
const spoken = (lexeme: string) => lexeme.replace(/^~(.*)/, "$1…");

function Side({ label, found, share }: { label: string; found: string; share: number }) {
  const locale = useLocale();
  return (
    <div className="flex min-h-7 items-center gap-3">
      <dt className="min-w-0 grow">{label}</dt>
      <dd className="num text-xs text-muted-foreground">{found}</dd>
      <dd className="flex items-center gap-2">
        <ProgressBar label={label} value={share} max={1} className="!w-20" />
        <span className="num w-9 text-right text-xs">{formatPercent(share, 0, locale)}</span>
      </dd>
    </div>
  );
}
