import { X } from "lucide-react";
import type { ReactNode } from "react";
import { useLocale } from "../i18n/locale";
import { Button, IconButton } from "../ui/button";
import { cx } from "../ui/cx";
import { ModelTile } from "../ui/marks";
import { type FactName, factOf, LocalMark, priceText, type Row, rateOf, type T, YesNo } from "./facts";
import { tileCode } from "./price";

export const MOST_COMPARED = 4;

const senses = ["image", "document", "audio"] as const;
const facts: readonly FactName[] = ["window", "longest"];
const rates = ["input", "cached", "output"] as const;

/** Up to four models, feature by feature. */
export function ModelCompare({
  rows,
  t,
  value,
  canChoose,
  onChoose,
  onRemove,
}: {
  rows: readonly Row[];
  t: T;
  value: string | null;
  canChoose: (row: Row) => boolean;
  onChoose: (row: Row) => void;
  onRemove: (id: string) => void;
}) {
  const locale = useLocale();
  if (rows.length === 0) {
    return <p className="max-w-80 text-muted-foreground">{t("compareNone", { count: MOST_COMPARED })}</p>;
  }
  const has = (row: Row, kind: string) => {
    const is = kind === "tools" ? row.model.features?.includes("tools") : row.model.takes.includes(kind);
    return is === undefined ? "–" : <YesNo is={is} word={t(is ? "yes" : "no")} />;
  };
  const line = (label: string, cell: (row: Row) => ReactNode, className?: string) => (
    <tr key={label} className="border-b border-border-soft">
      <th scope="row" className="sticky left-0 bg-raised py-1.5 pr-3 text-left font-normal text-muted-foreground">
        {label}
      </th>
      {rows.map((row) => (
        <td key={row.model.id} className={cx("num py-1.5 pl-3 align-top", className)}>
          {cell(row) ?? <span className="text-faint">–</span>}
        </td>
      ))}
    </tr>
  );
  const caption = (label: string) => (
    <tr>
      <th scope="rowgroup" colSpan={rows.length + 1} className="cap pt-3 pb-1 text-left">
        {label}
      </th>
    </tr>
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="min-w-0 overflow-x-auto" tabIndex={0} aria-label={t("comparison")}>
      <table className="w-full table-fixed border-collapse text-xs" style={{ minWidth: `${7 + 7 * rows.length}rem` }}>
        <caption className="sr-only">{t("comparison")}</caption>
        <thead>
          <tr className="align-top">
            <td className="sticky left-0 w-28 bg-raised" />
            {rows.map(({ model }) => (
              <th key={model.id} scope="col" className="pl-3 text-left font-normal">
                <span className="flex items-center gap-1.5">
                  <ModelTile code={tileCode(model.label)} size={22} />
                  {model.provider.is_local ? <LocalMark t={t} /> : null}
                  <IconButton
                    icon={X}
                    size="sm"
                    label={t("compareRemove", { name: model.label })}
                    onClick={() => onRemove(model.id)}
                    className="-mr-1 ml-auto"
                  />
                </span>
                <span className="mt-1.5 block text-sm font-semibold break-words">{model.label}</span>
              </th>
            ))}
          </tr>
          <tr className="border-b border-border">
            <td className="sticky left-0 bg-raised" />
            {rows.map((row) => (
              <td key={row.model.id} className="pt-2 pb-2.5 pl-3">
                <Button
                  size="sm"
                  disabled={!canChoose(row) || row.model.id === value}
                  aria-label={t(row.model.id === value ? "isChosenNamed" : "use", { name: row.model.label })}
                  onClick={() => onChoose(row)}
                >
                  {t(row.model.id === value ? "isChosen" : "useThis")}
                </Button>
              </td>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.some(({ fit }) => fit)
            ? line(t("turn"), (row) => <span className="font-medium">{priceText(row, t, locale)}</span>)
            : null}
          {rows.some(({ fit }) => fit)
            ? line(t("fit"), ({ fit }) =>
                !fit || fit.room === null ? null : fit.over > 0 ? (
                  <span className="text-brass-text">{t("tooLong")}</span>
                ) : (
                  <YesNo is word={t("yes")} />
                ),
              )
            : null}
          {facts.map((name) => line(t(name), ({ model }) => factOf(name, model, t, locale)))}
          {line(t("provider"), ({ model }) => model.provider.label)}
          {caption(t("rates"))}
          {rates.map((name) => line(t(name), ({ model }) => rateOf(name, model, t, locale)))}
          {caption(t("reads"))}
          {senses.map((kind) => line(t(`reads.${kind}`), (row) => has(row, kind)))}
          {line(t("tools"), (row) => has(row, "tools"))}
        </tbody>
      </table>
    </section>
  );
}
