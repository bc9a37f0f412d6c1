import { useSyncExternalStore } from "react";

/** What the server takes as a proof that it is still the same person. */
export type ProofMethod = "password" | "code" | "passkey" | "provider";

/** A question that is open: a request waits for the person to confirm who they are. */
export interface Asking {
  readonly methods: readonly ProofMethod[];
  readonly settle: (isProved: boolean) => void;
}

const known: ReadonlySet<string> = new Set<ProofMethod>(["password", "code", "passkey", "provider"]);
const isMethod = (value: unknown): value is ProofMethod => typeof value === "string" && known.has(value);

let current: { readonly asking: Asking; readonly answer: Promise<boolean> } | null = null;
const listeners = new Set<() => void>();

function change(next: typeof current): void {
  current = next;
  for (const listener of listeners) listener();
}

/** Whether the person proved who they are. Several requests that need it at once share one question. */
export function askForProof(methods: unknown): Promise<boolean> {
  if (current) return current.answer;
  // Nobody would ever answer where nothing shows the question.
  if (listeners.size === 0) return Promise.resolve(false);
  let settle: Asking["settle"] = () => {};
  const answer = new Promise<boolean>((resolve) => {
    settle = resolve;
  }).finally(() => change(null));
  change({ asking: { methods: Array.isArray(methods) ? methods.filter(isMethod) : [], settle }, answer });
  return answer;
}

export function useAsking(): Asking | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current?.asking ?? null,
  );
}
