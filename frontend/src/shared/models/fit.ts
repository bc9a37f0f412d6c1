import type { ModelInfo, TokenCount } from "./api";
import { upperCost } from "./price";

/** What the next answer has to carry. The parts are in tokens, the oldest first. */
export interface Need {
  /** For a model that was not counted: what the parts come to by the rule of thumb of whoever asks. */
  readonly tokens: number;
  readonly maxOutput: number;
  /** "image", "document", "tools" and the like. */
  readonly takes: readonly string[];
  readonly turns: readonly number[];
  readonly passages: readonly number[];
}

/** A way to make it fit, and what it costs beforehand. */
export type Way =
  | { readonly kind: "summarise"; readonly turns: number; readonly nano: number | null }
  | { readonly kind: "drop"; readonly turns: number }
  | { readonly kind: "passages"; readonly keep: number; readonly of: number };

export interface Fit {
  readonly tokens: number;
  /** What is left of the window when the answer has its place; null where the window is not known. */
  readonly room: number | null;
  /** How much of the room is taken; 0 where it is not known. */
  readonly share: number;
  readonly over: number;
  /** What the model cannot take in. */
  readonly missing: readonly string[];
  readonly ways: readonly Way[];
  /** The longest answer that is reckoned with, in tokens. */
  readonly output: number;
  /** The upper price in nano-units; 0 is free, null is not known. Of it, `askNano` is for the question. */
  readonly nano: number | null;
  readonly askNano: number | null;
  readonly currency: string | null;
}

// A summary of older turns is short, but never nothing.
const SUMMARY_SHARE = 0.1;
const SUMMARY_LEAST = 200;

export const isUsable = (model: ModelInfo) => model.state === "ok" || model.state === "slow";

const senses = new Set(["text", "image", "document", "audio"]);

/** What nobody has said about a model's features is not held against it. */
function canTake(model: ModelInfo, kind: string): boolean {
  return senses.has(kind) ? model.takes.includes(kind) : (model.features?.includes(kind) ?? true);
}

/** Whether a model can take the next answer, at what price, and what would have to go. */
export function fitOf(model: ModelInfo, need: Need, count: TokenCount | undefined): Fit {
  const tokens = count?.tokens ?? need.tokens;
  const high = count?.tokens_high ?? tokens;
  const output = Math.min(need.maxOutput, model.max_output ?? need.maxOutput);
  const room = model.context_total === null ? null : Math.max(0, model.context_total - output);
  const over = room === null ? 0 : Math.max(0, tokens - room);
  const missing = need.takes.filter((kind) => !canTake(model, kind));
  return {
    tokens,
    room,
    share: room ? tokens / room : 0,
    over,
    missing,
    ways: over > 0 ? waysToFit(model, need, over, tokens / Math.max(1, need.tokens)) : [],
    output,
    nano: upperCost(model.price, { input: Math.min(high, room ?? high), output }),
    askNano: upperCost(model.price, { input: Math.min(high, room ?? high), output: 0 }),
    currency: model.price?.currency ?? null,
  };
}

/** `scale` is how this model's tokens compare with those of the parts: every model counts differently. */
function waysToFit(model: ModelInfo, need: Need, over: number, scale: number): readonly Way[] {
  const ways: Way[] = [];
  const turns = need.turns.map((tokens) => tokens * scale);
  const passages = need.passages.map((tokens) => tokens * scale);
  const summarised = fewest(turns, (gone) => gone - summaryOf(gone) >= over);
  if (summarised !== null) {
    const gone = sum(turns.slice(0, summarised));
    ways.push({
      kind: "summarise",
      turns: summarised,
      nano: upperCost(model.price, { input: Math.ceil(gone), output: Math.ceil(summaryOf(gone)) }),
    });
  }
  const dropped = fewest(turns, (gone) => gone >= over);
  if (dropped !== null) ways.push({ kind: "drop", turns: dropped });
  // The best passages come first, so the last ones go.
  const fewer = fewest(passages.toReversed(), (gone) => gone >= over);
  if (fewer !== null && fewer < passages.length) {
    ways.push({ kind: "passages", keep: passages.length - fewer, of: passages.length });
  }
  return ways;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const summaryOf = (tokens: number) => Math.max(SUMMARY_LEAST, tokens * SUMMARY_SHARE);

/** How many parts from the front have to go until it is enough; the newest always stays. Null if that never is. */
function fewest(parts: readonly number[], isEnough: (gone: number) => boolean): number | null {
  let gone = 0;
  for (let count = 1; count < parts.length; count += 1) {
    gone += parts[count - 1] as number;
    if (isEnough(gone)) return count;
  }
  return null;
}
