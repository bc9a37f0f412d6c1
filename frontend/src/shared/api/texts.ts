import { useEffect, useSyncExternalStore } from "react";
import { formatDuration } from "../i18n/format";
import type { Say } from "../i18n/texts";
import { knownTexts, useTexts } from "../i18n/texts";
import { Offline, Problem } from "./problem";
import { type problemMessages, problemTexts } from "./problem-texts";

export type ProblemSay = Say<(typeof problemMessages)["en"]>;

let loading: Promise<void> | undefined;
const listeners = new Set<() => void>();

/** The sentences for single codes. Without them a problem is told by its kind, which is true as well. */
export function loadProblemCodes(): Promise<void> {
  loading ??= import("./problem-code-texts").then(
    () => {
      for (const listener of listeners) listener();
    },
    () => {
      loading = undefined;
    },
  );
  return loading;
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export function useProblemTexts(): ProblemSay {
  useSyncExternalStore(subscribe, () => known().size);
  useEffect(() => void loadProblemCodes(), []);
  return useTexts(problemTexts);
}

const kinds: Record<
  number,
  "invalid" | "unauthenticated" | "forbidden" | "notFound" | "conflict" | "stale" | "tooLarge" | "limited" | "full"
> = {
  400: "invalid",
  401: "unauthenticated",
  403: "forbidden",
  404: "notFound",
  409: "conflict",
  412: "stale",
  413: "tooLarge",
  415: "invalid",
  422: "invalid",
  429: "limited",
  507: "full",
};

/** What happened, in our words where the code has a text of its own, by its kind otherwise. */
export function problemText(error: unknown, say: ProblemSay): { title: string; advice: string } {
  if (error instanceof Offline) return { title: say("offline"), advice: say("offlineAdvice") };
  if (!(error instanceof Problem)) return { title: say("unexpected"), advice: say("unexpectedAdvice") };
  if (isKnown(error.code)) return { title: say(error.code), advice: "" };
  if (error.status === 429 && error.retryAfterSeconds) {
    return { title: say("limited"), advice: say("limitedUntil", { wait: formatDuration(error.retryAfterSeconds) }) };
  }
  const kind = kinds[error.status];
  if (kind) return { title: say(kind), advice: say(`${kind}Advice`) };
  return { title: say("unexpected"), advice: say("unexpectedAdvice") };
}

/** The sentence under a field. */
export function fieldText(problem: unknown, field: string, say: ProblemSay): string | undefined {
  if (!(problem instanceof Problem)) return undefined;
  const entry = problem.field(field);
  if (!entry) return undefined;
  return isKnown(entry.code)
    ? say(entry.code)
    : isKnown(`field.${entry.code}`)
      ? say(`field.${entry.code}` as CodeKey)
      : entry.message;
}

/** Any key does for the types: what a code says takes no values. */
type CodeKey = "conflict";

let keys: { of: object; set: ReadonlySet<string> } = { of: {}, set: new Set() };

function known(): ReadonlySet<string> {
  const messages = knownTexts().get(problemTexts.namespace)?.en ?? {};
  if (keys.of !== messages) keys = { of: messages, set: new Set(Object.keys(messages)) };
  return keys.set;
}

function isKnown(code: string): code is CodeKey {
  return code.includes(".") && known().has(code);
}
