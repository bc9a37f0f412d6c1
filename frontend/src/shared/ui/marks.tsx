import type { ReactNode } from "react";
import { cx } from "./cx";
import { Icon, type IconType } from "./icons";

type Tone = "neutral" | "primary" | "brass" | "brick";

const dots: Record<Tone, string> = {
  neutral: "bg-border-strong",
  primary: "bg-primary",
  brass: "bg-brass",
  brick: "bg-destructive",
};
const words: Record<Tone, string> = {
  neutral: "text-muted-foreground",
  primary: "text-foreground",
  brass: "text-brass-text",
  brick: "text-brick-text",
};

export function Dot({
  tone = "primary",
  hollow = false,
  className,
}: {
  tone?: Tone;
  hollow?: boolean;
  className?: string;
}) {
  return (
    <span
      aria-hidden="true"
      className={cx(
        "inline-block size-[7px] flex-none rounded-full",
        hollow
          ? tone === "brass"
            ? "border-[1.5px] border-brass"
            : "border-[1.5px] border-border-strong"
          : dots[tone],
        className,
      )}
    />
  );
}

/** A state is a shape and a word, never a colour alone. */
export function StateMark({ tone = "neutral", icon, children }: { tone?: Tone; icon?: IconType; children: ReactNode }) {
  return (
    <span className={cx("inline-flex items-center gap-2 align-middle whitespace-nowrap", words[tone])}>
      {icon ? <Icon icon={icon} size={15} /> : <Dot tone={tone} />}
      {children}
    </span>
  );
}

const badges: Record<Tone, string> = {
  neutral: "bg-selected text-muted-foreground",
  primary: "bg-primary-tint text-primary-text",
  brass: "bg-brass-tint text-brass-text",
  brick: "bg-brick-tint text-brick-text",
};

export function Badge({ tone = "neutral", children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span
      className={cx(
        "inline-flex h-[1.125rem] items-center rounded-xs px-1.5 text-2xs leading-none font-medium whitespace-nowrap",
        badges[tone],
      )}
    >
      {children}
    </span>
  );
}

const rem = (pixels: number) => `${pixels / 16}rem`;
const boxOf = (size: number, font: number) => ({ width: rem(size), height: rem(size), fontSize: rem(font) });

export function Avatar({
  initials,
  size = 24,
  look = "plain",
  className,
}: {
  initials: string;
  size?: number;
  /** `self` is the person at the screen, `pending` has not joined yet. */
  look?: "plain" | "self" | "pending";
  className?: string;
}) {
  return (
    <span
      aria-hidden="true"
      className={cx(
        "inline-grid flex-none place-items-center rounded-full leading-none font-semibold [word-spacing:0]",
        look === "plain" && "bg-selected text-foreground",
        look === "self" && "bg-primary text-primary-foreground",
        look === "pending" && "border border-dashed border-border-strong text-muted-foreground",
        className,
      )}
      style={boxOf(size, size <= 20 ? 8.5 : size <= 28 ? 10 : size <= 40 ? 12 : 16)}
    >
      {initials}
    </span>
  );
}

/** Two letters like an element in the periodic table: models have no logos here. */
export function ModelTile({ code, size = 20, className }: { code: string; size?: number; className?: string }) {
  return (
    <span
      aria-hidden="true"
      className={cx(
        "inline-grid flex-none place-items-center rounded-[5px] border border-border bg-raised leading-none font-semibold text-muted-foreground [word-spacing:0]",
        className,
      )}
      style={boxOf(size, size <= 18 ? 9 : size <= 20 ? 9.5 : 11)}
    >
      {code}
    </span>
  );
}

export function ProgressBar({
  label,
  value,
  max = 100,
  tone = "primary",
  className,
}: {
  label: string;
  /** null while the end is not known: the bar is empty and the words beside it tell. */
  value: number | null;
  max?: number;
  tone?: "primary" | "brass" | "brick";
  className?: string;
}) {
  const share = value === null || max <= 0 ? 0 : Math.min(100, Math.max(0, (value / max) * 100));
  return (
    <span
      role="progressbar"
      aria-label={label}
      aria-valuenow={value === null ? undefined : Math.round(share)}
      aria-valuemin={0}
      aria-valuemax={100}
      className={cx("block h-1 w-full overflow-hidden rounded-full bg-selected", className)}
    >
      <span
        className={cx("block h-full rounded-full", tone === "primary" ? "bg-primary" : dots[tone])}
        style={{ width: `${share}%` }}
      />
    </span>
  );
}

/** Share of a limit as a ring: brass above four fifths, brick when it is over. */
export function Ring({ share, size = 16 }: { share: number; size?: number }) {
  const length = 2 * Math.PI * 6;
  const tone = share > 1 ? "text-destructive" : share > 0.8 ? "text-brass" : "text-primary";
  return (
    <svg aria-hidden="true" className={tone} width={rem(size)} height={rem(size)} viewBox="0 0 16 16" fill="none">
      <circle cx="8" cy="8" r="6" stroke="var(--border)" strokeWidth="2.5" />
      <circle
        cx="8"
        cy="8"
        r="6"
        stroke="currentColor"
        strokeWidth="2.5"
        strokeLinecap="round"
        strokeDasharray={`${(length * Math.min(1, share)).toFixed(2)} ${length.toFixed(2)}`}
        transform="rotate(-90 8 8)"
      />
    </svg>
  );
}
