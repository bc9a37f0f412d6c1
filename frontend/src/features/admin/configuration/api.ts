import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, ifMatch, read, type Schemas } from "@/shared/api/client";
import { installationQuery } from "@/shared/session/queries";

export type Configuration = Schemas["ConfigurationRead"];
export type ConfigurationChange = Schemas["ConfigurationChange"];

export const configurationQuery = queryOptions({
  queryKey: ["admin", "configuration"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/admin/configuration", { signal })),
});

/** With a version it is refused when somebody else was quicker; switches and Undo come without. */
export function useChangeConfiguration() {
  const client = useQueryClient();
  return useMutation({
    meta: { shown: true },
    mutationFn: ({ version, ...body }: ConfigurationChange & { version?: number }) =>
      read(
        api.PATCH("/api/v1/admin/configuration", {
          params: { header: version === undefined ? {} : ifMatch(version) },
          body,
        }),
      ),
    onSuccess: (changed) => {
      client.setQueryData(configurationQuery.queryKey, changed);
      void client.invalidateQueries({ queryKey: installationQuery.queryKey });
      void client.invalidateQueries({ queryKey: ["admin", "audit"] });
    },
    onError: () => client.invalidateQueries({ queryKey: configurationQuery.queryKey }),
  });
}
