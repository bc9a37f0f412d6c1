import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "@/api/generated/schema";
import { connectionLost, connectionRestored } from "./connection";
import { Offline, PROOF_NEEDED, problemFrom } from "./problem";
import { askForProof } from "./proof";

export type Schemas = components["schemas"];

/** Names this window in what it changes, so that it knows its own events again. */
export const windowName = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) =>
  byte.toString(16).padStart(2, "0"),
).join("");

let csrfToken = "";
const sessionEndListeners = new Set<() => void>();

/** Comes with `/auth/me` and with every sign-in answer; kept in memory only. */
export function setCsrfToken(token: string): void {
  csrfToken = token;
}

export function currentCsrfToken(): string {
  return csrfToken;
}

/** Called when the server no longer knows our session. */
export function onSessionEnd(listener: () => void): () => void {
  sessionEndListeners.add(listener);
  return () => sessionEndListeners.delete(listener);
}

export function announceSessionEnd(): void {
  for (const listener of sessionEndListeners) listener();
}

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

// Proxies answer these for a server that is away; our own "unavailable" comes as a problem document.
const gatewayStatuses = new Set([502, 504]);

// Sign-in answers 401 to wrong credentials: that is an answer, not an ended session.
const openPaths =
  /^\/api\/v1\/(auth\/(me$|login|link|register|forgot-password|reset-password|verify|invite|passkeys\/sign-in|oidc)|installation)/;

const kontor: Middleware = {
  onRequest({ request }) {
    if (!safeMethods.has(request.method) && csrfToken) request.headers.set("X-Kontor-CSRF", csrfToken);
    request.headers.set("X-Kontor-Client", windowName);
    request.headers.set("Accept", "application/json, application/problem+json");
    return request;
  },
  async onResponse({ request, response }) {
    if (gatewayStatuses.has(response.status) && !response.headers.get("Content-Type")?.includes("problem+json")) {
      connectionLost();
      throw new Offline(`HTTP ${response.status}`);
    }
    connectionRestored();
    // "Not modified" is what was hoped for by whoever named what they have.
    if (response.ok || response.status === 304) return response;
    const problem = await problemFrom(response);
    if (problem.code === "auth.required" && !openPaths.test(new URL(request.url).pathname)) announceSessionEnd();
    throw problem;
  },
  onError({ error, request }) {
    // Whoever asked has gone; that says nothing about the line.
    if (request.signal.aborted) return undefined;
    connectionLost();
    return new Offline(error instanceof Error ? error.message : String(error));
  },
};

/** Late binding, so that a test can put its network in place of fetch. */
async function send(request: Request): Promise<Response> {
  const again = safeMethods.has(request.method) ? null : request.clone();
  const response = await globalThis.fetch(request);
  if (again === null || response.status !== 403) return response;
  const problem = await problemFrom(response.clone());
  if (problem.code !== PROOF_NEEDED || !(await askForProof(problem.extra("methods")))) return response;
  return globalThis.fetch(again);
}

export const api = createClient<paths>({
  baseUrl: typeof location === "undefined" ? "http://localhost" : location.origin,
  credentials: "same-origin",
  fetch: send,
});
api.use(kontor);

/** The body of an answer. Failures never get here: the client throws `Problem` or `Offline`. */
export async function read<T>(call: Promise<{ data?: T; response: Response }>): Promise<T> {
  const { data, response } = await call;
  if (data === undefined && response.status !== 204) throw new TypeError(`${response.url} answered without a body.`);
  return data as T;
}

/** The header that says which version a change is based on. */
export function ifMatch(version: number): { "if-match": string } {
  return { "if-match": `"${version}"` };
}
