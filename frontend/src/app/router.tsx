import {
  type AnyRouter,
  createLazyRoute,
  createRootRoute,
  createRoute,
  createRouter,
  type RouterHistory,
} from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { AppRoute } from "@/shared/frame/feature";
import { BrokenSheet, NotFoundPage } from "./states";

const keepSearch = (raw: Record<string, unknown>) => raw;

/**
 * The route tree, made anew for each router: the main sheet has one on the address bar, the second sheet of the split
 * view has one in memory.
 */
export function makeRouter(
  routes: readonly AppRoute[],
  history: RouterHistory | undefined,
  shell: () => ReactNode,
): AnyRouter {
  const root = createRootRoute({ notFoundComponent: NotFoundPage, errorComponent: BrokenSheet });
  const workspace = createRoute({ getParentRoute: () => root, id: "workspace", component: shell });
  const make = (route: AppRoute, parent: typeof root | typeof workspace) =>
    createRoute({
      getParentRoute: () => parent as typeof root,
      path: route.path,
      validateSearch: route.search ?? keepSearch,
    }).lazy(() => route.load().then((module) => createLazyRoute(route.path)({ component: module.default })));
  const plain = routes.filter((route) => route.look === "plain").map((route) => make(route, root));
  const framed = routes.filter((route) => route.look !== "plain").map((route) => make(route, workspace));
  const lost = createRoute({
    getParentRoute: () => workspace as unknown as typeof root,
    path: "$",
    component: NotFoundPage,
  });
  return createRouter({
    routeTree: root.addChildren([workspace.addChildren([...framed, lost]), ...plain]),
    history,
    defaultPreload: false,
    defaultErrorComponent: BrokenSheet,
    // The sheet keeps what it shows until the next screen is there; the spinner of the tab tells.
    defaultPendingMs: 10_000,
    scrollRestoration: false,
  }) as unknown as AnyRouter;
}
