import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { ask } from "@/shared/api/ask";
import { ifMatch } from "@/shared/api/client";
import { balanceQuery } from "@/shared/receipts/balance";

export { balanceQuery };

export interface Cost {
  readonly nano: number;
  readonly currency: string;
}

export const groupings = ["model", "project", "provider"] as const;
export type Grouping = (typeof groupings)[number];

export interface UsageSum {
  readonly runs: number;
  readonly tokens_in: number;
  readonly tokens_out: number;
  readonly cost: Cost | null;
}

export interface UsageGroup extends UsageSum {
  readonly key: string;
  readonly label: string;
}

export interface Usage {
  readonly items: readonly UsageGroup[];
  readonly total: UsageSum;
}

/** Whole days, both ends included, in the person's own zone. */
export interface Period {
  readonly since: string;
  readonly until: string;
}

export const usageQuery = (group: Grouping | "day", period: Period) =>
  queryOptions({
    queryKey: ["usage", "sums", group, period],
    queryFn: ({ signal }) => ask<Usage>("get", "/api/v1/usage", { query: { group, ...period }, signal }),
  });

export interface LogLine {
  readonly run_id: string;
  readonly at: string;
  readonly kind: string;
  readonly title: string | null;
  readonly state: "accepted" | "running" | "done" | "failed" | "stopped" | "interrupted";
  readonly model: string;
  readonly provider: string;
  readonly is_local: boolean;
  readonly tokens_in: number;
  readonly tokens_out: number;
  readonly cost: Cost | null;
  readonly is_free: boolean;
  readonly is_estimated: boolean;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
  readonly total?: number | null;
}

export const logQuery = (model: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["usage", "log", model ?? null],
    queryFn: ({ pageParam, signal }) =>
      ask<Page<LogLine>>("get", "/api/v1/usage/log", {
        query: { model, cursor: pageParam ?? undefined, limit: 50 },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });

export function csvAddress(period: Period | null): string {
  const query = period ? `?${new URLSearchParams({ since: period.since, until: period.until })}` : "";
  return `/api/v1/usage.csv${query}`;
}

export interface Entry {
  readonly id: string;
  readonly at: string;
  /** grant, charge, refund, expiry, correction … */
  readonly kind: string;
  readonly nano: number;
  readonly currency: string;
  readonly note: string | null;
  readonly run_id: string | null;
}

export const entriesQuery = infiniteQueryOptions({
  queryKey: ["billing", "entries"],
  queryFn: ({ pageParam, signal }) =>
    ask<Page<Entry>>("get", "/api/v1/billing/entries", {
      query: { cursor: pageParam ?? undefined, limit: 50 },
      signal,
    }),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next_cursor,
});

export const budgetPeriods = ["day", "month", "total"] as const;
export type BudgetPeriod = (typeof budgetPeriods)[number];

export interface Budget {
  readonly id: string;
  readonly period: BudgetPeriod;
  readonly limit_nano: number;
  readonly spent_nano: number;
  readonly currency: string;
  readonly warn_percent: number;
  readonly stops: boolean;
  /** Set by the administration: the person sees it, but cannot lift it. */
  readonly is_imposed: boolean;
}

export interface Budgets {
  readonly items: readonly Budget[];
  readonly version: number;
  readonly currency: string;
}

export const budgetsQuery = queryOptions({
  queryKey: ["billing", "budgets"],
  queryFn: ({ signal }) => ask<Budgets>("get", "/api/v1/billing/budgets", { signal }),
});

export interface BudgetWish {
  readonly period: BudgetPeriod;
  readonly limit_nano: number;
  readonly warn_percent: number;
  readonly stops: boolean;
}

export function useChangeBudgets() {
  const client = useQueryClient();
  return useMutation({
    meta: { shown: true },
    mutationFn: ({ items, version }: { items: readonly BudgetWish[]; version: number }) =>
      ask<Budgets>("put", "/api/v1/billing/budgets", { body: { items }, headers: ifMatch(version) }),
    onSuccess: (budgets) => client.setQueryData(budgetsQuery.queryKey, budgets),
    onError: () => client.invalidateQueries({ queryKey: budgetsQuery.queryKey }),
  });
}
