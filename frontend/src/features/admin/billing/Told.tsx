import { useTexts } from "@/shared/i18n/texts";
import { billingTexts } from "./texts";

/** What the other side said, in its own words. */
export function Told({ reason }: { reason: string | null }) {
  const t = useTexts(billingTexts);
  if (!reason) return null;
  return (
    <details className="mt-1 text-muted-foreground">
      <summary className="w-fit cursor-pointer rounded-xs underline decoration-border-strong underline-offset-4">
        {t("details")}
      </summary>
      <p lang="en" className="mt-1 font-mono text-xs break-words">
        {reason}
      </p>
    </details>
  );
}
