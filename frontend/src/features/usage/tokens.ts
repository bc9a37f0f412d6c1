import type { Say } from "@/shared/i18n/texts";
import type { receiptTexts } from "@/shared/receipts/texts";
import type { UsageSum } from "./api";

type Tokens = UsageSum["tokens"];

const read = ["input", "cached", "cache_write", "cache_write_1h", "image", "audio_in"] as const;
const written = ["output", "reasoning", "image_out", "audio_out"] as const satisfies readonly (keyof Tokens)[];

export interface TokenKind {
  readonly name: string;
  readonly count: number;
}

/** What was read or written, by kind, as receipts call the kinds: those that there are. */
export function tokenKinds(
  tokens: Tokens,
  way: "in" | "out" | "both",
  say: Say<(typeof receiptTexts)["en"]>,
): TokenKind[] {
  const classes = way === "in" ? read : way === "out" ? written : [...read, ...written];
  return classes
    .filter((name) => tokens[name] > 0)
    .map((name) => ({ name: say(`class.${name}`), count: tokens[name] }));
}
