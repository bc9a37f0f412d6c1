import { queryOptions } from "@tanstack/react-query";
import { ask } from "../api/ask";

/** Why a model can or cannot be used right now. */
export type ModelState = "ok" | "slow" | "down" | "unpriced" | "no_key";

/** Per million tokens, as decimal text, because a price is money and no floating number. */
export interface ModelPrice {
  readonly currency: string;
  readonly is_free: boolean;
  readonly input: string | null;
  readonly cached: string | null;
  readonly cache_write: string | null;
  readonly output: string | null;
}

export interface ModelInfo {
  readonly id: string;
  readonly name: string;
  readonly label: string;
  readonly provider: {
    readonly id: string;
    readonly kind: string;
    readonly label: string;
    readonly is_local: boolean;
  };
  readonly description: string | null;
  readonly context_total: number | null;
  readonly max_output: number | null;
  readonly takes: readonly string[];
  readonly gives: readonly string[];
  /** Null where nobody has said what it can do. */
  readonly features: readonly string[] | null;
  readonly price: ModelPrice | null;
  readonly state: ModelState;
  readonly is_own_key: boolean;
  readonly deprecated_on: string | null;
  readonly aliases: readonly string[];
}

export interface ModelList {
  readonly items: readonly ModelInfo[];
  /** A model, an alias or a rule. */
  readonly default: string;
}

/** What a text would be for one model: how many tokens, between which bounds, and what it would cost. */
export interface TokenCount {
  readonly model: string;
  readonly tokens: number;
  readonly tokens_low: number;
  readonly tokens_high: number;
}

/** All models that this person could use, also those that cannot be used at the moment. */
export const modelsQuery = queryOptions({
  queryKey: ["models"],
  queryFn: ({ signal }) => ask<ModelList>("get", "/api/v1/llm/models", { signal }),
});
