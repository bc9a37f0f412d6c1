import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { isProblem, Offline, PROOF_NEEDED, Problem } from "./problem";

/** Answers of the server live in memory, and go when the window does. */
export function makeQueryClient(onUnhandled?: (error: unknown) => void): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache(),
    mutationCache: new MutationCache({
      // Whoever shows the failure in its place says so by `meta: { shown: true }`; no other may fail in silence.
      onError: (error, _variables, _context, mutation) => {
        if (!mutation.meta?.shown && !isProblem(error, PROOF_NEEDED)) onUnhandled?.(error);
      },
    }),
    defaultOptions: {
      queries: {
        networkMode: "always",
        staleTime: 30_000,
        gcTime: 10 * 60_000,
        // The event stream says when something changed; asking again on every focus would only cost.
        refetchOnWindowFocus: false,
        retry: (failures, error) => {
          if (error instanceof Offline) return failures < 3;
          return !(error instanceof Problem) && failures < 1;
        },
        retryDelay: (failures) => Math.min(8000, 500 * 2 ** failures),
      },
      mutations: { networkMode: "always", retry: false },
    },
  });
}
