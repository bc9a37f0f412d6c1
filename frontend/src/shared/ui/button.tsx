import { Button as Base } from "@base-ui/react/button";
import type { ComponentProps, ReactElement, ReactNode } from "react";
import { cx } from "./cx";
import { Icon, type IconType } from "./icons";
import { Kbd } from "./kbd";
import { Spinner, useLate } from "./spinner";
import { type Side, Tooltip } from "./tooltip";

export type ButtonVariant = "primary" | "outline" | "soft" | "ghost" | "danger" | "destructive";
export type ButtonSize = "sm" | "md" | "lg";

const variants: Record<ButtonVariant, string> = {
  primary: "bg-primary text-primary-foreground hover:bg-primary-hover",
  outline: "border border-border bg-raised shadow-tab hover:bg-hover",
  soft: "bg-hover hover:bg-selected",
  ghost: "text-muted-foreground hover:bg-hover hover:text-foreground",
  danger: "text-brick-text hover:bg-brick-tint",
  destructive: "bg-destructive text-destructive-foreground hover:opacity-90",
};

const sizes: Record<ButtonSize, string> = {
  sm: "h-7 px-2.5",
  md: "h-8 px-3",
  lg: "h-9 px-4",
};

export function buttonClass(variant: ButtonVariant = "outline", size: ButtonSize = "md", className?: string): string {
  return cx(
    "touch inline-flex flex-none items-center justify-center gap-1.5 rounded-sm font-medium whitespace-nowrap",
    "transition-[background-color,color,transform] duration-[90ms] active:translate-y-px",
    "data-disabled:pointer-events-none data-disabled:bg-selected data-disabled:text-muted-foreground data-disabled:border-transparent data-disabled:shadow-none",
    variants[variant],
    sizes[size],
    className,
  );
}

type BaseProps = ComponentProps<typeof Base>;

export interface ButtonProps extends Omit<BaseProps, "className" | "render"> {
  variant?: ButtonVariant;
  size?: ButtonSize;
  icon?: IconType;
  /** Shown at the right end; the key must really do what the button does. */
  keys?: readonly string[];
  /** Keeps the button in place and focusable while its deed is under way. */
  busy?: boolean;
  className?: string;
  /** A link that looks like a button. */
  render?: ReactElement<Record<string, unknown>>;
  children?: ReactNode;
}

export function Button({
  variant = "outline",
  size = "md",
  icon,
  keys,
  busy = false,
  className,
  children,
  disabled,
  render,
  type = "button",
  ...rest
}: ButtonProps) {
  const slow = useLate(busy, 400);
  return (
    <Base
      {...rest}
      {...(render ? { render, nativeButton: false } : { type })}
      disabled={disabled || busy}
      focusableWhenDisabled={busy}
      aria-busy={busy || undefined}
      className={buttonClass(variant, size, className)}
    >
      {slow ? <Spinner size={14} className="text-current" /> : icon ? <Icon icon={icon} size={15} /> : null}
      {children}
      {keys?.length ? (
        <Kbd
          keys={keys}
          className={cx(
            "ml-1",
            variant === "primary" && "[&_kbd]:border-current/40 [&_kbd]:bg-transparent [&_kbd]:text-current",
          )}
        />
      ) : null}
    </Base>
  );
}

export interface IconButtonProps extends Omit<BaseProps, "className" | "render" | "children" | "aria-label"> {
  icon: IconType;
  /** The accessible name and the tooltip. */
  label: string;
  keys?: readonly string[];
  size?: "xs" | "sm" | "md" | "lg";
  side?: Side;
  on?: boolean;
  className?: string;
  render?: ReactElement<Record<string, unknown>>;
}

const iconSizes = { xs: ["size-5", 13], sm: ["size-6", 14], md: ["size-7", 16], lg: ["size-11", 20] } as const;

export function IconButton({
  icon,
  label,
  keys,
  size = "md",
  side,
  on = false,
  className,
  render,
  type = "button",
  ...rest
}: IconButtonProps) {
  const [box, drawing] = iconSizes[size];
  return (
    <Tooltip label={label} keys={keys} side={side}>
      <Base
        {...rest}
        {...(render ? { render, nativeButton: false } : { type })}
        aria-label={label}
        className={cx(
          "touch grid flex-none place-items-center rounded-sm transition-colors duration-[120ms]",
          "data-disabled:pointer-events-none data-disabled:text-faint data-disabled:opacity-60",
          "data-popup-open:bg-selected data-popup-open:text-foreground",
          box,
          on ? "bg-selected text-foreground" : "text-muted-foreground hover:bg-hover hover:text-foreground",
          className,
        )}
      >
        <Icon icon={icon} size={drawing} />
      </Base>
    </Tooltip>
  );
}
