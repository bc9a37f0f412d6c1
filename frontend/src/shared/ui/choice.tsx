import { Checkbox as BaseCheckbox } from "@base-ui/react/checkbox";
import { Radio } from "@base-ui/react/radio";
import { RadioGroup as BaseRadioGroup } from "@base-ui/react/radio-group";
import { Switch as BaseSwitch } from "@base-ui/react/switch";
import { Check, Minus } from "lucide-react";
import { type ReactNode, useId } from "react";
import { cx } from "./cx";
import { Icon } from "./icons";

interface Choice {
  label: ReactNode;
  help?: ReactNode;
  disabled?: boolean;
}

export function Checkbox({
  label,
  help,
  checked,
  onChange,
  indeterminate,
  disabled,
  name,
  hideLabel = false,
}: Choice & {
  checked: boolean;
  onChange: (checked: boolean) => void;
  indeterminate?: boolean;
  name?: string;
  hideLabel?: boolean;
}) {
  const id = useId();
  return (
    <span className="flex items-start gap-2.5">
      <BaseCheckbox.Root
        id={id}
        name={name}
        checked={checked}
        indeterminate={indeterminate}
        disabled={disabled}
        onCheckedChange={onChange}
        aria-describedby={help ? `${id}-help` : undefined}
        className="touch mt-0.5 grid size-4 flex-none place-items-center rounded-xs border-[1.5px] border-border-strong bg-raised data-checked:border-primary data-checked:bg-primary data-checked:text-primary-foreground data-disabled:opacity-50 data-indeterminate:border-primary data-indeterminate:bg-primary data-indeterminate:text-primary-foreground"
      >
        <BaseCheckbox.Indicator className="grid place-items-center data-unchecked:hidden">
          <Icon icon={indeterminate ? Minus : Check} size={12} strokeWidth={3} />
        </BaseCheckbox.Indicator>
      </BaseCheckbox.Root>
      <span className={cx("min-w-0", hideLabel && "sr-only")}>
        <label htmlFor={id}>{label}</label>
        {help ? (
          <span id={`${id}-help`} className="block text-xs text-muted-foreground">
            {help}
          </span>
        ) : null}
      </span>
    </span>
  );
}

export interface RadioOption<Value extends string> extends Choice {
  value: Value;
  /** Right end of the row, for example a state word. */
  aside?: ReactNode;
  /** Shown below the row while it is chosen. */
  details?: ReactNode;
}

const radioDot =
  "touch grid size-[1.125rem] flex-none place-items-center rounded-full border-[1.5px] border-border-strong bg-raised data-checked:border-primary data-checked:bg-primary data-disabled:opacity-50";

/** `plain` is a column of words, `rows` the outlined choices of first run and dialogs. */
export function RadioGroup<Value extends string>({
  label,
  options,
  value,
  onChange,
  look = "plain",
  disabled,
  className,
}: {
  label: string;
  options: readonly RadioOption<Value>[];
  value: Value | null;
  onChange: (value: Value) => void;
  look?: "plain" | "rows";
  disabled?: boolean;
  className?: string;
}) {
  const group = useId();
  return (
    <BaseRadioGroup
      aria-label={label}
      value={value}
      onValueChange={(next) => onChange(next as Value)}
      disabled={disabled}
      className={cx("flex flex-col", look === "rows" ? "gap-2.5" : "gap-2", className)}
    >
      {options.map((option) => {
        const id = `${group}-${option.value}`;
        const chosen = option.value === value;
        return (
          <div
            key={option.value}
            className={cx(
              look === "rows" && "rounded-lg border p-4 transition-shadow duration-[120ms]",
              look === "rows" && (chosen ? "border-primary shadow-[inset_0_0_0_1px_var(--primary)]" : "border-border"),
            )}
          >
            <div className="flex items-start gap-3">
              <Radio.Root
                id={id}
                value={option.value}
                disabled={option.disabled}
                aria-describedby={option.help ? `${id}-help` : undefined}
                className={cx(radioDot, "mt-px")}
              >
                <Radio.Indicator className="size-[7px] rounded-full bg-primary-foreground data-unchecked:hidden" />
              </Radio.Root>
              <span className="min-w-0 grow">
                <label htmlFor={id} className={cx(look === "rows" && "font-medium")}>
                  {option.label}
                </label>
                {option.help ? (
                  <span id={`${id}-help`} className="block text-muted-foreground">
                    {option.help}
                  </span>
                ) : null}
              </span>
              {option.aside}
            </div>
            {option.details && chosen ? <div className="mt-3 pl-[1.875rem]">{option.details}</div> : null}
          </div>
        );
      })}
    </BaseRadioGroup>
  );
}

/** Saves at once; text that saves by button never stands in the same group. */
export function Switch({
  label,
  help,
  checked,
  onChange,
  disabled,
  name,
}: Choice & { checked: boolean; onChange: (checked: boolean) => void; name?: string }) {
  const id = useId();
  return (
    <span className="flex items-start gap-3">
      <BaseSwitch.Root
        id={id}
        name={name}
        checked={checked}
        onCheckedChange={onChange}
        disabled={disabled}
        aria-describedby={help ? `${id}-help` : undefined}
        className="touch flex h-[1.125rem] w-8 flex-none items-center rounded-full bg-border-strong p-0.5 transition-colors duration-[120ms] data-checked:bg-primary data-disabled:opacity-50"
      >
        <BaseSwitch.Thumb className="size-3.5 rounded-full bg-raised transition-transform duration-[120ms] data-checked:translate-x-3.5 dark:bg-background" />
      </BaseSwitch.Root>
      <span className="min-w-0">
        <label htmlFor={id}>{label}</label>
        {help ? (
          <span id={`${id}-help`} className="block text-xs text-muted-foreground">
            {help}
          </span>
        ) : null}
      </span>
    </span>
  );
}
