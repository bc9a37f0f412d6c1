import { useMutation, useQueryClient } from "@tanstack/react-query";
import { createMemoryHistory, RouterContextProvider, RouterProvider, useLocation } from "@tanstack/react-router";
import { ShieldAlert } from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { api, read } from "@/shared/api/client";
import { useConnection } from "@/shared/api/connection";
import { Announcer, announce } from "@/shared/frame/announcer";
import { matchRoute } from "@/shared/frame/feature";
import { useIsNarrow, useIsPhone } from "@/shared/frame/use-media";
import { formatTime } from "@/shared/i18n/format";
import { currentLocale, useLocale } from "@/shared/i18n/locale";
import { sayIn, useTexts } from "@/shared/i18n/texts";
import { useAction } from "@/shared/keys/use-keys";
import { meQuery, useChangeSettings, useMe } from "@/shared/session/queries";
import { cx } from "@/shared/ui/cx";
import { Icon } from "@/shared/ui/icons";
import { undo } from "@/shared/ui/toast";
import { newestUndo } from "@/shared/ui/undo";
import { neighbour, setShare } from "../desk/desk";
import { deskStore, useDesk } from "../desk/store";
import { areas, routes } from "../features";
import { makeRouter } from "../router";
import { Boundary } from "../states";
import { appTexts } from "../texts";
import { usePanes } from "../workspace";
import { MobileBar } from "./MobileBar";
import { Rail } from "./Rail";
import { Resizer } from "./Resizer";
import { SheetArea } from "./SheetArea";
import { AreaList, SidebarOf } from "./Sidebar";
import { BudgetWarning, ConnectionMark, ProvidersDown, StatusLine } from "./StatusLine";
import { TabStrip } from "./TabStrip";

const Sheet = lazy(() => import("./LazySheet"));
const loadKeyHelp = () => import("./KeyHelp");
const Palette = lazy(() => import("../palette/Palette"));
const KeyHelp = lazy(loadKeyHelp);
const IDLE_AFTER_MS = 1500;

const SIDEBAR = { min: 200, max: 420, usual: 260 };
const SHARE = { min: 25, max: 75, usual: 50, step: 5 };

export function Frame() {
  const t = useTexts(appTexts);
  const me = useMe();
  const desk = useDesk();
  const panes = usePanes();
  const isPhone = useIsPhone();
  const isNarrow = useIsNarrow();
  const [drawer, setDrawer] = useState(false);
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const { pathname, href } = useLocation();
  const sheets = useRef<HTMLDivElement>(null);
  const areaId = useFrontArea(pathname);
  const area = areas.find((candidate) => candidate.id === areaId);
  const hasSidebar = area?.sidebar !== undefined;
  const showsSidebar = hasSidebar && !isNarrow && desk.sidebar.open;

  // biome-ignore lint/correctness/useExhaustiveDependencies: going somewhere closes the drawer
  useEffect(() => setDrawer(false), [href]);

  const toggleSidebar = () => {
    if (isNarrow) setDrawer((open) => !open);
    else deskStore.update((current) => ({ ...current, sidebar: { ...current.sidebar, open: !current.sidebar.open } }));
  };
  // The palette must be there within 80 ms of its key, so it waits in the tree before anyone asks for it.
  const [isIdle, setIdle] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => {
      setIdle(true);
      void loadKeyHelp().catch(() => {});
    }, IDLE_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  useAction("palette", () => setPalette(true));
  useAction("help.keys", () => setHelp(true));
  useAction("sidebar", toggleSidebar, { enabled: isNarrow || hasSidebar });
  useFrameActions();

  const width = desk.sidebar.width;
  const columns = isPhone
    ? "minmax(0,1fr)"
    : showsSidebar
      ? `3.5rem ${width / 16}rem minmax(0,1fr)`
      : "3.5rem minmax(0,1fr)";
  return (
    <div className="flex h-dvh flex-col overflow-hidden bg-frame">
      <SkipLinks withTabs={!isPhone} />
      {me.full_access ? <FullAccessBar until={me.full_access.until} reason={me.full_access.reason} /> : null}
      <div
        className="grid min-h-0 grow"
        style={{ gridTemplateColumns: columns, gridTemplateRows: isPhone ? "minmax(0,1fr)" : "minmax(0,1fr) 1.75rem" }}
      >
        {isPhone ? null : (
          <RouterContextProvider key="rail" router={panes.focusedRouter}>
            <Rail activeArea={areaId} />
          </RouterContextProvider>
        )}
        {showsSidebar && area ? (
          <aside
            key="sidebar"
            aria-label={area.title[currentLocale().language]}
            className="relative flex min-h-0 min-w-0 flex-col"
          >
            <RouterContextProvider router={panes.focusedRouter}>
              <SidebarOf area={area} />
            </RouterContextProvider>
            <Resizer
              label={t("resizeSidebar")}
              value={width}
              {...SIDEBAR}
              onCollapse={toggleSidebar}
              onChange={(next) =>
                deskStore.update((current) => ({ ...current, sidebar: { ...current.sidebar, width: next } }))
              }
              className="inset-y-12 -right-1"
            />
          </aside>
        ) : null}
        <div
          key="work"
          className={cx(
            "grid min-h-0 min-w-0",
            isPhone ? "grid-rows-[auto_minmax(0,1fr)]" : "grid-rows-[3rem_minmax(0,1fr)]",
          )}
        >
          {isPhone ? (
            <MobileBar key="bar" onMenu={() => setDrawer(true)} />
          ) : (
            <TabStrip key="bar" onSidebar={hasSidebar && !showsSidebar ? toggleSidebar : undefined} />
          )}
          <div key="sheets" ref={sheets} className={cx("flex min-h-0 min-w-0", !isPhone && "mr-2")}>
            <SheetArea pane="main" />
            {panes.isSplit ? (
              <>
                <section aria-label={t("split")} className="relative w-2 flex-none">
                  <Resizer
                    label={t("resizeSheets")}
                    value={desk.split.share}
                    {...SHARE}
                    pixelsPerUnit={() => (sheets.current?.clientWidth ?? 0) / 100}
                    onChange={(next) => deskStore.update((current) => setShare(current, next))}
                    className="inset-y-0"
                  />
                </section>
                <SecondSheet />
              </>
            ) : null}
          </div>
        </div>
        {isPhone ? null : <StatusLine key="status" />}
      </div>
      {isPhone ? (
        <>
          <OfflineStrip />
          <Suspense>
            {me.role === "admin" ? (
              <ProvidersDown className="flex flex-none items-center gap-1.5 px-4 py-1.5 text-xs" />
            ) : null}
            <BudgetWarning className="num flex-none px-4 py-1.5 text-xs" />
          </Suspense>
        </>
      ) : null}
      {isNarrow ? (
        <Suspense>
          <Sheet open={drawer} onOpenChange={setDrawer} edge="left" title={t("menu")} hideTitle={!isPhone}>
            {isPhone ? <AreaList /> : null}
            {area?.sidebar ? <SidebarOf area={area} /> : isPhone ? null : <AreaList />}
          </Sheet>
        </Suspense>
      ) : null}
      <Suspense>
        {palette || isIdle ? <Palette open={palette} onClose={() => setPalette(false)} /> : null}
        {help ? <KeyHelp onClose={() => setHelp(false)} /> : null}
      </Suspense>
      <Announcer />
    </div>
  );
}

/** The area of the sheet in use: with a split view the other half may show another one. */
function useFrontArea(pathname: string): string | undefined {
  const panes = usePanes();
  const desk = useDesk();
  const second = desk.tabs.find((tab) => tab.id === panes.shown.second);
  const path = panes.focused === "second" && second ? second.path : pathname;
  return matchRoute(routes, path)?.route.area;
}

function SkipLinks({ withTabs }: { withTabs: boolean }) {
  const t = useTexts(appTexts);
  const look =
    "sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-sm focus:bg-raised focus:px-3 focus:py-2 focus:shadow-pop";
  return (
    <>
      <a href="#main" className={look}>
        {t("skipToMain")}
      </a>
      {withTabs ? (
        <a href="#tabs" className={look}>
          {t("skipToTabs")}
        </a>
      ) : null}
    </>
  );
}

/** Sees others' content: said in brick, across the frame, for as long as it lasts. */
function FullAccessBar({ until, reason }: { until: string; reason: string }) {
  const t = useTexts(appTexts);
  const locale = useLocale();
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: () => read(api.DELETE("/api/v1/admin/full-access")),
    onSuccess: () => client.invalidateQueries({ queryKey: meQuery.queryKey }),
  });
  return (
    <div
      role="status"
      className="flex min-h-8 flex-none items-center gap-2 bg-brick-tint px-[1.125rem] text-xs text-brick-text"
    >
      <Icon icon={ShieldAlert} size={14} />
      <span className="min-w-0 grow py-1">{t("fullAccessBar", { time: formatTime(until, locale), reason })}</span>
      <button
        type="button"
        disabled={end.isPending}
        onClick={() => end.mutate()}
        className="touch rounded-xs font-medium underline underline-offset-4"
      >
        {t("fullAccessEnd")}
      </button>
    </div>
  );
}

function OfflineStrip() {
  const connection = useConnection();
  if (connection.state === "connected") return null;
  return (
    <div className="flex min-h-11 flex-none items-center bg-brass-tint px-4 pb-[env(safe-area-inset-bottom)] text-xs">
      <ConnectionMark />
    </div>
  );
}

/** The right half: the same screens on a router of their own, which lives in memory. */
function SecondSheet() {
  const panes = usePanes();
  const { attach } = panes;
  const [router] = useState(() => {
    const tab = deskStore.desk.tabs.find((candidate) => candidate.id === panes.shown.second);
    return makeRouter(routes, createMemoryHistory({ initialEntries: [tab?.path ?? "/"] }), SecondShell);
  });
  useEffect(() => {
    attach(router);
    return () => attach(null);
  }, [attach, router]);
  return (
    <Boundary>
      <RouterProvider router={router} />
    </Boundary>
  );
}

function SecondShell() {
  return <SheetArea pane="second" />;
}

/** What the frame itself can do from the keyboard and the palette. */
function useFrameActions(): void {
  const panes = usePanes();
  const me = useMe();
  const client = useQueryClient();
  const { mutate } = useChangeSettings({ failsAloud: true });
  const front = panes.shown[panes.focused];
  useAction("settings", () => panes.open("/settings"));
  useAction("tabs.new", () => panes.open("/", "new"));
  useAction("tabs.close", () => front && panes.close(front), { enabled: front !== null });
  useAction("tabs.reopen", () => panes.reopen());
  useAction("tabs.next", () => {
    const tab = neighbour(deskStore.desk, 1);
    if (tab) panes.activate(tab.id);
  });
  useAction("tabs.previous", () => {
    const tab = neighbour(deskStore.desk, -1);
    if (tab) panes.activate(tab.id);
  });
  useAction("tabs.split", () => (panes.isSplit ? panes.unsplit() : panes.split()));
  useAction("theme", () => {
    const isDark = document.documentElement.classList.contains("dark");
    mutate({ theme: isDark ? "light" : "dark" });
  });
  useAction("language", () => mutate({ language: currentLocale().language === "de" ? "en" : "de" }));
  useAction("signOut", () => {
    void (async () => {
      await deskStore.flush();
      await api.POST("/api/v1/auth/logout").catch(() => {});
      await client.invalidateQueries({ queryKey: meQuery.queryKey });
    })();
  });
  useAction("undo", () => {
    const entry = newestUndo();
    if (entry) void undo(entry);
    else announce(sayIn(appTexts)("nothingToUndo"));
  });
  for (const number of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
    // The list is fixed, so the order of hooks is too.
    // biome-ignore lint/correctness/useHookAtTopLevel: see above
    useAction(`tabs.${number}`, () => {
      const { tabs } = deskStore.desk;
      const tab = number === 9 ? tabs.at(-1) : tabs[number - 1];
      if (tab) panes.activate(tab.id);
    });
  }
  for (const area of areas) {
    // biome-ignore lint/correctness/useHookAtTopLevel: the areas are fixed at build time
    useAction(`go.${area.id}`, () => panes.open(area.path), { enabled: area.visible?.(me) ?? true });
  }
}
