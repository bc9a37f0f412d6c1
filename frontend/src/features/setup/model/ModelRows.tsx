import { formatBytes, formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { tileCode } from "@/shared/models/price";
import type { FoundModel } from "@/shared/models/providers";
import { Checkbox } from "@/shared/ui/choice";
import { ModelTile } from "@/shared/ui/marks";
import { modelStepTexts } from "./texts";

export type Row = FoundModel & { readonly description?: string | null };

/** Which models to begin with. Those for search are there already, so nobody has to choose them. */
export function proposed(models: readonly Row[]): ReadonlySet<string> {
  return new Set(
    models
      .filter(writes)
      .slice(0, 2)
      .map(({ name }) => name),
  );
}

export const writes = ({ gives }: Row) => gives === null || gives.includes("text");

export function ModelRows({
  models,
  chosen,
  onChange,
}: {
  models: readonly Row[];
  chosen: ReadonlySet<string>;
  onChange: (chosen: ReadonlySet<string>) => void;
}) {
  const t = useTexts(modelStepTexts);
  const locale = useLocale();
  const toggle = (name: string, isOn: boolean) => {
    const next = new Set(chosen);
    if (isOn) next.add(name);
    else next.delete(name);
    onChange(next);
  };
  const words = (model: Row) => {
    if (!writes(model)) return t("forSearch");
    if (model.description) return model.description;
    return model.takes?.includes("image") ? t("readsImages") : "";
  };
  return (
    <fieldset
      aria-label={t("models")}
      className="num max-h-80 overflow-y-auto border-t border-border-soft [:not(:first-child)]:mt-4 sm:-ml-8"
    >
      {models.map((model) => (
        <div
          key={model.name}
          className="flex min-h-11 flex-wrap items-center gap-x-3 border-b border-border-soft py-1.5 last:border-0"
        >
          <Checkbox
            label={
              <span className="flex min-w-36 items-center gap-3 font-medium">
                <ModelTile code={tileCode(model.label)} size={22} />
                {model.label}
              </span>
            }
            checked={chosen.has(model.name)}
            onChange={(isOn) => toggle(model.name, isOn)}
          />
          <span className="min-w-0 grow basis-24 truncate text-muted-foreground">{words(model)}</span>
          <span className="w-16 text-right text-muted-foreground">
            {model.size_bytes === null ? "" : formatBytes(model.size_bytes, locale)}
          </span>
          <span className="text-right text-faint sm:w-28">
            {model.context_total === null ? "" : t("tokens", { count: formatNumber(model.context_total, {}, locale) })}
          </span>
        </div>
      ))}
    </fieldset>
  );
}
