import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, ifMatch, read, type Schemas } from "@/shared/api/client";

export type Billing = Schemas["BillingRead"];
export type BillingChange = Schemas["BillingChange"];
export type Price = Schemas["PriceHistory"]["items"][number];
export type HeldPrice = Schemas["PriceInReview"];
export type NewPrice = Schemas["PriceWrite"];
export type Grant = Schemas["GrantRead"];
export type Entry = Schemas["EntryRead"];
export type Proof = Schemas["ProofRead"];
export type Markup = Billing["markups"][number];
export type PersonBilling = Schemas["PersonBilling"];

export const billingQuery = queryOptions({
  queryKey: ["admin", "billing"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/admin/billing", { signal })),
});

/** With a version it is refused when somebody else was quicker; switches and Undo come without. */
export function useChangeBilling() {
  const client = useQueryClient();
  return useMutation({
    meta: { shown: true },
    mutationFn: ({ version, ...body }: BillingChange & { version?: number }) =>
      read(
        api.PUT("/api/v1/admin/billing", { params: { header: version === undefined ? {} : ifMatch(version) }, body }),
      ),
    onSuccess: (billing) => {
      client.setQueryData(billingQuery.queryKey, billing);
      void client.invalidateQueries({ queryKey: ["models"] });
      void client.invalidateQueries({ queryKey: ["billing"] });
    },
    onError: () => client.invalidateQueries({ queryKey: billingQuery.queryKey }),
  });
}

export const pricesQuery = (search: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["admin", "prices", "list", search ?? null],
    queryFn: ({ pageParam, signal }) =>
      read(
        api.GET("/api/v1/admin/prices", {
          params: { query: { search, cursor: pageParam ?? undefined, limit: 50 } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });

export const reviewQuery = queryOptions({
  queryKey: ["admin", "prices", "review"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/admin/prices/review", { params: { query: { limit: 50 } }, signal })),
});

export const historyQuery = (price_id: string) =>
  queryOptions({
    queryKey: ["admin", "prices", price_id, "history"],
    queryFn: ({ signal }) =>
      read(api.GET("/api/v1/admin/prices/{price_id}/history", { params: { path: { price_id } }, signal })),
  });

function usePriceChange<Wish, Answer>(change: (wish: Wish) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({
    meta: { shown: true },
    mutationFn: change,
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["admin", "prices"] });
      void client.invalidateQueries({ queryKey: ["admin", "billing"] });
      void client.invalidateQueries({ queryKey: ["models"] });
    },
  });
}

export const useDecide = () =>
  usePriceChange(({ id, decision }: { id: string; decision: "accept" | "reject" }) =>
    read(
      api.POST("/api/v1/admin/prices/review/{price_id}", {
        params: { path: { price_id: id } },
        body: { decision },
      }),
    ),
  );

export const useSetPrice = () =>
  usePriceChange((price: Partial<NewPrice> & Pick<NewPrice, "provider" | "model">) =>
    read(api.POST("/api/v1/admin/prices", { body: price as NewPrice })),
  );

export const useRefreshPrices = () => usePriceChange(() => read(api.POST("/api/v1/admin/prices/refresh")));

export const useFetchRates = () => usePriceChange(() => read(api.POST("/api/v1/admin/exchange-rates/refresh")));

/** Units for one euro, by currency. */
export const useTypeRates = () =>
  usePriceChange((rates: Record<string, string>) =>
    read(api.POST("/api/v1/admin/exchange-rates", { body: { rates } })),
  );

export const exchangeQuery = queryOptions({
  queryKey: ["admin", "billing", "exchange-rates"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/admin/exchange-rates", { params: { query: { limit: 5 } }, signal })),
});

/** A month of nights. */
export const proofsQuery = queryOptions({
  queryKey: ["admin", "billing", "proofs"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/admin/billing/proofs", { params: { query: { limit: 30 } }, signal })),
});

export const useProve = () => usePersonChange(() => read(api.POST("/api/v1/admin/billing/proofs")));

export const allGrantsQuery = infiniteQueryOptions({
  queryKey: ["admin", "billing", "grants"],
  queryFn: ({ pageParam, signal }) =>
    read(api.GET("/api/v1/admin/grants", { params: { query: { cursor: pageParam ?? undefined, limit: 20 } }, signal })),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next_cursor,
});

export const personBillingQuery = (user_id: string) =>
  queryOptions({
    queryKey: ["admin", "billing", "people", user_id],
    queryFn: ({ signal }) =>
      read(api.GET("/api/v1/admin/billing/people/{user_id}", { params: { path: { user_id } }, signal })),
  });

export const grantsQuery = (user_id: string) =>
  queryOptions({
    queryKey: ["admin", "billing", "grants", user_id],
    queryFn: ({ signal }) =>
      read(api.GET("/api/v1/admin/grants", { params: { query: { user_id, limit: 20 } }, signal })),
  });

export const personEntriesQuery = (user_id: string) =>
  infiniteQueryOptions({
    queryKey: ["admin", "billing", "people", user_id, "entries"],
    queryFn: ({ pageParam, signal }) =>
      read(
        api.GET("/api/v1/admin/billing/people/{user_id}/entries", {
          params: { path: { user_id }, query: { cursor: pageParam ?? undefined, limit: 10 } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });

export const useGiveBack = () =>
  usePersonChange(({ id, note }: { id: string; note: string }) =>
    read(
      api.POST("/api/v1/admin/billing/entries/{entry_id}/give-back", {
        params: { path: { entry_id: id } },
        body: { note },
      }),
    ),
  );

function usePersonChange<Wish, Answer>(change: (wish: Wish) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({
    meta: { shown: true },
    mutationFn: change,
    onSettled: () => void client.invalidateQueries({ queryKey: ["admin", "billing"] }),
  });
}

export const useGrant = () =>
  usePersonChange((grant: Schemas["GrantWrite"]) => read(api.POST("/api/v1/admin/grants", { body: grant })));

export const useWithdraw = () =>
  usePersonChange((grant_id: string) =>
    read(api.DELETE("/api/v1/admin/grants/{grant_id}", { params: { path: { grant_id } } })),
  );

export const useImposeBudgets = (user_id: string) =>
  usePersonChange(({ items, version }: { items: Schemas["BudgetsWrite"]["items"]; version: number }) =>
    read(
      api.PUT("/api/v1/admin/billing/people/{user_id}/budgets", {
        params: { path: { user_id }, header: ifMatch(version) },
        body: { items },
      }),
    ),
  );
