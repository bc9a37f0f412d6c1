import { useSyncExternalStore } from "react";

let message = "";
let turn = 0;
const listeners = new Set<() => void>();

/** Says something to readers of the screen, politely and without moving focus. */
export function announce(text: string): void {
  message = text;
  turn += 1;
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** The one live region. The key changes with every message, so that the same words are spoken twice. */
export function Announcer() {
  const current = useSyncExternalStore(subscribe, () => turn);
  return (
    <div aria-live="polite" aria-atomic="true" className="sr-only">
      <span key={current}>{message}</span>
    </div>
  );
}
