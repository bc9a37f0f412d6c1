import { Combobox as Base } from "@base-ui/react/combobox";
import { Check, ChevronsUpDown } from "lucide-react";
import { useTexts } from "../i18n/texts";
import { cx } from "./cx";
import { Icon } from "./icons";
import { controlClass } from "./input";
import { useOverlayRoot } from "./overlays";
import { itemClass, popupClass } from "./popup";
import type { Option } from "./select";
import { uiTexts } from "./texts";

/** A long list one types into: time zones, currencies, people. */
export function Combobox({
  options,
  value,
  onChange,
  label,
  placeholder,
  disabled,
  className,
}: {
  options: readonly Option<string>[];
  value: string | null;
  onChange: (value: string) => void;
  label?: string;
  placeholder?: string;
  disabled?: boolean;
  className?: string;
}) {
  const t = useTexts(uiTexts);
  const chosen = options.find((option) => option.value === value) ?? null;
  return (
    <Base.Root
      items={options}
      value={chosen}
      onValueChange={(next) => {
        if (next) onChange(next.value);
      }}
      isItemEqualToValue={(a, b) => a.value === b.value}
      disabled={disabled}
      limit={200}
    >
      <span className={cx("relative flex items-center", className)}>
        <Base.Input
          aria-label={label}
          placeholder={placeholder ?? t("choose")}
          className={cx(controlClass, "h-9 pr-9 pl-3 pointer-coarse:h-11")}
        />
        <Base.Trigger
          aria-label={label ?? t("choose")}
          tabIndex={-1}
          className="absolute right-1 grid size-7 place-items-center rounded-sm text-faint hover:bg-hover"
        >
          <Icon icon={ChevronsUpDown} size={14} />
        </Base.Trigger>
      </span>
      <Base.Portal container={useOverlayRoot()}>
        <Base.Positioner sideOffset={4} collisionPadding={8} className="z-50 outline-none">
          <Base.Popup
            className={cx(
              popupClass,
              "max-h-[min(20rem,var(--available-height))] w-(--anchor-width) min-w-56 overflow-y-auto p-1",
            )}
          >
            <Base.Empty className="px-2.5 py-1.5 text-muted-foreground empty:hidden">{t("noMatches")}</Base.Empty>
            <Base.List>
              {(option: Option<string>) => (
                <Base.Item key={option.value} value={option} className={itemClass}>
                  <span className="min-w-0 grow">{option.label}</span>
                  {option.hint ? <span className="text-xs text-faint num">{option.hint}</span> : null}
                  <span className="w-4">
                    <Base.ItemIndicator>
                      <Icon icon={Check} size={15} className="text-primary-text" />
                    </Base.ItemIndicator>
                  </span>
                </Base.Item>
              )}
            </Base.List>
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
