import { ArrowDown, ArrowUp, X } from "lucide-react";
import { useLayoutEffect, useRef, useState } from "react";
import { announce } from "@/shared/frame/announcer";
import { useTexts } from "@/shared/i18n/texts";
import { tileCode } from "@/shared/models/price";
import { IconButton } from "@/shared/ui/button";
import { Combobox } from "@/shared/ui/combobox";
import { ModelTile } from "@/shared/ui/marks";
import { labelOf, type ModelOption } from "./options";
import { adminModelsTexts } from "./texts";

/** Models in an order, which buttons change: the first that can answer does. */
export function OrderedModels({
  label,
  options,
  value,
  onChange,
}: {
  label: string;
  options: readonly ModelOption[];
  value: readonly string[];
  onChange: (value: readonly string[]) => void;
}) {
  const t = useTexts(adminModelsTexts);
  const list = useRef<HTMLOListElement>(null);
  const [moved, setMoved] = useState<{ ref: string; by: -1 | 1 } | null>(null);
  useLayoutEffect(() => {
    if (!moved) return;
    // A row that changes its place takes the keyboard along; at the end of the list only the way back is left.
    const row = list.current?.children[value.indexOf(moved.ref)];
    const buttons = [...(row?.querySelectorAll<HTMLButtonElement>("[data-by]") ?? [])];
    const wanted = buttons.find((button) => button.dataset.by === String(moved.by) && !button.disabled);
    (wanted ?? buttons.find((button) => !button.disabled))?.focus();
    setMoved(null);
  }, [moved, value]);
  const move = (ref: string, by: -1 | 1) => {
    const at = value.indexOf(ref);
    const next = value.filter((each) => each !== ref);
    next.splice(at + by, 0, ref);
    onChange(next);
    setMoved({ ref, by });
    announce(t("movedTo", { name: labelOf(ref, options), place: at + by + 1, of: value.length }));
  };
  const left = options.filter((option) => !value.includes(option.value));
  return (
    <div>
      {value.length > 0 ? (
        <ol ref={list} aria-label={label} className="mb-2 border-t border-border-soft">
          {value.map((ref, index) => {
            const name = labelOf(ref, options);
            return (
              <li key={ref} className="flex min-h-10 items-center gap-2.5 border-b border-border-soft py-1">
                <span className="num w-4 flex-none text-right text-xs text-faint" aria-hidden="true">
                  {index + 1}
                </span>
                <ModelTile code={tileCode(name)} size={20} />
                <span className="min-w-0 grow truncate" title={ref}>
                  {name}
                </span>
                <IconButton
                  icon={ArrowUp}
                  size="sm"
                  label={t("moveUp", { name })}
                  disabled={index === 0}
                  data-by="-1"
                  onClick={() => move(ref, -1)}
                />
                <IconButton
                  icon={ArrowDown}
                  size="sm"
                  label={t("moveDown", { name })}
                  disabled={index === value.length - 1}
                  data-by="1"
                  onClick={() => move(ref, 1)}
                />
                <IconButton
                  icon={X}
                  size="sm"
                  label={t("takeOut", { name })}
                  onClick={() => onChange(value.filter((each) => each !== ref))}
                />
              </li>
            );
          })}
        </ol>
      ) : null}
      <Combobox
        // Empty again after each choice.
        key={value.join()}
        options={left}
        value={null}
        onChange={(ref) => onChange([...value, ref])}
        label={t("addTo", { list: label })}
        placeholder={t("addModel")}
      />
    </div>
  );
}
