import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, read, type Schemas } from "@/shared/api/client";
import { meQuery } from "@/shared/session/queries";

export const accessQuery = queryOptions({
  queryKey: ["admin", "full-access"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/admin/full-access", { signal })) as Promise<Access | null>,
  // It ends by the clock, without an event.
  refetchInterval: (query) => {
    const until = query.state.data?.until;
    return until ? Math.max(1000, Math.min(60_000, Date.parse(until) - Date.now() + 500)) : false;
  },
});

export type Access = Schemas["FullAccessRead"];

function useRefresh() {
  const client = useQueryClient();
  return () =>
    Promise.all([
      client.invalidateQueries({ queryKey: accessQuery.queryKey }),
      client.invalidateQueries({ queryKey: meQuery.queryKey }),
      client.invalidateQueries({ queryKey: ["admin", "audit"] }),
    ]);
}

export function useStartAccess() {
  const onSuccess = useRefresh();
  return useMutation({
    meta: { shown: true },
    mutationFn: (body: Schemas["FullAccessWish"]) => read(api.POST("/api/v1/admin/full-access", { body })),
    onSuccess,
  });
}

export function useEndAccess() {
  const client = useQueryClient();
  const onSuccess = useRefresh();
  return useMutation({
    meta: { shown: true },
    mutationFn: () => read(api.DELETE("/api/v1/admin/full-access")) as Promise<unknown>,
    onSuccess: () => {
      // What was seen under full access does not stay behind it.
      client.removeQueries({ queryKey: ["admin", "files"] });
      return onSuccess();
    },
  });
}
