import { queryOptions } from "@tanstack/react-query";
import { api, read, type Schemas } from "../api/client";

/** What a person has to spend, in nano-units; while billing is off only the currency and today's sum mean something. */
export type Balance = Schemas["BalanceRead"];

export const balanceQuery = queryOptions({
  queryKey: ["billing", "balance"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/billing/balance", { signal })),
});

/** What one's own requests of a day cost, also where nothing is charged. */
export const dayQuery = (day: string) =>
  queryOptions({
    queryKey: ["usage", "sums", "day", day],
    queryFn: ({ signal }) =>
      read(api.GET("/api/v1/usage", { params: { query: { group: "day", since: day, until: day } }, signal })),
  });
