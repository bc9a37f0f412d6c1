import { Drawer as Base } from "@base-ui/react/drawer";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { useTexts } from "../i18n/texts";
import { IconButton } from "./button";
import { cx } from "./cx";
import { backdropClass } from "./dialog";
import { DialogContent } from "./overlays";
import { uiTexts } from "./texts";

type Edge = "left" | "right" | "bottom";

const edges: Record<Edge, string> = {
  left: "inset-y-0 left-0 w-80 max-w-[85vw] data-starting-style:-translate-x-full data-ending-style:-translate-x-full",
  right:
    "inset-y-0 right-0 w-[27.5rem] max-w-[92vw] data-starting-style:translate-x-full data-ending-style:translate-x-full",
  bottom:
    "inset-x-0 bottom-0 max-h-[94dvh] rounded-t-[1.125rem] pb-[env(safe-area-inset-bottom)] data-starting-style:translate-y-full data-ending-style:translate-y-full",
};

const swipes = { left: "left", right: "right", bottom: "down" } as const;

/** A panel that slides over the work: the drawer at the left, the inspector at the right, sheets from below. */
export function Sheet({
  open,
  onOpenChange,
  edge = "bottom",
  title,
  hideTitle = false,
  children,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  edge?: Edge;
  title: string;
  hideTitle?: boolean;
  children: ReactNode;
}) {
  const t = useTexts(uiTexts);
  return (
    <Base.Root open={open} onOpenChange={onOpenChange} swipeDirection={swipes[edge]}>
      <DialogContent>
        <Base.Portal>
          <Base.Backdrop className={backdropClass} />
          <Base.Viewport className="fixed inset-0 z-40">
            <Base.Popup
              className={cx(
                "panel-motion fixed flex flex-col overflow-hidden shadow-dialog outline-none",
                "[transform:translate(var(--drawer-swipe-movement-x,0),var(--drawer-swipe-movement-y,0))] data-swiping:duration-0",
                edge === "left" ? "bg-frame" : "bg-raised",
                edges[edge],
              )}
            >
              {edge === "bottom" ? (
                <div aria-hidden="true" className="grid h-5 flex-none place-items-center">
                  <span className="h-1 w-9 rounded-full bg-border-strong/60" />
                </div>
              ) : null}
              <header className={cx("flex flex-none items-center gap-2 px-4", hideTitle ? "sr-only" : "h-11")}>
                <Base.Title className="grow truncate text-md font-semibold">{title}</Base.Title>
                <Base.Close render={<IconButton icon={X} size="lg" label={t("close")} className="-mr-3" />} />
              </header>
              <Base.Content className="flex min-h-0 grow flex-col overflow-y-auto overscroll-contain">
                {children}
              </Base.Content>
            </Base.Popup>
          </Base.Viewport>
        </Base.Portal>
      </DialogContent>
    </Base.Root>
  );
}
