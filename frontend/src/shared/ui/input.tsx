import { Field as BaseField } from "@base-ui/react/field";
import { Eye, EyeOff, Search, X } from "lucide-react";
import { type ComponentProps, type KeyboardEvent, type ReactNode, type Ref, useRef, useState } from "react";
import { useTexts } from "../i18n/texts";
import { IconButton } from "./button";
import { cx } from "./cx";
import { Icon, type IconType } from "./icons";
import { Kbd } from "./kbd";
import { uiTexts } from "./texts";

export const controlClass = cx(
  "w-full min-w-0 rounded-sm border border-border-strong bg-raised text-sm",
  "hover:border-muted-foreground focus-visible:outline-offset-0",
  "disabled:border-border disabled:bg-sunken disabled:text-muted-foreground data-disabled:border-border data-disabled:bg-sunken data-disabled:text-muted-foreground",
  "data-invalid:border-destructive aria-invalid:border-destructive",
  // 16 px keeps phones from zooming into the field.
  "pointer-coarse:text-[1rem]",
);

type InputProps = Omit<ComponentProps<typeof BaseField.Control>, "className" | "render"> & {
  className?: string;
  icon?: IconType;
  suffix?: ReactNode;
  ref?: Ref<HTMLInputElement>;
};

export function Input({ className, icon, suffix, ...rest }: InputProps) {
  if (!icon && !suffix) {
    return <BaseField.Control {...rest} className={cx(controlClass, "h-9 px-3 pointer-coarse:h-11", className)} />;
  }
  return (
    <span className={cx("relative flex items-center", className)}>
      {icon ? <Icon icon={icon} size={15} className="pointer-events-none absolute left-3 text-faint" /> : null}
      <BaseField.Control
        {...rest}
        className={cx(controlClass, "h-9 px-3 pointer-coarse:h-11", icon && "pl-9", Boolean(suffix) && "pr-10")}
      />
      {suffix ? <span className="absolute right-1.5 flex items-center text-muted-foreground">{suffix}</span> : null}
    </span>
  );
}

export function PasswordInput(props: Omit<InputProps, "type" | "suffix">) {
  const t = useTexts(uiTexts);
  const [shown, setShown] = useState(false);
  return (
    <Input
      {...props}
      type={shown ? "text" : "password"}
      spellCheck={false}
      autoCapitalize="none"
      suffix={
        <IconButton
          icon={shown ? EyeOff : Eye}
          label={shown ? t("hidePassword") : t("showPassword")}
          onClick={() => setShown(!shown)}
        />
      }
    />
  );
}

type TextareaProps = Omit<ComponentProps<"textarea">, "className"> & { className?: string };

/** Grows with its text between `rows` and twelve lines. */
export function Textarea({ className, rows = 3, ...rest }: TextareaProps) {
  return (
    <BaseField.Control
      render={<textarea rows={rows} {...rest} />}
      className={cx(controlClass, "field-sizing-content max-h-80 min-h-16 resize-y px-3 py-2", className)}
    />
  );
}

/** Searches what is below it; Esc empties it before it leaves it. */
export function SearchField({
  label,
  value,
  onChange,
  keys,
  className,
  size = "md",
  inputRef,
  onKeyDown,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  onKeyDown?: (event: KeyboardEvent<HTMLInputElement>) => void;
  keys?: readonly string[];
  className?: string;
  size?: "sm" | "md";
  inputRef?: Ref<HTMLInputElement>;
}) {
  const t = useTexts(uiTexts);
  const own = useRef<HTMLInputElement>(null);
  return (
    <span className={cx("relative flex items-center", className)}>
      <Icon icon={Search} size={14} className="pointer-events-none absolute left-2.5 text-faint" />
      <input
        ref={(element) => {
          own.current = element;
          if (typeof inputRef === "function") inputRef(element);
          else if (inputRef) inputRef.current = element;
        }}
        type="search"
        aria-label={label}
        placeholder={label}
        value={value}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape" && value) {
            event.stopPropagation();
            onChange("");
          } else onKeyDown?.(event);
        }}
        className={cx(
          "w-full min-w-0 rounded-sm border border-border bg-background pr-8 pl-8 hover:border-border-strong focus-visible:outline-offset-0 pointer-coarse:h-11 pointer-coarse:text-[1rem] [&::-webkit-search-cancel-button]:hidden",
          size === "sm" ? "h-7" : "h-8",
        )}
      />
      <span className="absolute right-1 flex items-center">
        {value ? (
          <IconButton
            icon={X}
            size="sm"
            label={t("clearSearch")}
            onClick={() => {
              onChange("");
              own.current?.focus();
            }}
          />
        ) : keys?.length ? (
          <Kbd keys={keys} />
        ) : null}
      </span>
    </span>
  );
}
