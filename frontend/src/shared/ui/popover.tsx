import { Popover as Base } from "@base-ui/react/popover";
import type { ReactElement, ReactNode, RefObject } from "react";
import { cx } from "./cx";
import { useOverlayRoot } from "./overlays";
import { popupClass } from "./popup";
import type { Side } from "./tooltip";

export function Popover({
  trigger,
  title,
  label,
  initialFocus,
  side = "bottom",
  align = "start",
  open,
  onOpenChange,
  className,
  children,
}: {
  trigger: ReactElement<Record<string, unknown>>;
  title?: ReactNode;
  /** Names it where no title is shown. */
  label?: string;
  /** What the keyboard starts at, if not the first control. */
  initialFocus?: RefObject<HTMLElement | null>;
  side?: Side;
  align?: "start" | "center" | "end";
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
  className?: string;
  children: ReactNode;
}) {
  return (
    <Base.Root open={open} onOpenChange={onOpenChange}>
      <Base.Trigger render={trigger} />
      <Base.Portal container={useOverlayRoot()}>
        <Base.Positioner side={side} align={align} sideOffset={6} collisionPadding={8} className="z-50">
          <Base.Popup
            aria-label={label}
            initialFocus={initialFocus}
            className={cx(popupClass, "max-w-[min(27.5rem,calc(100vw-1rem))] p-4", className)}
          >
            {title ? <Base.Title className="mb-2 text-md font-semibold">{title}</Base.Title> : null}
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
