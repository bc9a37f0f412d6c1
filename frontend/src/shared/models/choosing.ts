import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, read } from "../api/client";
import { meQuery, type Settings, useMe } from "../session/queries";
import { modelsQuery } from "./api";

/** Settings that the gateway writes, because only it knows which models there are. The screen follows at once. */
function useModelSetting<Wish>(
  ahead: (settings: Settings, wish: Wish) => Settings,
  save: (wish: Wish) => Promise<Settings>,
) {
  const client = useQueryClient();
  const put = (change: (settings: Settings) => Settings) =>
    client.setQueryData(meQuery.queryKey, (me) => me && { ...me, settings: change(me.settings) });
  return useMutation({
    mutationKey: ["settings"],
    mutationFn: save,
    onMutate: async (wish) => {
      await client.cancelQueries({ queryKey: meQuery.queryKey });
      const before = client.getQueryData(meQuery.queryKey);
      put((settings) => ahead(settings, wish));
      return { before };
    },
    onError: (_error, _wish, context) => client.setQueryData(meQuery.queryKey, context?.before),
    onSuccess: (settings) => put(() => settings),
  });
}

export function useFavourites() {
  const { settings } = useMe();
  const favourites = settings.favourite_models ?? [];
  const mark = useModelSetting(
    (before, { id, isFavourite }: { id: string; isFavourite: boolean }) => {
      const others = (before.favourite_models ?? []).filter((each) => each !== id);
      return { ...before, favourite_models: isFavourite ? [...others, id] : others };
    },
    ({ id: model_id, isFavourite }) => {
      const params = { path: { model_id } };
      return read(
        isFavourite
          ? api.PUT("/api/v1/llm/favourites/{model_id}", { params })
          : api.DELETE("/api/v1/llm/favourites/{model_id}", { params }),
      );
    },
  );
  return { favourites, mark: (id: string, isFavourite: boolean) => mark.mutate({ id, isFavourite }) };
}

/** What answers when no model is named; null: as the house has it. */
export function usePreferred() {
  const client = useQueryClient();
  return useModelSetting(
    (before, default_model: string | null) => ({ ...before, default_model }),
    async (model) => {
      const settings = await read(api.PUT("/api/v1/llm/preferred", { body: { model } }));
      void client.invalidateQueries({ queryKey: modelsQuery.queryKey, exact: true });
      return settings;
    },
  );
}
