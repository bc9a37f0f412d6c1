import { Tooltip } from "@base-ui/react/tooltip";
import { QueryClientProvider } from "@tanstack/react-query";
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  Outlet,
  RouterProvider,
} from "@tanstack/react-router";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import type { ReactNode } from "react";
import { expect } from "vitest";
import { setCsrfToken } from "../api/client";
import { makeQueryClient } from "../api/queries";
import { Announcer } from "../frame/announcer";
import { setLocale } from "../i18n/locale";
import { useKeyboard } from "../keys/use-keys";
import { type Me, meQuery } from "../session/queries";
import { Toasts } from "../ui/toasts";
import { type Network, serve } from "./network";
import { makeMe } from "./people";

interface Options {
  network?: Network;
  /** Who is signed in; null for nobody. */
  me?: Me | null;
  language?: "de" | "en";
  /** Where the screen stands, and the pattern its parameters come from. */
  at?: string;
  path?: string;
}

function Keyboard() {
  useKeyboard();
  return null;
}

/** A screen with everything around it that it may use, and a network in place of the server. */
export async function renderScreen(
  ui: ReactNode,
  { network = {}, me = makeMe(), language = "en", at = "/", path = "$" }: Options = {},
) {
  setLocale({ language, timeZone: "Europe/Berlin", currency: "EUR" });
  setCsrfToken(me?.csrf_token ?? "");
  const { requests } = serve(network);
  const client = makeQueryClient();
  client.setQueryData(meQuery.queryKey, me);
  const root = createRootRoute({ component: Outlet });
  const screen = createRoute({ getParentRoute: () => root, path, component: () => ui });
  const elsewhere = createRoute({
    getParentRoute: () => root,
    path: path === "$" ? "/" : "$",
    component: () => (path === "$" ? ui : null),
  });
  const router = createRouter({
    routeTree: root.addChildren([screen, elsewhere]),
    history: createMemoryHistory({ initialEntries: [at] }),
  });
  await router.load();
  const view = render(
    <QueryClientProvider client={client}>
      <Tooltip.Provider>
        <Keyboard />
        <RouterProvider router={router as never} />
        <Announcer />
        <Toasts />
      </Tooltip.Provider>
    </QueryClientProvider>,
  );
  return { ...view, client, router, requests, user: userEvent.setup() };
}

/** Nothing that axe can see in a document without layout. Colours and sizes are checked in the browser. */
export async function expectAccessible(container: Element = document.body): Promise<void> {
  const { violations } = await axe.run(container, {
    rules: { "color-contrast": { enabled: false }, region: { enabled: false } },
    resultTypes: ["violations"],
  });
  expect(
    violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).join(" ")}`),
  ).toEqual([]);
}
