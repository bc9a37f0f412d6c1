import { useSyncExternalStore } from "react";

/** Whether the server answers. Fed by every request and by the event stream, shown in the status line. */
export type Connection =
  | { readonly state: "connected" }
  | { readonly state: "lost"; readonly since: number; readonly retryAt: number | null };

const connected: Connection = { state: "connected" };
let current: Connection = connected;
const listeners = new Set<() => void>();
const retries = new Set<() => void>();

function change(next: Connection): void {
  current = next;
  for (const listener of listeners) listener();
}

export function connectionRestored(): void {
  if (current.state === "lost") change(connected);
}

/** Whoever tries again by itself says when; a request that fails meanwhile knows nothing about that and changes nothing. */
export function connectionLost(retryAt?: number): void {
  const known = current.state === "lost" ? current : { since: Date.now(), retryAt: null };
  change({ state: "lost", since: known.since, retryAt: retryAt ?? known.retryAt });
}

/** "Try now" of the status line; whoever holds a connection registers what that means. */
export function retryConnection(): void {
  for (const retry of retries) retry();
}

export function onRetryConnection(retry: () => void): () => void {
  retries.add(retry);
  return () => retries.delete(retry);
}

export function currentConnection(): Connection {
  return current;
}

export function useConnection(): Connection {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, currentConnection);
}
