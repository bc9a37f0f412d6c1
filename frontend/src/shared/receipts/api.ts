import { queryOptions } from "@tanstack/react-query";
import { ask } from "../api/ask";

export interface ReceiptLine {
  /** Which kind of tokens: input, cached, cache_write, output, reasoning, image, audio_in, audio_out. */
  readonly class: string;
  readonly tokens: number;
  /** Decimal text per million tokens; null where there was no price. */
  readonly rate_per_million: string | null;
  readonly amount: string | null;
}

/** What one answer cost and why. Amounts are decimal text in `currency`. */
export interface Receipt {
  readonly number: string;
  readonly at: string;
  readonly seconds: number | null;
  readonly model: string;
  readonly provider: string;
  readonly title: string | null;
  readonly currency: string;
  readonly lines: readonly ReceiptLine[];
  /** Null where no price was known. */
  readonly sum: string | null;
  readonly hold: string | null;
  readonly released: string | null;
  readonly balance_after: string | null;
  readonly price_version: { readonly id: string; readonly valid_from: string; readonly source: string } | null;
  /** How much of `currency` one US dollar was. */
  readonly fx: { readonly rate: string; readonly day: string } | null;
  readonly markup_percent: string | null;
  readonly is_estimated: boolean;
  readonly is_free: boolean;
  readonly note: string | null;
}

export const receiptQuery = (runId: string) =>
  queryOptions({
    queryKey: ["runs", runId, "receipt"],
    queryFn: ({ signal }) => ask<Receipt>("get", `/api/v1/runs/${encodeURIComponent(runId)}/receipt`, { signal }),
  });
