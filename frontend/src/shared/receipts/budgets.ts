import { queryOptions } from "@tanstack/react-query";
import { api, read, type Schemas } from "../api/client";

export type Budget = Schemas["BudgetRead"];
export type Budgets = Schemas["BudgetsRead"];

/** All limits that concern a person: their own, those set for them, and those of their access tokens. */
export const budgetsQuery = queryOptions({
  queryKey: ["billing", "budgets"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/billing/budgets", { signal })),
});

type Spent = Pick<Budget, "limit_nano" | "spent_nano" | "warn_percent">;

export const shareOf = (budget: Spent) => (budget.limit_nano > 0 ? budget.spent_nano / budget.limit_nano : 1);

export type Tone = "primary" | "brass" | "brick";

export function toneOf(budget: Spent): Tone {
  const share = shareOf(budget);
  if (share >= 1) return "brick";
  return share * 100 >= budget.warn_percent ? "brass" : "primary";
}

/** The one that is nearest to its end, of those that have something to say. */
export function nearest(budgets: readonly Budget[]): Budget | null {
  const warning = budgets.filter((budget) => toneOf(budget) !== "primary");
  return warning.toSorted((a, b) => shareOf(b) - shareOf(a))[0] ?? null;
}
