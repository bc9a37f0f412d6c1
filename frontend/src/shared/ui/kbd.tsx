import { Fragment } from "react";
import { cx } from "./cx";

export const kbdClass =
  "inline-flex h-[1.125rem] items-center rounded-xs border border-border bg-sunken px-[5px] font-sans text-2xs leading-none font-medium whitespace-nowrap text-muted-foreground [word-spacing:0]";

/** Without a keyboard there is nothing to show. One key or chord per box: `<Kbd keys={["Ctrl K"]} />`; a sequence has several boxes. */
export function Kbd({ keys, className }: { keys: readonly string[]; className?: string }) {
  return (
    <span className={cx("inline-flex items-center gap-[3px] pointer-coarse:hidden", className)}>
      {keys.map((key, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a sequence may repeat a key, and it never reorders
        <Fragment key={index}>
          <kbd className={kbdClass}>{key}</kbd>
        </Fragment>
      ))}
    </span>
  );
}
