import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, read, type Schemas } from "@/shared/api/client";
import { modelsQuery } from "@/shared/models/api";

export type ModelKeys = Schemas["OwnKeysRead"];
export type ModelKey = Schemas["OwnKeyRead"];

export const modelKeysQuery = queryOptions({
  queryKey: ["model-keys"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/llm/keys", { signal })),
});

/** Another key may open other models. */
function useKeyChange<Wish, Answer>(change: (wish: Wish) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({
    meta: { shown: true },
    mutationFn: change,
    onSettled: () => {
      void client.invalidateQueries({ queryKey: modelKeysQuery.queryKey });
      void client.invalidateQueries({ queryKey: modelsQuery.queryKey });
    },
  });
}

export const useAddModelKey = () =>
  useKeyChange((key: Schemas["OwnKeyCreate"]) => read(api.POST("/api/v1/llm/keys", { body: key })));

export const useTestModelKey = () =>
  useKeyChange((key_id: string) => read(api.POST("/api/v1/llm/keys/{key_id}/test", { params: { path: { key_id } } })));

export const useRemoveModelKey = () =>
  useKeyChange((key_id: string) => read(api.DELETE("/api/v1/llm/keys/{key_id}", { params: { path: { key_id } } })));
