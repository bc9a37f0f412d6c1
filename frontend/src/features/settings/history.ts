import type { Say } from "@/shared/i18n/texts";
import { historyTexts } from "./history-texts";

export type Kind = "all" | "signIns" | "access";

export function isAbout(kind: Kind, action: string): boolean {
  if (kind === "signIns") return /^(sign_in|session)\./.test(action);
  if (kind === "access") return action.startsWith("full_access.");
  return true;
}

type HistorySay = Say<(typeof historyTexts)["en"]>;

/** What happened, in a sentence. A deed that this program does not know yet is shown by its name. */
export function lineText(
  line: { action: string; details: Readonly<Record<string, unknown>> },
  say: HistorySay,
): string {
  if (line.action === "sign_in.succeeded") {
    const way = `way.${String(line.details.way)}`;
    return isKnown(way) ? say(way) : say("sign_in.succeeded");
  }
  return isKnown(line.action) ? say(line.action) : line.action;
}

function isKnown(key: string): key is keyof (typeof historyTexts)["en"] & "sign_in.succeeded" {
  return key in historyTexts.en;
}
