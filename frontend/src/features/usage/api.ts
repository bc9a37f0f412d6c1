import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, ifMatch, read, type Schemas } from "@/shared/api/client";
import { type Budget, budgetsQuery } from "@/shared/receipts/budgets";
import type { Period } from "@/shared/receipts/period";

export const groupings = ["model", "project", "provider"] as const;
export type Grouping = (typeof groupings)[number];

export type Usage = Schemas["UsageSums"];
export type UsageGroup = Schemas["UsageGroup"];
export type UsageSum = Schemas["UsageSum"];
export type Entry = Schemas["StatementEntry"];
export type LogLine = Schemas["LogLine"];
export type BudgetWish = Schemas["BudgetWrite"];
export type BudgetPeriod = Budget["period"];

export const budgetPeriods = ["day", "month", "total"] as const satisfies readonly BudgetPeriod[];

export const usageQuery = (group: Grouping | "day", period: Period) =>
  queryOptions({
    queryKey: ["usage", "sums", group, period],
    queryFn: ({ signal }) => read(api.GET("/api/v1/usage", { params: { query: { group, ...period } }, signal })),
  });

/** Which requests of the log: of one group of the sums, of a time. */
export interface LogFilter extends Partial<Record<Grouping, string>> {
  readonly since?: string;
  readonly until?: string;
}

export const logQuery = (filter: LogFilter) =>
  infiniteQueryOptions({
    queryKey: ["usage", "log", filter],
    queryFn: ({ pageParam, signal }) =>
      read(
        api.GET("/api/v1/usage/log", {
          params: { query: { ...filter, cursor: pageParam ?? undefined, limit: 50 } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });

export function csvAddress({ since, until }: Period, language: string | undefined): string {
  return `/api/v1/usage.csv?${new URLSearchParams({ since, until, ...(language ? { language } : {}) })}`;
}

export const entriesQuery = infiniteQueryOptions({
  queryKey: ["billing", "entries"],
  queryFn: ({ pageParam, signal }) =>
    read(
      api.GET("/api/v1/billing/entries", {
        params: { query: { cursor: pageParam ?? undefined, limit: 50 } },
        signal,
      }),
    ),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next_cursor,
});

/** One's own access tokens, because each may have limits of its own. */
export const tokensQuery = queryOptions({
  queryKey: ["tokens"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/auth/tokens", { signal })),
});

/** Whose limit it is: one's own, or that of one access token. */
export type Subject =
  | { readonly kind: "person" }
  | { readonly kind: "key"; readonly id: string; readonly name: string };

/** All of the subject at once; one's own are based on the version that was seen. */
export function useChangeBudgets(subject: Subject) {
  const client = useQueryClient();
  return useMutation({
    meta: { shown: true },
    mutationFn: ({ items, version }: { items: BudgetWish[]; version: number }) =>
      read(
        api.PUT("/api/v1/billing/budgets", {
          params:
            subject.kind === "person"
              ? { header: ifMatch(version) }
              : { query: { subject: "key", subject_id: subject.id } },
          body: { items },
        }),
      ),
    onSuccess: (budgets) => client.setQueryData(budgetsQuery.queryKey, budgets),
    onError: () => client.invalidateQueries({ queryKey: budgetsQuery.queryKey }),
  });
}
