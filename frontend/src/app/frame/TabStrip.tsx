import { ChevronDown, Columns2, PanelLeftOpen, PanelRightOpen, Plus, X } from "lucide-react";
import { type PointerEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import { matchRoute } from "@/shared/frame/feature";
import type { TabState } from "@/shared/frame/sheet";
import { StateDot } from "@/shared/frame/sidebar";
import { useTexts } from "@/shared/i18n/texts";
import { runAction, useBinding } from "@/shared/keys/use-keys";
import { IconButton } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { Icon } from "@/shared/ui/icons";
import { ContextMenu, Menu } from "@/shared/ui/menu";
import { Tooltip } from "@/shared/ui/tooltip";
import { move, type Tab } from "../desk/desk";
import { deskStore, useDesk } from "../desk/store";
import { routes } from "../features";
import { appTexts } from "../texts";
import { usePanes } from "../workspace";

const DRAG_AFTER_PX = 6;

/** State first (it runs, it has news, it holds a draft), else what kind of thing it is. */
export function TabMark({ tab }: { tab: Pick<Tab, "path" | "state"> }) {
  const state = (tab.state ?? null) as TabState | null;
  if (state) return <StateDot state={state} />;
  const icon = matchRoute(routes, tab.path)?.route.icon;
  return icon ? <Icon icon={icon} size={14} className="text-faint" /> : null;
}

/** With `onSidebar` the strip begins with the way to a sidebar that is not in sight. */
export function TabStrip({ onSidebar }: { onSidebar?: () => void }) {
  const t = useTexts(appTexts);
  const desk = useDesk();
  const panes = usePanes();
  const strip = useRef<HTMLElement>(null);
  const [overflows, setOverflows] = useState(false);
  const newKeys = useBinding("tabs.new");
  const splitKeys = useBinding("tabs.split");
  const sidebarKeys = useBinding("sidebar");
  const inspectorKeys = useBinding("inspector");
  const drag = useDragOrder();

  // biome-ignore lint/correctness/useExhaustiveDependencies: measured again whenever the tabs change
  useLayoutEffect(() => {
    const element = strip.current;
    if (!element) return;
    const measure = () => setOverflows(element.scrollWidth > element.clientWidth + 1);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [desk.tabs]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new tab in front scrolls into view
  useEffect(() => {
    strip.current?.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [panes.shown.main, desk.tabs.length]);

  return (
    <div className="flex min-w-0 items-center gap-1 pr-2">
      {onSidebar ? (
        <IconButton icon={PanelLeftOpen} label={t("showSidebar")} keys={sidebarKeys} onClick={onSidebar} />
      ) : null}
      <nav
        ref={strip}
        id="tabs"
        tabIndex={-1}
        aria-label={t("openTabs")}
        className="-my-1 -ml-1 flex min-w-0 items-center gap-1 overflow-x-auto py-1 pl-1 outline-none [scrollbar-width:none]"
      >
        {desk.tabs.map((tab, index) => (
          <StripTab key={tab.id} tab={tab} index={index} count={desk.tabs.length} drag={drag} />
        ))}
      </nav>
      {overflows ? (
        <Menu
          align="end"
          trigger={<IconButton icon={ChevronDown} label={t("moreTabs")} />}
          entries={desk.tabs.map((tab) => ({ label: tab.title, onSelect: () => panes.activate(tab.id) }))}
        />
      ) : null}
      <IconButton icon={Plus} label={t("newTab")} keys={newKeys} onClick={() => panes.open("/", "new")} />
      <span className="grow" />
      {panes.hasInspector[panes.focused] && !desk.inspector.open ? (
        <IconButton
          icon={PanelRightOpen}
          label={t("showInspector")}
          keys={inspectorKeys}
          onClick={() => runAction("inspector")}
        />
      ) : null}
      <IconButton
        icon={Columns2}
        label={panes.isSplit ? t("unsplit") : t("split")}
        keys={splitKeys}
        on={panes.isSplit}
        aria-pressed={panes.isSplit}
        onClick={() => (panes.isSplit ? panes.unsplit() : panes.split())}
      />
    </div>
  );
}

function StripTab({ tab, index, count, drag }: { tab: Tab; index: number; count: number; drag: DragOrder }) {
  const t = useTexts(appTexts);
  const panes = usePanes();
  const desk = useDesk();
  const closeKeys = useBinding("tabs.close");
  const isShown = tab.id === panes.shown.main || tab.id === panes.shown.second;
  const isFront = tab.id === panes.shown[panes.focused];
  return (
    <ContextMenu
      entries={[
        { label: t("tabMenuClose"), keys: closeKeys, onSelect: () => panes.close(tab.id) },
        { label: t("tabMenuCloseOthers"), disabled: count < 2, onSelect: () => panes.closeOthers(tab.id) },
        { label: t("tabMenuReopen"), disabled: desk.closed.length === 0, onSelect: () => panes.reopen() },
        { kind: "separator" },
        {
          label: t("tabMenuSplit"),
          disabled: tab.id === panes.shown.main,
          onSelect: () => panes.split(tab.id),
        },
        {
          label: t("tabMenuLeft"),
          disabled: index === 0,
          onSelect: () => deskStore.update((current) => move(current, tab.id, index - 1)),
        },
        {
          label: t("tabMenuRight"),
          disabled: index === count - 1,
          onSelect: () => deskStore.update((current) => move(current, tab.id, index + 1)),
        },
      ]}
    >
      <div
        data-tab={tab.id}
        {...drag.handlers(tab.id)}
        className={cx(
          "group flex h-8 max-w-[14.5rem] min-w-24 flex-[0_1_auto] items-center gap-2 rounded-md pl-3 data-popup-open:bg-hover",
          isFront
            ? "bg-background pr-1.5 font-medium text-foreground shadow-tab ring-1 ring-border"
            : isShown
              ? "bg-background pr-1.5 text-foreground ring-1 ring-border"
              : "pr-1.5 text-muted-foreground hover:bg-hover",
          drag.isDragging(tab.id) && "opacity-70",
        )}
      >
        <TabMark tab={tab} />
        <Tooltip label={tab.title}>
          <a
            href={tab.path}
            aria-current={isFront ? "page" : undefined}
            draggable={false}
            className="min-w-0 grow truncate rounded-xs"
            onClick={(event) => {
              if (event.shiftKey) return;
              event.preventDefault();
              panes.activate(tab.id);
            }}
            onAuxClick={(event) => {
              if (event.button !== 1) return;
              event.preventDefault();
              panes.close(tab.id);
            }}
          >
            {tab.title}
          </a>
        </Tooltip>
        <button
          type="button"
          aria-label={t("closeTab", { title: tab.title })}
          onClick={() => panes.close(tab.id)}
          className={cx(
            "touch grid size-5 flex-none place-items-center rounded-xs text-faint hover:bg-hover hover:text-foreground",
            !isShown && "opacity-0 group-hover:opacity-100 focus-visible:opacity-100 pointer-coarse:opacity-100",
          )}
        >
          <Icon icon={X} size={13} />
        </button>
      </div>
    </ContextMenu>
  );
}

interface DragOrder {
  isDragging: (id: string) => boolean;
  handlers: (id: string) => {
    onPointerDown: (event: PointerEvent<HTMLElement>) => void;
    onPointerMove: (event: PointerEvent<HTMLElement>) => void;
    onPointerUp: (event: PointerEvent<HTMLElement>) => void;
    onPointerCancel: (event: PointerEvent<HTMLElement>) => void;
    onClickCapture: (event: React.MouseEvent) => void;
  };
}

/** Reorders while dragging; the context menu offers the same by steps. */
function useDragOrder(): DragOrder {
  const start = useRef<{ id: string; x: number; pointer: number } | null>(null);
  const moved = useRef(false);
  const [dragging, setDragging] = useState<string | null>(null);
  const end = (event: PointerEvent<HTMLElement>) => {
    if (dragging) event.currentTarget.releasePointerCapture(event.pointerId);
    start.current = null;
    setDragging(null);
  };
  return {
    isDragging: (id) => dragging === id,
    handlers: (id) => ({
      onPointerDown: (event) => {
        moved.current = false;
        if (event.button === 0 && event.pointerType !== "touch") {
          start.current = { id, x: event.clientX, pointer: event.pointerId };
        }
      },
      onPointerMove: (event) => {
        const from = start.current;
        if (!from) return;
        if (!dragging) {
          if (Math.abs(event.clientX - from.x) < DRAG_AFTER_PX) return;
          event.currentTarget.setPointerCapture(from.pointer);
          setDragging(from.id);
          moved.current = true;
        }
        const tabs = [...(event.currentTarget.parentElement?.querySelectorAll<HTMLElement>("[data-tab]") ?? [])];
        const own = tabs.findIndex((tab) => tab.dataset.tab === from.id);
        const over = tabs.findIndex((tab) => {
          const box = tab.getBoundingClientRect();
          return event.clientX >= box.left && event.clientX <= box.right;
        });
        if (over < 0 || over === own) return;
        const box = tabs[over]?.getBoundingClientRect();
        const past =
          box && (over > own ? event.clientX > box.left + box.width / 2 : event.clientX < box.left + box.width / 2);
        if (past) deskStore.update((desk) => move(desk, from.id, over));
      },
      onPointerUp: end,
      onPointerCancel: end,
      // The click that ends a drag is no click on the tab.
      onClickCapture: (event) => {
        if (!moved.current) return;
        moved.current = false;
        event.preventDefault();
        event.stopPropagation();
      },
    }),
  };
}
