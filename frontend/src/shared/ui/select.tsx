import { Select as Base } from "@base-ui/react/select";
import { Check, ChevronsUpDown } from "lucide-react";
import type { ReactNode } from "react";
import { useTexts } from "../i18n/texts";
import { cx } from "./cx";
import { Icon } from "./icons";
import { controlClass } from "./input";
import { useOverlayRoot } from "./overlays";
import { itemClass, popupClass } from "./popup";
import { uiTexts } from "./texts";

export interface Option<Value extends string | number> {
  value: Value;
  label: string;
  hint?: ReactNode;
  disabled?: boolean;
}

/** A closed list. Inside a `Field` it takes the field's label; elsewhere give it `label`. */
export function Select<Value extends string | number>({
  options,
  value,
  onChange,
  label,
  name,
  disabled,
  className,
  size = "md",
}: {
  options: readonly Option<Value>[];
  value: Value | null;
  onChange: (value: Value) => void;
  label?: string;
  name?: string;
  disabled?: boolean;
  className?: string;
  size?: "sm" | "md";
}) {
  const t = useTexts(uiTexts);
  return (
    <Base.Root
      items={options.map(({ value, label }) => ({ value, label }))}
      value={value}
      onValueChange={(next) => {
        if (next !== null) onChange(next as Value);
      }}
      name={name}
      disabled={disabled}
    >
      <Base.Trigger
        aria-label={label}
        className={cx(
          controlClass,
          "touch flex items-center gap-2 text-left data-popup-open:border-muted-foreground",
          size === "sm" ? "h-8 px-2.5" : "h-9 px-3 pointer-coarse:h-11",
          className,
        )}
      >
        <span className="min-w-0 grow truncate">
          <Base.Value>
            {(chosen: Value | null) => options.find((option) => option.value === chosen)?.label ?? t("choose")}
          </Base.Value>
        </span>
        <Icon icon={ChevronsUpDown} size={14} className="text-faint" />
      </Base.Trigger>
      <Base.Portal container={useOverlayRoot()}>
        <Base.Positioner sideOffset={4} collisionPadding={8} alignItemWithTrigger={false} className="z-50 outline-none">
          <Base.Popup
            className={cx(popupClass, "max-h-(--available-height) min-w-(--anchor-width) overflow-y-auto p-1")}
          >
            {options.map((option) => (
              <Base.Item key={option.value} value={option.value} disabled={option.disabled} className={itemClass}>
                <Base.ItemText className="min-w-0 grow">{option.label}</Base.ItemText>
                {option.hint ? <span className="text-xs text-faint">{option.hint}</span> : null}
                <span className="w-4">
                  <Base.ItemIndicator>
                    <Icon icon={Check} size={15} className="text-primary-text" />
                  </Base.ItemIndicator>
                </span>
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
