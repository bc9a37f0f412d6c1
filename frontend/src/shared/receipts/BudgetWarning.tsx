import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Link } from "../frame/link";
import { formatPercent } from "../i18n/format";
import { useLocale } from "../i18n/locale";
import { defineTexts, useTexts } from "../i18n/texts";
import { cx } from "../ui/cx";
import { toast } from "../ui/toast";
import { type Budget, budgetsQuery, nearest, shareOf, toneOf } from "./budgets";

const texts = defineTexts("budgets", {
  en: {
    near: "{limit}: {percent} used",
    "limit.day": "Limit per day",
    "limit.month": "Limit per month",
    "limit.total": "Limit in all",
    "key.day": "Access token’s limit per day",
    "key.month": "Access token’s limit per month",
    "key.total": "Access token’s limit in all",
  },
  de: {
    near: "{limit}: {percent} verbraucht",
    "limit.day": "Tagesgrenze",
    "limit.month": "Monatsgrenze",
    "limit.total": "Gesamtgrenze",
    "key.day": "Tagesgrenze des Zugriffstokens",
    "key.month": "Monatsgrenze des Zugriffstokens",
    "key.total": "Gesamtgrenze des Zugriffstokens",
  },
});

/** Silent until a limit is near; then it stands here, and is said once when it comes about. */
export default function BudgetWarning({ className }: { className?: string }) {
  const t = useTexts(texts);
  const locale = useLocale();
  const { data } = useQuery(budgetsQuery);
  const words = (budget: Budget) =>
    t("near", {
      limit: t(`${budget.subject === "key" ? "key" : "limit"}.${budget.period}`),
      percent: formatPercent(shareOf(budget), 0, locale),
    });
  const warned = useRef<ReadonlySet<string> | null>(null);
  useEffect(() => {
    if (!data) return;
    const near = data.items.filter((budget) => toneOf(budget) !== "primary");
    // What was so already when one came is no news.
    const news = warned.current ? near.filter(({ id }) => !warned.current?.has(id)) : [];
    for (const budget of news) toast({ text: words(budget) });
    warned.current = new Set(near.map(({ id }) => id));
  });
  const budget = data && nearest(data.items);
  if (!budget) return null;
  return (
    <Link to="/limits" className={cx(className, toneOf(budget) === "brick" ? "text-brick-text" : "text-brass-text")}>
      {words(budget)}
    </Link>
  );
}
