import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, ifMatch, read, type Schemas } from "@/shared/api/client";
import type { Day } from "@/shared/i18n/days";
import { makeProvider } from "@/shared/models/providers";
import { houseUsageQuery } from "../usage/api";

export type Provider = Schemas["ProviderRead"];
export type ProviderKey = Schemas["KeyRead"];
export type Tick = Schemas["TickRead"];
export type ProviderChange = Schemas["ProviderChange"];

const REFRESH_MS = 30_000;

export const providersQuery = queryOptions({
  queryKey: ["admin", "providers"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/admin/providers", { signal })),
  refetchInterval: REFRESH_MS,
});

/** What each did today: by the same sums as in the usage of the house. No event tells when somebody else has asked. */
export const todayQuery = (day: Day) =>
  queryOptions({ ...houseUsageQuery("provider", { since: day, until: day }), refetchInterval: REFRESH_MS });

const of = (provider_id: string) => ({ path: { provider_id } });

export const healthQuery = (id: string) =>
  queryOptions({
    queryKey: ["admin", "providers", id, "health"],
    queryFn: ({ signal }) => read(api.GET("/api/v1/admin/providers/{provider_id}/health", { params: of(id), signal })),
  });

/** What is known of providers and models follows every change of one. */
function useChange<Wish, Answer>(change: (wish: Wish) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({
    meta: { shown: true },
    mutationFn: change,
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["admin", "providers"] });
      void client.invalidateQueries({ queryKey: ["admin", "models"] });
      void client.invalidateQueries({ queryKey: ["models"] });
    },
  });
}

export const useTest = () =>
  useChange((id: string) => read(api.POST("/api/v1/admin/providers/{provider_id}/test", { params: of(id) })));

export const useRefresh = () =>
  useChange((id: string) => read(api.POST("/api/v1/admin/providers/{provider_id}/refresh", { params: of(id) })));

/** With a version it is refused when somebody else was quicker; switches and Undo come without. */
export const useChangeProvider = () =>
  useChange(({ id, version, ...body }: ProviderChange & { id: string; version?: number }) =>
    read(
      api.PATCH("/api/v1/admin/providers/{provider_id}", {
        params: { ...of(id), header: version === undefined ? {} : ifMatch(version) },
        body,
      }),
    ),
  );

export const useMakeProvider = () => useChange(makeProvider);

export const useDeleteProvider = () =>
  useChange((id: string) => read(api.DELETE("/api/v1/admin/providers/{provider_id}", { params: of(id) })));

export const useAddKey = () =>
  useChange(({ id, key }: { id: string; key: string }) =>
    read(api.POST("/api/v1/admin/providers/{provider_id}/keys", { params: of(id), body: { key } })),
  );

export const useDeleteKey = () =>
  useChange(({ id, key }: { id: string; key: string }) =>
    read(
      api.DELETE("/api/v1/admin/providers/{provider_id}/keys/{key_id}", {
        params: { path: { provider_id: id, key_id: key } },
      }),
    ),
  );
