import { type LucideIcon, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { Problem } from "../api/problem";
import { problemText, useProblemTexts } from "../api/texts";
import { useTexts } from "../i18n/texts";
import { Button } from "./button";
import { cx } from "./cx";
import { Icon } from "./icons";
import { useLate } from "./spinner";
import { uiTexts } from "./texts";

/** One sentence on what this place is for, one action, at most three real starting points. No picture. */
export function EmptyState({
  title,
  children,
  action,
  className,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  className?: string;
}) {
  return (
    <div className={cx("flex flex-col items-start gap-1 py-6", className)}>
      <h2 className="text-lg font-semibold">{title}</h2>
      {children ? <div className="max-w-[38.5rem] text-muted-foreground">{children}</div> : null}
      {action ? <div className="mt-3 flex flex-wrap gap-2">{action}</div> : null}
    </div>
  );
}

/** Stands where the result would be: what happened, what to do, details to unfold. */
export function ErrorState({
  error,
  onRetry,
  action,
  className,
}: {
  error: unknown;
  onRetry?: () => void;
  action?: ReactNode;
  className?: string;
}) {
  const t = useTexts(uiTexts);
  const texts = useProblemTexts();
  const { title, advice } = problemText(error, texts);
  return (
    <div role="alert" className={cx("flex gap-3 py-5", className)}>
      <Icon icon={TriangleAlert} size={17} className="mt-0.5 text-brick-text" />
      <div className="min-w-0">
        <p className="text-md font-medium">{title}</p>
        {advice ? <p className="mt-0.5 text-muted-foreground">{advice}</p> : null}
        <ProblemDetails error={error} />
        {onRetry || action ? (
          <div className="mt-3 flex flex-wrap gap-2">
            {action}
            {onRetry ? <Button onClick={onRetry}>{t("retry")}</Button> : null}
          </div>
        ) : null}
      </div>
    </div>
  );
}

function ProblemDetails({ error }: { error: unknown }) {
  const t = useTexts(uiTexts);
  const lines =
    error instanceof Problem
      ? [
          t("code", { code: `${error.code} (${error.status})` }),
          error.detail,
          error.requestId ? t("request", { id: error.requestId }) : "",
        ]
      : error instanceof Error
        ? [error.message]
        : [];
  const shown = lines.filter(Boolean);
  if (shown.length === 0) return null;
  return (
    <details className="mt-1.5 text-muted-foreground">
      <summary className="w-fit cursor-pointer rounded-xs underline decoration-border-strong underline-offset-4">
        {t("details")}
      </summary>
      <ul className="mt-1.5 font-mono text-xs break-words">
        {shown.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </details>
  );
}

/** A sentence in a form or above a list, for failures beside the place they belong to and for notices. */
export function Notice({
  tone = "neutral",
  icon,
  title,
  children,
  action,
  className,
}: {
  tone?: "neutral" | "primary" | "brass" | "brick";
  icon?: LucideIcon;
  title?: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
  className?: string;
}) {
  const looks = {
    neutral: "bg-sunken",
    primary: "bg-primary-tint",
    brass: "bg-brass-tint",
    brick: "bg-brick-tint",
  };
  const inks = {
    neutral: "text-muted-foreground",
    primary: "text-primary-text",
    brass: "text-brass-text",
    brick: "text-brick-text",
  };
  return (
    <div
      role={tone === "brick" ? "alert" : undefined}
      className={cx("flex items-start gap-3 rounded-md px-4 py-3", looks[tone], className)}
    >
      {icon ? <Icon icon={icon} className={cx("mt-0.5", inks[tone])} /> : null}
      <div className="min-w-0 grow">
        {title ? <p className="font-medium">{title}</p> : null}
        {children ? <div className={cx(title ? "text-muted-foreground" : undefined)}>{children}</div> : null}
      </div>
      {action ? <div className="flex flex-none items-center gap-2">{action}</div> : null}
    </div>
  );
}

/** The sentence for a failed deed, beside its button. */
export function ProblemNotice({ error, className }: { error: unknown; className?: string }) {
  const texts = useProblemTexts();
  if (!error) return null;
  const { title, advice } = problemText(error, texts);
  return (
    <Notice tone="brick" icon={TriangleAlert} className={className}>
      {title} {advice}
    </Notice>
  );
}

/** Plain bars in the geometry of what will come. Nothing for the first 150 ms, and never a shimmer. */
export function LoadingBars({ rows = 4, className }: { rows?: number; className?: string }) {
  const t = useTexts(uiTexts);
  const shown = useLate(true, 150);
  const widths = ["w-2/3", "w-1/2", "w-3/4", "w-2/5"];
  return (
    <div role="status" aria-label={t("loading")} className={cx("flex flex-col", className)}>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: bars have no identity
        <div key={row} className="flex h-10 items-center border-b border-border-soft">
          <span className={cx("h-2.5 rounded-full", shown && "bg-hover", widths[row % widths.length])} />
        </div>
      ))}
    </div>
  );
}

export function Skeleton({ className }: { className?: string }) {
  const shown = useLate(true, 150);
  return <span aria-hidden="true" className={cx("block rounded-xs", shown && "bg-hover", className)} />;
}

/** Old content stays while new content comes, and dims once that takes long. */
export function Refreshing({
  active,
  children,
  className,
}: {
  active: boolean;
  children: ReactNode;
  className?: string;
}) {
  const late = useLate(active, 400);
  return (
    <div
      aria-busy={active || undefined}
      className={cx("transition-opacity duration-[120ms]", late && "opacity-60", className)}
    >
      {children}
    </div>
  );
}
