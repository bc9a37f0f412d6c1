import { CSPProvider } from "@base-ui/react/csp-provider";
import { Tooltip } from "@base-ui/react/tooltip";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { problemTexts } from "@/shared/api/problem-texts";
import { makeQueryClient } from "@/shared/api/queries";
import { problemText } from "@/shared/api/texts";
import { sayIn } from "@/shared/i18n/texts";
import { useKeyboard } from "@/shared/keys/use-keys";
import { Toasts, toast } from "@/shared/ui/toast";
import "./actions";
import { routes } from "./features";
import { Frame } from "./frame/Frame";
import { makeRouter } from "./router";
import { SignedInOnly, useForgetOnSessionEnd } from "./workspace";

const client = makeQueryClient((error) => {
  const { title, advice } = problemText(error, sayIn(problemTexts));
  toast({ text: `${title} ${advice}`.trim() });
});
const router = makeRouter(routes, undefined, WorkspaceShell);

function WorkspaceShell() {
  return (
    <SignedInOnly>
      <Frame />
    </SignedInOnly>
  );
}

function Everywhere() {
  useKeyboard();
  useForgetOnSessionEnd();
  return null;
}

export function App() {
  return (
    // Our content policy forbids style elements; what Base UI would put there stands in styles.css.
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={client}>
        <Tooltip.Provider>
          <Toasts>
            <Everywhere />
            <RouterProvider router={router} />
          </Toasts>
        </Tooltip.Provider>
      </QueryClientProvider>
    </CSPProvider>
  );
}
