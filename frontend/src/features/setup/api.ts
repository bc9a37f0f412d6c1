import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, read } from "@/shared/api/client";
import type { Language } from "@/shared/i18n/locale";
import { installationQuery, meQuery } from "@/shared/session/queries";

const CHECK_AGAIN_MS = 5000;

/**
 * The system check of the left column. It looks again for as long as something is wrong. The server answers in the
 * language of the settings, hence the key.
 */
export const checksQuery = (language: Language) =>
  queryOptions({
    queryKey: ["setup", "checks", language],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => read(api.GET("/api/v1/setup/checks", { signal })),
    refetchInterval: ({ state }) =>
      state.data?.items.some((check) => check.state === "fail") ? CHECK_AGAIN_MS : false,
  });

export interface SetupAnswers {
  name: string;
  email: string | null;
  password: string | null;
  language: "de" | "en";
  timezone: string;
  currency: string;
  theme: "light" | "dark" | "system";
}

export function useSetUp() {
  const client = useQueryClient();
  return useMutation({
    meta: { shown: true },
    mutationFn: (answers: SetupAnswers) => read(api.POST("/api/v1/setup", { body: answers })),
    onSuccess: (me) => {
      client.setQueryData(meQuery.queryKey, me);
      void client.invalidateQueries({ queryKey: installationQuery.queryKey });
    },
  });
}
