import type { ReactNode } from "react";
import { cx } from "./cx";
import { Icon, type IconType } from "./icons";

/** A heading with its actions at the right; the hairline comes from what follows. */
export function Section({
  title,
  actions,
  description,
  className,
  children,
}: {
  title: ReactNode;
  actions?: ReactNode;
  description?: ReactNode;
  className?: string;
  children: ReactNode;
}) {
  return (
    <section className={cx("min-w-0", className)}>
      <div className="flex min-h-8 flex-wrap items-center gap-2">
        <h2 className="grow font-semibold">{title}</h2>
        {actions}
      </div>
      {description ? <p className="mb-2 max-w-[38.5rem] text-muted-foreground">{description}</p> : null}
      {children}
    </section>
  );
}

/** A figure and its second line, several side by side between hairlines. */
export function FactStrip({ label, children }: { label: string; children: ReactNode }) {
  return (
    <section
      aria-label={label}
      className="grid grid-cols-2 gap-y-3 border-y border-border-soft py-3 @2xl:grid-flow-col @2xl:auto-cols-fr @2xl:grid-cols-none @2xl:divide-x @2xl:divide-border-soft"
    >
      {children}
    </section>
  );
}

export function Fact({ icon, value, detail }: { icon: IconType; value: ReactNode; detail?: ReactNode }) {
  return (
    <div className="flex items-start gap-2.5 pr-3 @2xl:px-5 @2xl:first:pl-0">
      <Icon icon={icon} className="mt-0.5 text-faint" />
      <div className="min-w-0">
        <div className="num font-medium">{value}</div>
        {detail ? <div className="num text-xs text-muted-foreground">{detail}</div> : null}
      </div>
    </div>
  );
}

/** Label left, value right, hairline below: for read-only facts about one thing. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className="border-t border-border-soft">{children}</dl>;
}

export function FactRow({ label, children }: { label: ReactNode; children: ReactNode }) {
  return (
    <div className="flex min-h-9 flex-wrap items-center gap-x-4 gap-y-1 border-b border-border-soft py-1.5">
      <dt className="w-44 flex-none text-muted-foreground">{label}</dt>
      <dd className="min-w-0 grow break-words">{children}</dd>
    </div>
  );
}
