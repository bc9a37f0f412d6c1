import { queryOptions } from "@tanstack/react-query";
import { ask } from "../api/ask";
import { isProblem } from "../api/problem";

/** What a person has to spend, in nano-units; while billing is off only the currency means something. */
export interface Balance {
  readonly is_on: boolean;
  readonly currency: string;
  readonly available: number;
  readonly held: number;
  readonly purchased: number;
  readonly granted: number;
  readonly debt: number;
  readonly lasts_until: string | null;
  readonly today: number | null;
}

/** Null where this installation keeps no account of costs. */
export const balanceQuery = queryOptions({
  queryKey: ["billing", "balance"],
  queryFn: async ({ signal }): Promise<Balance | null> => {
    try {
      return await ask<Balance>("get", "/api/v1/billing/balance", { signal });
    } catch (error) {
      if (isProblem(error) && error.status === 404) return null;
      throw error;
    }
  },
});
