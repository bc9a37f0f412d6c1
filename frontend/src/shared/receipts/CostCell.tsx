import type { Schemas } from "../api/client";
import { useLocale } from "../i18n/locale";
import { cx } from "../ui/cx";
import { costWords } from "./costs";

export function CostCell({ of }: { of: Schemas["UsageSum"] }) {
  const { main, notes } = costWords(of, useLocale());
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
