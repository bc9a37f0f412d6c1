import { Tabs as Base } from "@base-ui/react/tabs";
import type { ReactNode } from "react";
import { cx } from "./cx";

export interface TabItem<Value extends string> {
  value: Value;
  label: ReactNode;
  count?: ReactNode;
  panel?: ReactNode;
}

/** `line` under page heads, `chip` in the inspector and as filters. */
export function Tabs<Value extends string>({
  label,
  items,
  value,
  onChange,
  look = "line",
  className,
}: {
  label: string;
  items: readonly TabItem<Value>[];
  value: Value;
  onChange: (value: Value) => void;
  look?: "line" | "chip";
  className?: string;
}) {
  return (
    <Base.Root value={value} onValueChange={(next) => onChange(next as Value)} className={cx("min-w-0", className)}>
      <Base.List
        aria-label={label}
        activateOnFocus={false}
        className={cx("flex min-w-0 overflow-x-auto", look === "line" ? "gap-5 border-b border-border" : "gap-1")}
      >
        {items.map((item) => (
          <Base.Tab
            key={item.value}
            value={item.value}
            className={cx(
              "touch flex flex-none items-center gap-1.5 whitespace-nowrap text-muted-foreground hover:text-foreground focus-visible:-outline-offset-2 data-active:font-medium data-active:text-foreground",
              look === "line"
                ? "h-10 border-b-2 border-transparent data-active:border-primary"
                : "h-8 rounded-sm px-2.5 hover:bg-hover data-active:bg-selected",
            )}
          >
            {item.label}
            {item.count === undefined ? null : <span className="num text-xs text-faint">{item.count}</span>}
          </Base.Tab>
        ))}
      </Base.List>
      {items.map((item) =>
        item.panel === undefined ? null : (
          <Base.Panel key={item.value} value={item.value} className="outline-offset-4">
            {item.panel}
          </Base.Panel>
        ),
      )}
    </Base.Root>
  );
}

/** Exclusive filters with counts, and small choices such as light, dark, system. */
export function Segmented<Value extends string>({
  label,
  items,
  value,
  onChange,
  className,
}: {
  label: string;
  items: readonly { value: Value; label: ReactNode; count?: ReactNode }[];
  value: Value;
  onChange: (value: Value) => void;
  className?: string;
}) {
  return (
    <fieldset aria-label={label} className={cx("flex min-w-0 flex-wrap gap-1", className)}>
      {items.map((item) => (
        <button
          key={item.value}
          type="button"
          aria-pressed={item.value === value}
          onClick={() => onChange(item.value)}
          className={cx(
            "touch flex h-8 items-center gap-1.5 rounded-sm px-2.5 whitespace-nowrap transition-colors duration-[120ms]",
            item.value === value
              ? "bg-selected font-medium"
              : "text-muted-foreground hover:bg-hover hover:text-foreground",
          )}
        >
          {item.label}
          {item.count === undefined ? null : <span className="num text-xs text-faint">{item.count}</span>}
        </button>
      ))}
    </fieldset>
  );
}
