import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, read } from "@/shared/api/client";
import { jobsQuery, notificationsQuery } from "@/shared/session/jobs";

/** The figures of the installation; the server answers administrators only. */
export const statsQuery = queryOptions({
  queryKey: ["admin", "stats"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/admin/stats", { signal })),
});

export function useCancelJob() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (jobId: string) =>
      read(api.POST("/api/v1/jobs/{job_id}/cancel", { params: { path: { job_id: jobId } } })),
    onSettled: () => client.invalidateQueries({ queryKey: jobsQuery.queryKey }),
  });
}

export function useMarkAllRead() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => read(api.POST("/api/v1/notifications/read", { body: { ids: [], all: true } })),
    onMutate: () => {
      const at = new Date().toISOString();
      client.setQueryData(notificationsQuery.queryKey, (page) =>
        page ? { ...page, items: page.items.map((item) => ({ ...item, read_at: item.read_at ?? at })) } : page,
      );
    },
    onSettled: () => client.invalidateQueries({ queryKey: notificationsQuery.queryKey }),
  });
}
