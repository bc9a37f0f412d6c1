import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, ifMatch, read, type Schemas } from "@/shared/api/client";

export type AdminModel = Schemas["ModelAdminRead"];
export type ModelChange = Schemas["ModelChange"];
export type LlmConfig = Schemas["LlmConfigRead"];
export type Alias = LlmConfig["aliases"][number];
export type Rule = LlmConfig["rules"][number];

export interface ModelFilter {
  readonly provider?: string;
  readonly search?: string;
  readonly enabled?: boolean;
}

export const adminModelsQuery = (filter: ModelFilter) =>
  infiniteQueryOptions({
    queryKey: ["admin", "models", "list", filter],
    queryFn: ({ pageParam, signal }) =>
      read(
        api.GET("/api/v1/admin/models", {
          params: { query: { ...filter, cursor: pageParam ?? undefined, limit: 100 } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });

export function useChangeModel() {
  const client = useQueryClient();
  return useMutation({
    meta: { shown: true },
    mutationFn: ({ id, version, ...body }: ModelChange & { id: string; version?: number }) =>
      read(
        api.PATCH("/api/v1/admin/models/{model_id}", {
          params: { path: { model_id: id }, header: version === undefined ? {} : ifMatch(version) },
          body,
        }),
      ),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["admin", "models"] });
      void client.invalidateQueries({ queryKey: ["admin", "providers"] });
      void client.invalidateQueries({ queryKey: ["models"] });
    },
  });
}

export const llmConfigQuery = queryOptions({
  queryKey: ["admin", "llm-config"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/admin/llm-config", { signal })),
});

/** All of it at once, based on the version that was seen. */
export function useChangeConfig() {
  const client = useQueryClient();
  return useMutation({
    meta: { shown: true },
    mutationFn: ({ version, ...body }: LlmConfig) =>
      read(api.PUT("/api/v1/admin/llm-config", { params: { header: ifMatch(version) }, body })),
    onSuccess: (config) => {
      client.setQueryData(llmConfigQuery.queryKey, config);
      void client.invalidateQueries({ queryKey: ["models"] });
    },
    onError: () => client.invalidateQueries({ queryKey: llmConfigQuery.queryKey }),
  });
}
