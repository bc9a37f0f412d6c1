import { CSPProvider } from "@base-ui/react/csp-provider";
import { Tooltip } from "@base-ui/react/tooltip";
import { QueryClientProvider } from "@tanstack/react-query";
import { type RouterHistory, RouterProvider } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { problemTexts } from "@/shared/api/problem-texts";
import { makeQueryClient } from "@/shared/api/queries";
import { loadProblemCodes, problemText } from "@/shared/api/texts";
import { matchRoute } from "@/shared/frame/feature";
import { sayIn } from "@/shared/i18n/texts";
import { useKeyboard } from "@/shared/keys/use-keys";
import { ProofHost } from "@/shared/session/proof/ProofHost";
import { meQuery } from "@/shared/session/queries";
import { Overlays } from "@/shared/ui/overlays";
import { toast } from "@/shared/ui/toast";
import { Toasts } from "@/shared/ui/toasts";
import "./actions";
import { deskStore } from "./desk/store";
import { routes } from "./features";
import { makeRouter } from "./router";
import { Boot } from "./states";
import { SignedInOnly, useForgetOnSessionEnd } from "./workspace";

// Whoever signs in does not load the workspace yet; whoever is signed in does not wait for it one after the other.
const loadFrame = () => import("./frame/Frame");
const Frame = lazy(() => loadFrame().then((module) => ({ default: module.Frame })));

function WorkspaceShell() {
  return (
    <SignedInOnly>
      <Suspense fallback={<Boot />}>
        <Frame />
      </Suspense>
    </SignedInOnly>
  );
}

function Everywhere() {
  useKeyboard();
  useForgetOnSessionEnd();
  return null;
}

/** The app with a cache and a router of its own; there is one per window, and one per test. */
export function makeApp(history?: RouterHistory) {
  const client = makeQueryClient((error) => {
    void loadProblemCodes().then(() => {
      const { title, advice } = problemText(error, sayIn(problemTexts));
      toast({ text: `${title} ${advice}`.trim() });
    });
  });
  const router = makeRouter(routes, history, WorkspaceShell);
  // Everything the first screen needs is asked for at once, not each thing when the one before is there.
  if (matchRoute(routes, router.history.location.pathname)?.route.look !== "plain") {
    void loadFrame().catch(() => {});
    void client.fetchQuery(meQuery).then(
      (me) => me && deskStore.ensure().catch(() => {}),
      () => {},
    );
  }
  const element = (
    // Our content policy forbids style elements; what Base UI would put there stands in styles.css.
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={client}>
        <Tooltip.Provider>
          <Everywhere />
          <RouterProvider router={router} />
          <ProofHost />
          <Toasts />
          <Overlays />
        </Tooltip.Provider>
      </QueryClientProvider>
    </CSPProvider>
  );
  return { client, router, element };
}
