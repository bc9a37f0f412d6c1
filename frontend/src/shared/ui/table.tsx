import { ArrowDown, ArrowUp } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import { cx } from "./cx";
import { Icon } from "./icons";

/** Hairlines, no zebra; figures right. The caption is for readers of the screen unless `showCaption`. */
export function Table({
  caption,
  className,
  children,
  ...rest
}: { caption: string; children: ReactNode } & Omit<ComponentProps<"table">, "caption">) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="min-w-0 overflow-x-auto" tabIndex={0} aria-label={caption}>
      <table {...rest} className={cx("w-full border-collapse [&_td+td]:pl-4 [&_th+th]:pl-4", className)}>
        <caption className="sr-only">{caption}</caption>
        {children}
      </table>
    </section>
  );
}

export function TableHead({ children }: { children: ReactNode }) {
  return (
    <thead className="text-left text-xs text-faint">
      <tr className="h-8 border-b border-border">{children}</tr>
    </thead>
  );
}

export type Sort = "ascending" | "descending" | "none";

export function Th({
  children,
  right = false,
  sort,
  onSort,
  className,
  ...rest
}: { children?: ReactNode; right?: boolean; sort?: Sort; onSort?: () => void } & ComponentProps<"th">) {
  return (
    <th
      scope="col"
      {...rest}
      aria-sort={onSort ? (sort ?? "none") : undefined}
      className={cx("font-normal whitespace-nowrap", right && "text-right", className)}
    >
      {onSort ? (
        <button
          type="button"
          onClick={onSort}
          className={cx(
            "touch inline-flex items-center gap-1 rounded-xs hover:text-foreground",
            sort !== "none" && sort && "text-foreground",
          )}
        >
          {children}
          {sort === "ascending" ? <Icon icon={ArrowUp} size={12} /> : null}
          {sort === "descending" ? <Icon icon={ArrowDown} size={12} /> : null}
        </button>
      ) : (
        children
      )}
    </th>
  );
}

export function Tr({ className, selected, ...rest }: ComponentProps<"tr"> & { selected?: boolean }) {
  return (
    <tr
      {...rest}
      className={cx("h-10 border-b border-border-soft", selected ? "bg-primary-tint" : "hover:bg-hover/60", className)}
    />
  );
}

export function Td({ className, right = false, ...rest }: ComponentProps<"td"> & { right?: boolean }) {
  return <td {...rest} className={cx(right && "text-right whitespace-nowrap num", className)} />;
}
