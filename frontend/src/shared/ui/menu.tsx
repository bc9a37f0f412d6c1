import { ContextMenu as BaseContext } from "@base-ui/react/context-menu";
import { Menu as Base } from "@base-ui/react/menu";
import { Check, ChevronRight } from "lucide-react";
import type { ReactElement, ReactNode } from "react";
import { cx } from "./cx";
import { Icon, type IconType } from "./icons";
import { Kbd } from "./kbd";
import { useOverlayRoot } from "./overlays";
import { itemClass, popupClass } from "./popup";
import type { Side } from "./tooltip";

export type MenuEntry =
  | {
      kind?: "item";
      label: string;
      icon?: IconType;
      keys?: readonly string[];
      danger?: boolean;
      disabled?: boolean;
      onSelect: () => void;
    }
  | {
      kind: "radio";
      label: string;
      value: string;
      options: readonly { value: string; label: string; icon?: IconType }[];
      onChange: (value: string) => void;
    }
  | { kind: "sub"; label: string; icon?: IconType; aside?: ReactNode; entries: readonly MenuEntry[] }
  | { kind: "separator" }
  | { kind: "caption"; label: string };

const popup = cx(popupClass, "min-w-48 max-w-[calc(100vw-1rem)] p-1");

function Entries({ entries }: { entries: readonly MenuEntry[] }) {
  return entries.map((entry, index) => {
    switch (entry.kind) {
      case "separator":
        // biome-ignore lint/suspicious/noArrayIndexKey: a separator has no identity but its place
        return <Base.Separator key={index} className="mx-2 my-1 h-px bg-border-soft" />;
      case "caption":
        return (
          <div key={entry.label} className="cap px-2.5 pt-2 pb-1">
            {entry.label}
          </div>
        );
      case "radio":
        return (
          <Base.RadioGroup
            key={entry.label}
            value={entry.value}
            onValueChange={entry.onChange}
            aria-label={entry.label}
          >
            {entry.options.map((option) => (
              <Base.RadioItem key={option.value} value={option.value} closeOnClick className={itemClass}>
                {option.icon ? <Icon icon={option.icon} size={15} className="text-faint" /> : null}
                <span className="grow">{option.label}</span>
                <span className="w-4">
                  <Base.RadioItemIndicator>
                    <Icon icon={Check} size={15} className="text-primary-text" />
                  </Base.RadioItemIndicator>
                </span>
              </Base.RadioItem>
            ))}
          </Base.RadioGroup>
        );
      case "sub":
        return (
          <Base.SubmenuRoot key={entry.label}>
            <Base.SubmenuTrigger className={cx(itemClass, "data-popup-open:bg-hover")}>
              {entry.icon ? <Icon icon={entry.icon} size={15} className="text-faint" /> : null}
              <span className="grow">{entry.label}</span>
              {entry.aside ? <span className="text-faint">{entry.aside}</span> : null}
              <Icon icon={ChevronRight} size={14} className="text-faint" />
            </Base.SubmenuTrigger>
            <Base.Portal>
              <Base.Positioner sideOffset={2} alignOffset={-4} collisionPadding={8} className="z-50 outline-none">
                <Base.Popup className={popup}>
                  <Entries entries={entry.entries} />
                </Base.Popup>
              </Base.Positioner>
            </Base.Portal>
          </Base.SubmenuRoot>
        );
      default:
        return (
          <Base.Item
            key={entry.label}
            disabled={entry.disabled}
            onClick={entry.onSelect}
            className={cx(itemClass, entry.danger && "text-brick-text data-highlighted:bg-brick-tint")}
          >
            {entry.icon ? (
              <Icon icon={entry.icon} size={15} className={entry.danger ? undefined : "text-faint"} />
            ) : null}
            <span className="grow">{entry.label}</span>
            {entry.keys?.length ? <Kbd keys={entry.keys} className="ml-4" /> : null}
          </Base.Item>
        );
    }
  });
}

export function Menu({
  trigger,
  entries,
  side = "bottom",
  align = "end",
  header,
  defaultOpen,
}: {
  trigger: ReactElement<Record<string, unknown>>;
  entries: readonly MenuEntry[];
  side?: Side;
  align?: "start" | "center" | "end";
  header?: ReactNode;
  /** For a menu that is only made when somebody asks for it. */
  defaultOpen?: boolean;
}) {
  return (
    <Base.Root defaultOpen={defaultOpen}>
      <Base.Trigger render={trigger} />
      <Base.Portal container={useOverlayRoot()}>
        <Base.Positioner side={side} align={align} sideOffset={6} collisionPadding={8} className="z-50 outline-none">
          <Base.Popup className={popup}>
            {header}
            <Entries entries={entries} />
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

/** The same entries as the visible menu: a context menu never holds something that cannot be reached otherwise. */
export function ContextMenu({
  entries,
  children,
}: {
  entries: readonly MenuEntry[];
  children: ReactElement<Record<string, unknown>>;
}) {
  return (
    <BaseContext.Root>
      <BaseContext.Trigger render={children} />
      <Base.Portal container={useOverlayRoot()}>
        <Base.Positioner className="z-50 outline-none" collisionPadding={8}>
          <Base.Popup className={popup}>
            <Entries entries={entries} />
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </BaseContext.Root>
  );
}
