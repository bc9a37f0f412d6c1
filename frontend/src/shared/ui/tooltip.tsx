import { Tooltip as Base } from "@base-ui/react/tooltip";
import type { ReactElement, ReactNode } from "react";
import { Kbd } from "./kbd";
import { useOverlayRoot } from "./overlays";

export type Side = "top" | "right" | "bottom" | "left";

/** Half a second, then name and key. The trigger must carry its own accessible name. */
export function Tooltip({
  label,
  keys,
  side = "bottom",
  children,
}: {
  label: ReactNode;
  keys?: readonly string[];
  side?: Side;
  children: ReactElement<Record<string, unknown>>;
}) {
  return (
    <Base.Root>
      <Base.Trigger delay={500} render={children} />
      <Base.Portal container={useOverlayRoot()}>
        <Base.Positioner side={side} sideOffset={6} collisionPadding={8} className="z-50">
          <Base.Popup className="fade flex max-w-80 items-center gap-2 rounded-sm bg-raised px-2 py-1 text-xs shadow-pop">
            <span>{label}</span>
            {keys?.length ? <Kbd keys={keys} /> : null}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
