import { queryOptions } from "@tanstack/react-query";
import { api, read } from "@/shared/api/client";

export const statsQuery = queryOptions({
  queryKey: ["admin", "stats"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/admin/stats", { signal })),
  // Numbers of the machine change without an event.
  refetchInterval: 20_000,
});

export const checksQuery = queryOptions({
  queryKey: ["admin", "checks"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/admin/checks", { signal })),
  staleTime: 60_000,
});
