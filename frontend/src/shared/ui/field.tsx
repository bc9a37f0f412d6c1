import { Field as Base } from "@base-ui/react/field";
import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useTexts } from "../i18n/texts";
import { cx } from "./cx";
import { Icon } from "./icons";
import { uiTexts } from "./texts";

/** Label above, help below, the message names the remedy. Optional fields say so; required ones need no mark. */
export function Field({
  label,
  help,
  error,
  optional = false,
  name,
  className,
  hideLabel = false,
  children,
}: {
  label: ReactNode;
  help?: ReactNode;
  error?: ReactNode;
  optional?: boolean;
  name?: string;
  className?: string;
  hideLabel?: boolean;
  children: ReactNode;
}) {
  const t = useTexts(uiTexts);
  return (
    <Base.Root name={name} invalid={Boolean(error)} className={cx("flex min-w-0 flex-col gap-1.5", className)}>
      <Base.Label className={cx("font-medium", hideLabel && "sr-only")}>
        {label}
        {optional ? " " : null}
        {optional ? <span className="font-normal text-faint">{t("optional")}</span> : null}
      </Base.Label>
      {children}
      {help ? <Base.Description className="text-xs text-muted-foreground">{help}</Base.Description> : null}
      {error ? (
        <Base.Error match className="flex items-start gap-1.5 text-xs text-brick-text">
          <Icon icon={CircleAlert} size={14} className="mt-px" />
          <span>{error}</span>
        </Base.Error>
      ) : null}
    </Base.Root>
  );
}

/** For groups of controls that share one question: radios, checkboxes, switches. */
export function FieldGroup({ legend, help, children }: { legend: ReactNode; help?: ReactNode; children: ReactNode }) {
  return (
    <fieldset className="flex min-w-0 flex-col gap-2">
      <legend className="mb-1.5 font-medium">{legend}</legend>
      {help ? <p className="-mt-1 text-xs text-muted-foreground">{help}</p> : null}
      {children}
    </fieldset>
  );
}
