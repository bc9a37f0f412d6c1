import { Radio } from "@base-ui/react/radio";
import { RadioGroup } from "@base-ui/react/radio-group";
import { cx } from "../ui/cx";
import { Icon, type IconType } from "../ui/icons";
import type { Settings } from "./queries";

type Theme = Settings["theme"];

/** Light, dark or like the device, each as a small picture of a window in its own colours. */
export function ThemeChoice({
  label,
  value,
  onChange,
  options,
}: {
  label: string;
  value: Theme;
  onChange: (value: Theme) => void;
  options: readonly { value: Theme; label: string; icon: IconType }[];
}) {
  return (
    <RadioGroup
      aria-label={label}
      value={value}
      onValueChange={(next) => onChange(next as Theme)}
      className="grid max-w-[34rem] grid-cols-3 gap-3"
    >
      {options.map((option) => (
        <Radio.Root
          key={option.value}
          value={option.value}
          className={cx(
            "flex cursor-pointer flex-col gap-2 rounded-lg border p-2 text-left transition-shadow duration-[120ms]",
            "border-border hover:border-border-strong data-checked:border-primary data-checked:shadow-[inset_0_0_0_1px_var(--primary)]",
          )}
        >
          <span
            aria-hidden="true"
            className="relative flex aspect-[2/1] overflow-hidden rounded-sm border border-border"
          >
            {option.value === "dark" ? null : <Window />}
            {option.value === "light" ? null : <Window dark />}
          </span>
          <span className="flex items-start gap-1.5 px-0.5 font-medium">
            <Icon icon={option.icon} size={15} className="mt-0.5 text-faint max-sm:hidden" />
            <span className="min-w-0 break-words">{option.label}</span>
          </span>
        </Radio.Root>
      ))}
    </RadioGroup>
  );
}

// The other theme's tokens inside this one: `dark` on a box repaints what is in it; light needs its values by hand,
// because inside a dark page no class brings them back.
function Window({ dark = false }: { dark?: boolean }) {
  const colours = dark
    ? {
        frame: "oklch(0.178 0.007 205)",
        sheet: "oklch(0.212 0.008 205)",
        line: "oklch(0.4 0.01 205)",
        accent: "oklch(0.795 0.098 182)",
      }
    : {
        frame: "oklch(0.945 0.004 190)",
        sheet: "oklch(0.996 0.001 190)",
        line: "oklch(0.87 0.008 190)",
        accent: "oklch(0.465 0.077 186)",
      };
  return (
    <svg className="min-w-0 grow basis-0" viewBox="0 0 80 44" preserveAspectRatio="xMinYMin slice" role="presentation">
      <rect width="160" height="64" fill={colours.frame} />
      <rect x="20" y="8" width="72" height="64" rx="4" fill={colours.sheet} />
      <rect x="6" y="10" width="8" height="3" rx="1.5" fill={colours.accent} />
      {[18, 25, 32].map((y) => (
        <rect key={y} x="6" y={y} width="8" height="2" rx="1" fill={colours.line} />
      ))}
      <rect x="28" y="17" width="30" height="3" rx="1.5" fill={colours.line} />
      <rect x="28" y="25" width="42" height="2" rx="1" fill={colours.line} />
      <rect x="28" y="31" width="36" height="2" rx="1" fill={colours.line} />
      <rect x="28" y="41" width="16" height="6" rx="2" fill={colours.accent} />
    </svg>
  );
}
