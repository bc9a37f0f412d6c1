import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { type AnyRouter, Navigate, useLocation, useNavigate, useRouter } from "@tanstack/react-router";
import {
  createContext,
  type ReactNode,
  type RefObject,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import type { Schemas } from "@/shared/api/client";
import { announceSessionEnd, api, onSessionEnd, setCsrfToken, windowName } from "@/shared/api/client";
import { fold } from "@/shared/events/fold";
import { gathering } from "@/shared/events/soon";
import { followEvents } from "@/shared/events/stream";
import { announce } from "@/shared/frame/announcer";
import { matchRoute, tabKeyOf } from "@/shared/frame/feature";
import { forgetDrafts } from "@/shared/frame/use-draft";
import { useIsPhone } from "@/shared/frame/use-media";
import { WorkspaceContext } from "@/shared/frame/workspace";
import { currentLocale, useLocale } from "@/shared/i18n/locale";
import { sayIn } from "@/shared/i18n/texts";
import type { Bilingual } from "@/shared/keys/registry";
import { useApplyPreferences } from "@/shared/session/preferences";
import { installationQuery, meQuery } from "@/shared/session/queries";
import { forgetUndo } from "@/shared/ui/undo";
import * as desks from "./desk/desk";
import { deskStore, saveDeskOnLeave, useDesk, useIsDeskLoaded } from "./desk/store";
import { areas, features, routes } from "./features";
import { Boot, BootFailed } from "./states";
import { appTexts } from "./texts";

export type Pane = desks.Sheet;

/** Which tabs are on the sheets, and everything the frame can do with tabs. */
export interface Panes {
  readonly shown: Readonly<Record<Pane, string | null>>;
  readonly focused: Pane;
  readonly isSplit: boolean;
  readonly focus: (pane: Pane) => void;
  readonly attach: (router: AnyRouter | null) => void;
  /** What links outside of the sheets (rail, sidebar) go through. */
  readonly focusedRouter: AnyRouter;
  readonly show: (pane: Pane, tabId: string) => void;
  readonly activate: (tabId: string) => void;
  readonly close: (tabId: string) => void;
  readonly closeOthers: (tabId: string) => void;
  readonly reopen: (tabId?: string) => void;
  readonly open: (path: string, how?: "here" | "new" | "background") => void;
  /** Which sheets have something to show beside them. */
  readonly hasInspector: Readonly<Record<Pane, boolean>>;
  readonly setInspector: (pane: Pane, present: boolean) => void;
  readonly split: (tabId?: string) => void;
  readonly unsplit: () => void;
}

const PanesContext = createContext<Panes | null>(null);

export function usePanes(): Panes {
  const panes = useContext(PanesContext);
  if (!panes) throw new Error("There are no panes around this component.");
  return panes;
}

/** What the desk needs to know about an address. */
export function visitOf(path: string): desks.Visit {
  const match = matchRoute(routes, path);
  const language = currentLocale().language;
  if (!match) return { path, key: "lost", title: sayIn(appTexts)("notFoundShort"), icon: null };
  return {
    path,
    key: desks.tabKey(tabKeyOf(match.route, match.params)),
    title: match.route.title[language],
    icon: match.route.area ?? null,
  };
}

/** What a tab is called now: it may have been opened in the other language. */
function presentTitle({ path, title }: { path: string; title: string }): string {
  const known = matchRoute(routes, path)?.route.title ?? {
    en: appTexts.en.notFoundShort,
    de: appTexts.de.notFoundShort,
  };
  return inPresentLanguage(title, known);
}

function inPresentLanguage(title: string, known: Bilingual | undefined): string {
  return known && Object.values(known).includes(title) ? known[currentLocale().language] : title;
}

/** The same for places whose screens have names of their own, which are not loaded from the start. */
async function screenTitles(tabs: readonly { path: string }[]): Promise<typeof presentTitle> {
  const matches = tabs.map(({ path }) => matchRoute(routes, path)?.route).filter((route) => route?.names);
  const loaded = await Promise.all(
    [...new Set(matches)].map(async (route) => [route, await route?.names?.()] as const),
  );
  const namesOf = new Map(loaded);
  return ({ path, title }) => {
    const match = matchRoute(routes, path);
    return inPresentLanguage(title, match && namesOf.get(match.route)?.(match.params));
  };
}

declare module "@tanstack/react-router" {
  interface HistoryState {
    /** The tab an address was opened in, so that Back returns to the tab and not only to the address. */
    tab?: string;
  }
}

const go = (router: AnyRouter | null | undefined, path: string, tab?: string) => {
  router?.history.push(path, { tab });
};

function PanesProvider({ children }: { children: ReactNode }) {
  const mainRouter = useRouter() as AnyRouter;
  const [secondRouter, setSecondRouter] = useState<AnyRouter | null>(null);
  const [inspectors, setInspectors] = useState<Readonly<Record<Pane, boolean>>>({ main: false, second: false });
  const desk = useDesk();
  const isLoaded = useIsDeskLoaded();
  const { language } = useLocale();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the language decides what `presentTitle` says
  useEffect(() => {
    if (!isLoaded) return;
    deskStore.update((current) => desks.named(current, presentTitle));
    const { tabs, closed } = deskStore.desk;
    void screenTitles([...tabs, ...closed]).then((title) => deskStore.update((current) => desks.named(current, title)));
  }, [isLoaded, language]);
  // A phone has room for one sheet; the other one stays on the desk for wider windows.
  const second = useIsPhone() ? null : desk.split.second;
  const pane: Pane = second === null ? "main" : desk.split.front;

  const panes = useMemo<Panes>(() => {
    const routerOf = (which: Pane) => (which === "main" ? mainRouter : secondRouter);
    const shown = { main: desk.active, second };
    const focus = (which: Pane) => deskStore.update((current) => desks.bringToFront(current, which));
    const show = (which: Pane, tabId: string) =>
      deskStore.update((current) =>
        which === "second" ? desks.withSecond(current, tabId) : desks.activate(current, tabId),
      );
    const put = (which: Pane, tab: desks.Tab) => {
      if (which === "second") show(which, tab.id);
      go(routerOf(which), tab.path, tab.id);
    };
    return {
      shown,
      focused: pane,
      isSplit: second !== null,
      focus,
      hasInspector: inspectors,
      setInspector: (which, present) =>
        setInspectors((current) => (current[which] === present ? current : { ...current, [which]: present })),
      attach: setSecondRouter,
      focusedRouter: pane === "second" && secondRouter ? secondRouter : mainRouter,
      show,
      activate: (tabId) => {
        const tab = deskStore.desk.tabs.find((candidate) => candidate.id === tabId);
        if (!tab) return;
        if (tabId === second) focus("second");
        else if (tabId === shown.main) focus("main");
        else put(pane, tab);
      },
      close: (tabId) => {
        const { desk: next, next: forward } = desks.close(deskStore.desk, tabId);
        const closed = deskStore.desk.tabs.find((tab) => tab.id === tabId);
        const wasFront = deskStore.desk.active === tabId;
        deskStore.update(() => next);
        if (closed) announce(sayIn(appTexts)("tabClosed", { title: closed.title }));
        if (!wasFront) return;
        if (forward) go(mainRouter, forward.path, forward.id);
        else go(mainRouter, "/");
      },
      closeOthers: (tabId) => {
        deskStore.update((current) =>
          current.tabs.reduce((left, tab) => (tab.id === tabId ? left : desks.close(left, tab.id).desk), current),
        );
        const tab = deskStore.desk.tabs.find((candidate) => candidate.id === tabId);
        if (tab) go(mainRouter, tab.path, tab.id);
      },
      reopen: (tabId) => {
        const { desk: next, tab } = desks.reopen(deskStore.desk, tabId);
        deskStore.update(() => next);
        if (tab) go(mainRouter, tab.path, tab.id);
      },
      open: (path, how = "here") => {
        if (how === "here") return go(routerOf(pane), path);
        const { desk: next, tab } = desks.openNew(deskStore.desk, visitOf(path));
        deskStore.update(() => next);
        if (how === "new") go(routerOf(pane), path, tab);
      },
      split: (tabId) => {
        const current = deskStore.desk;
        const wished =
          current.tabs.find((tab) => tab.id === tabId && tab.id !== current.active) ?? desks.neighbour(current, 1);
        const { desk: next, tab } =
          wished && wished.id !== current.active
            ? { desk: current, tab: wished.id }
            : desks.openNew(current, visitOf("/"));
        deskStore.update(() => desks.bringToFront(desks.withSecond(next, tab), "second"));
      },
      unsplit: () => deskStore.update((current) => desks.withSecond(current, null)),
    };
  }, [mainRouter, secondRouter, desk.active, second, pane, inspectors]);

  const workspace = useMemo(
    () => ({
      features,
      areas,
      open: panes.open,
      openTabs: desk.tabs,
      closedTabs: desk.closed,
      reopen: panes.reopen,
      unfolded: desk.sidebar.unfolded,
      unfold: (unfolded: readonly string[]) =>
        deskStore.update((now) => ({
          ...now,
          sidebar: { ...now.sidebar, unfolded: unfolded.slice(-desks.UNFOLDED_LIMIT) },
        })),
      signOut: () => void signOut(),
    }),
    [panes, desk.tabs, desk.closed, desk.sidebar.unfolded],
  );
  return (
    <PanesContext.Provider value={panes}>
      <WorkspaceContext.Provider value={workspace}>{children}</WorkspaceContext.Provider>
    </PanesContext.Provider>
  );
}

async function signOut(): Promise<void> {
  await deskStore.flush();
  try {
    await api.POST("/api/v1/auth/logout");
  } finally {
    // Also when the server is away: whoever pressed this wants this screen to forget.
    announceSessionEnd();
    announce(sayIn(appTexts)("signedOut"));
  }
}

/**
 * The router's place and the tab strip agree: whoever moves, the other follows. The current tab is also given as a
 * reference, because screens name their tab in effects that run before this one has made the strip render again.
 */
export function useTabOfPlace(pane: Pane): { tabNow: RefObject<string | null>; place: string } {
  const router = useRouter();
  const { href, state } = useLocation();
  const panes = usePanes();
  const show = useRef(panes.show);
  show.current = panes.show;
  const shown = panes.shown[pane];
  const tabNow = useRef(shown);
  const wished = state.tab;
  const others = useRef<string | null>(null);
  others.current = panes.shown[pane === "main" ? "second" : "main"];
  useLayoutEffect(() => {
    tabNow.current = shown;
  }, [shown]);
  const isArriving = useRef(true);
  useLayoutEffect(() => {
    const to = visitOf(href);
    const desk = deskStore.desk;
    // Whoever comes by an address that the second sheet shows finds the two sheets the other way round.
    const taken = isArriving.current && pane === "main" ? null : others.current;
    isArriving.current = false;
    const named = desk.tabs.find((tab) => tab.id === wished && tab.id !== taken && desks.keyOfTab(tab.id) === to.key);
    const result = desks.visit(desk, to, named ? named.id : tabNow.current, taken);
    tabNow.current = result.tab;
    deskStore.update(() => result.desk);
    show.current(pane, result.tab);
  }, [href, wished, pane]);
  // Another device may have closed the tab that was here, or put another one in its place.
  useEffect(() => {
    const { tabs, active, split } = deskStore.desk;
    const tab = tabs.find(({ id }) => id === shown && id === (pane === "main" ? active : split.second));
    const at = router.history.location;
    if (tab && at.state.tab !== tab.id && at.href !== tab.path) go(router, tab.path, tab.id);
  }, [router, shown, pane]);
  return { tabNow, place: `${shown ?? ""} ${href}` };
}

/**
 * Goes to the sign-in once. What was wanted is taken when this appears: while the sign-in loads, the address is already
 * the new one, and asking again would wrap it into itself without end.
 */
function ToSignIn() {
  const navigate = useNavigate();
  const { href } = useLocation();
  const wanted = useRef(href);
  const client = useQueryClient();
  useEffect(() => forgetPerson(client), [client]);
  useEffect(() => {
    const next = wanted.current === "/" ? undefined : wanted.current;
    void navigate({ to: "/login", search: { next } as never, replace: true });
  }, [navigate]);
  return <Boot />;
}

/** Stands before the workspace: who is there, are they set up, and do we hold their desk. */
export function SignedInOnly({ children }: { children: ReactNode }) {
  const me = useQuery(meQuery);
  const loaded = useIsDeskLoaded();
  useApplyPreferences(me.data?.settings);
  const personId = me.data?.id;
  useEffect(() => {
    if (!personId) return;
    deskStore.ensure().catch(() => deskStore.startEmpty());
    return saveDeskOnLeave();
  }, [personId]);
  if (me.isPending) return <Boot />;
  if (me.isError && !me.data) return <BootFailed error={me.error} onRetry={() => void me.refetch()} />;
  if (!me.data) return <ToSignIn />;
  if (me.data.must_set_up && matchRoute(routes, "/setup")) return <Navigate to="/setup" replace />;
  if (!loaded) return <Boot />;
  return (
    <PanesProvider>
      <FollowEvents />
      {children}
    </PanesProvider>
  );
}

/** Folds the server's events into what we hold. */
function FollowEvents() {
  const client = useQueryClient();
  useEffect(() => {
    const refresh = (queryKey: readonly string[]) => void client.invalidateQueries({ queryKey });
    const gathered = gathering(refresh);
    const stop = followEvents({
      onReconnect: () => {
        void client.invalidateQueries();
        void deskStore.noticed(null);
      },
      onEvent: (event) => {
        for (const change of fold(event, windowName)) {
          switch (change.do) {
            case "refresh":
              refresh(change.key);
              break;
            case "refreshSoon":
              gathered.soon(change.key);
              break;
            case "refreshAll":
              void client.invalidateQueries();
              break;
            case "patchJob":
              client.setQueriesData<Schemas["Page_JobRead_"]>({ queryKey: ["jobs"] }, (page) =>
                page && "items" in page
                  ? {
                      ...page,
                      items: page.items.map((job) => (job.id === change.job.id ? { ...job, ...change.job } : job)),
                    }
                  : page,
              );
              break;
            case "document":
              void import("@/shared/documents/news").then((module) => module.hearOfDocument(client, change.news));
              break;
            case "desk":
              void deskStore.noticed(change.version);
              break;
            case "signOut":
              // Only the server knows whether it was this session; asking tells.
              void client.invalidateQueries({ queryKey: meQuery.queryKey });
              break;
          }
        }
      },
    });
    return () => {
      stop();
      gathered.stop();
    };
  }, [client]);
  return null;
}

const outlivesPeople = new Set<unknown>([installationQuery.queryKey[0], meQuery.queryKey[0]]);

/** When a session ends, for whatever reason, nothing of the person stays in this window. */
function forgetPerson(client: QueryClient): void {
  setCsrfToken("");
  forgetUndo();
  forgetDrafts();
  deskStore.reset();
  // Who is there is asked by components that are mounted now; taking that answer away would leave them waiting.
  client.removeQueries({ predicate: ({ queryKey }) => !outlivesPeople.has(queryKey[0]) });
  client.getMutationCache().clear();
  client.setQueryData(meQuery.queryKey, null);
}

export function useForgetOnSessionEnd(): void {
  const client = useQueryClient();
  useEffect(() => onSessionEnd(() => forgetPerson(client)), [client]);
}
