import { Outlet, useLocation, useRouterState } from "@tanstack/react-router";
import { PanelRightClose } from "lucide-react";
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { matchRoute } from "@/shared/frame/feature";
import { SheetContext, type SheetValue } from "@/shared/frame/sheet";
import { useHasThreePanes, useIsPhone } from "@/shared/frame/use-media";
import { useTexts } from "@/shared/i18n/texts";
import { useAction, useBinding } from "@/shared/keys/use-keys";
import { useMe } from "@/shared/session/queries";
import { IconButton } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { name } from "../desk/desk";
import { deskStore, useDesk } from "../desk/store";
import { routes } from "../features";
import { Boundary, ForbiddenPage } from "../states";
import { appTexts } from "../texts";
import { type Pane, usePanes, useTabOfPlace } from "../workspace";
import { Resizer } from "./Resizer";

const Sheet = lazy(() => import("./LazySheet"));

/** One sheet: the screen of its tab, its inspector, and a wall around both. */
export function SheetArea({ pane }: { pane: Pane }) {
  const t = useTexts(appTexts);
  const panes = usePanes();
  const desk = useDesk();
  const isPhone = useIsPhone();
  const threePanes = useHasThreePanes();
  const { tabNow, place } = useTabOfPlace(pane);
  // While the next screen loads, the old one still stands here under the new address: it has no say in its name.
  const isLoading = useRouterState({ select: (state) => state.isLoading });
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const [inspector, announceInspector] = useState<string | null>(null);
  // A sheet from below covers the work, so on a phone it comes only when it is asked for here and now.
  const [isOpenOnPhone, setOpenOnPhone] = useState(false);
  const isFocused = panes.focused === pane;
  const inspectorKeys = useBinding("inspector");

  const setOpen = useCallback(
    (open: boolean) => {
      if (isPhone) setOpenOnPhone(open);
      else {
        deskStore.update((current) =>
          current.inspector.open === open ? current : { ...current, inspector: { ...current.inspector, open } },
        );
      }
    },
    [isPhone],
  );
  const hasInspector = inspector !== null;
  const isOpen = hasInspector && (isPhone ? isOpenOnPhone : desk.inspector.open);
  const { setInspector } = panes;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the setter is made anew with every change of the panes
  useEffect(() => setInspector(pane, hasInspector), [pane, hasInspector]);
  useAction("inspector", () => setOpen(!isOpen), { enabled: hasInspector && isFocused });

  const nameTab = useCallback<SheetValue["nameTab"]>(
    ({ title, state }) => {
      const named = tabNow.current;
      if (named && !isLoading) deskStore.update((current) => name(current, named, title, state ?? null));
    },
    [tabNow, isLoading],
  );
  const sheet = useMemo<SheetValue>(
    () => ({
      pane,
      place,
      isFocused,
      nameTab,
      inspectorSlot: isOpen ? slot : null,
      announceInspector,
      isInspectorOpen: isOpen,
      setInspectorOpen: setOpen,
    }),
    [pane, place, isFocused, nameTab, isOpen, slot, setOpen],
  );

  const width = desk.inspector.width;
  const beside = threePanes && !panes.isSplit;
  const { share } = desk.split;
  const grow = !panes.isSplit ? 1 : pane === "main" ? share : 100 - share;
  return (
    <SheetContext.Provider value={sheet}>
      <div
        onPointerDownCapture={isFocused ? undefined : () => panes.focus(pane)}
        onFocusCapture={isFocused ? undefined : () => panes.focus(pane)}
        className={cx(
          "relative flex min-h-0 min-w-0 basis-0 overflow-hidden bg-background",
          !isPhone && "rounded-lg border shadow-tab",
          !isPhone && (panes.isSplit && isFocused ? "border-border-strong" : "border-border"),
        )}
        style={{ flexGrow: grow }}
      >
        <Boundary resetKey={place}>
          <Allowed>
            <Outlet />
          </Allowed>
        </Boundary>
        {isOpen && isPhone ? (
          <Suspense>
            <Sheet open onOpenChange={setOpen} title={inspector}>
              <div ref={setSlot} className="flex min-h-[64dvh] flex-col" />
            </Sheet>
          </Suspense>
        ) : null}
        {isOpen && !isPhone ? (
          <aside
            className={cx(
              "flex min-h-0 flex-none flex-col border-l border-border bg-background",
              beside ? "relative" : "absolute inset-y-0 right-0 z-20 max-w-[85%] shadow-pop",
            )}
            style={{ width: `${width / 16}rem` }}
          >
            <Resizer
              label={t("resizeInspector")}
              value={width}
              min={360}
              max={640}
              usual={440}
              grows="left"
              onChange={(next) =>
                deskStore.update((current) => ({ ...current, inspector: { ...current.inspector, width: next } }))
              }
              className="inset-y-0 -left-1"
            />
            <div className="absolute top-2.5 right-3 z-10">
              <IconButton
                icon={PanelRightClose}
                label={t("hideInspector")}
                keys={inspectorKeys}
                onClick={() => setOpen(false)}
              />
            </div>
            <div ref={setSlot} className="flex min-h-0 grow flex-col" />
          </aside>
        ) : null}
      </div>
    </SheetContext.Provider>
  );
}

/** A screen that is not for this person says so instead of loading and failing. */
function Allowed({ children }: { children: ReactNode }) {
  const me = useMe();
  const { pathname } = useLocation();
  const route = matchRoute(routes, pathname)?.route;
  return route?.visible && !route.visible(me) ? <ForbiddenPage /> : children;
}
