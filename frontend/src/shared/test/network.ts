import { vi } from "vitest";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly search: URLSearchParams;
  readonly body: unknown;
  readonly headers: Headers;
  readonly signal: AbortSignal;
}

type Answer = unknown | ((request: Seen) => unknown);

/** "GET /api/v1/auth/me" → a body, a function that makes one, or a `Response`. `null` answers 204. */
export type Network = Readonly<Record<string, Answer>>;

export function problem(
  status: number,
  code: string,
  errors: readonly { field: string; message: string; code: string }[] = [],
  extra: Readonly<Record<string, unknown>> = {},
) {
  return new Response(
    JSON.stringify({ ...extra, type: "about:blank", title: code, status, code, detail: "", request_id: "r1", errors }),
    {
      status,
      headers: { "Content-Type": "application/problem+json" },
    },
  );
}

function find(network: Network, key: string): Answer | undefined {
  if (key in network) return network[key];
  const pattern = Object.keys(network).find((candidate) => {
    const expression = candidate.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&").replaceAll(/\{[^}]+\}/g, "[^/]+");
    return new RegExp(`^${expression}$`).test(key);
  });
  return pattern === undefined ? undefined : network[pattern];
}

/** As in the server's `core/http/paging.py`. */
const MOST_ROWS = 100;

/** Puts a network in place of fetch and notes every request. An address without an answer fails the test loudly, and so
 * does a page that the server would refuse for its length. */
export function serve(network: Network): { requests: Seen[] } {
  const requests: Seen[] = [];
  vi.stubGlobal("fetch", async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input instanceof Request ? input : new URL(String(input), location.origin), init);
    const url = new URL(request.url);
    const text = await request.clone().text();
    const seen: Seen = {
      method: request.method,
      path: url.pathname,
      search: url.searchParams,
      // Files go as they are; what they hold is nobody's question here.
      body: text && request.headers.get("Content-Type")?.includes("json") ? JSON.parse(text) : text || undefined,
      headers: request.headers,
      signal: request.signal,
    };
    requests.push(seen);
    const answer = find(network, `${seen.method} ${seen.path}`);
    if (Number(seen.search.get("limit") ?? 0) > MOST_ROWS) {
      throw new Error(`${seen.path} is asked for more rows than a page has.`);
    }
    if (answer === undefined) throw new Error(`The test has no answer for ${seen.method} ${seen.path}.`);
    const body = typeof answer === "function" ? await answer(seen) : answer;
    if (body instanceof Response) return body.clone();
    if (body === null) return new Response(null, { status: 204 });
    return new Response(JSON.stringify(body), { headers: { "Content-Type": "application/json" } });
  });
  return { requests };
}
