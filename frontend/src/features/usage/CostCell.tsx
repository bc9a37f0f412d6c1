import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { cx } from "@/shared/ui/cx";
import type { UsageSum } from "./api";
import { costWords } from "./costs";
import { usageTexts } from "./texts";

export function CostCell({ of }: { of: UsageSum }) {
  const t = useTexts(usageTexts);
  const { main, notes } = costWords(of, t, useLocale());
  return (
    <>
      <span className={cx(of.cost ? undefined : "font-normal text-brass-text")}>{main}</span>
      {notes.map((note) => (
        <span key={note} className="block text-2xs font-normal whitespace-normal text-muted-foreground">
          {note}
        </span>
      ))}
    </>
  );
}
