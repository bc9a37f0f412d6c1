import { formatDuration } from "../i18n/format";
import type { Say } from "../i18n/texts";
import { useTexts } from "../i18n/texts";
import { Offline, Problem } from "./problem";
import { type problemMessages, problemTexts } from "./problem-texts";

export type ProblemSay = Say<(typeof problemMessages)["en"]>;

export function useProblemTexts(): ProblemSay {
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

type CodeKey = "http.stale";

function isKnown(code: string): code is CodeKey {
  return code.includes(".") && code in problemTexts.en;
}
