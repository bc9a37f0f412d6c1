import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, read, type Schemas } from "@/shared/api/client";

export type AdminJob = Schemas["AdminJobRead"];
export type JobState = AdminJob["state"];
export type Pause = Schemas["PauseRead"];

export const jobStates = [
  "running",
  "queued",
  "waiting",
  "failed",
  "dead",
  "cancelled",
  "done",
] as const satisfies readonly JobState[];

export interface JobFilter {
  readonly state?: JobState;
  readonly kind?: string;
  readonly owner?: string;
}

/** Kept fresh by `jobs.changed`, which tells administrators of everybody's jobs. */
export const jobsQuery = (filter: JobFilter) =>
  infiniteQueryOptions({
    queryKey: ["admin", "jobs", "list", filter],
    queryFn: ({ pageParam, signal }) =>
      read(
        api.GET("/api/v1/admin/jobs", {
          params: { query: { ...filter, cursor: pageParam ?? undefined, limit: 50 } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });

export const periodicQuery = queryOptions({
  queryKey: ["admin", "jobs", "periodic"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/admin/jobs/periodic", { signal })),
});

export const pausedQuery = queryOptions({
  queryKey: ["admin", "jobs", "paused"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/admin/jobs/paused", { signal })),
});

const meta = { shown: true };

function useRefresh() {
  const client = useQueryClient();
  return () => {
    void client.invalidateQueries({ queryKey: ["admin", "jobs"] });
    void client.invalidateQueries({ queryKey: ["admin", "stats"] });
  };
}

export function useRetryJob() {
  const onSettled = useRefresh();
  return useMutation({
    meta,
    mutationFn: (job_id: string) =>
      read(api.POST("/api/v1/admin/jobs/{job_id}/retry", { params: { path: { job_id } } })),
    onSettled,
  });
}

export function useCancelJob() {
  const onSettled = useRefresh();
  return useMutation({
    meta,
    mutationFn: (job_id: string) =>
      read(api.POST("/api/v1/admin/jobs/{job_id}/cancel", { params: { path: { job_id } } })),
    onSettled,
  });
}

export type Subject = { kind: string } | { owner_id: string };

export function usePause() {
  const onSettled = useRefresh();
  return useMutation({
    meta,
    mutationFn: (body: Subject) => read(api.POST("/api/v1/admin/jobs/pause", { body })) as Promise<unknown>,
    onSettled,
  });
}

export function useResume() {
  const onSettled = useRefresh();
  return useMutation({
    meta,
    mutationFn: (body: Subject) => read(api.POST("/api/v1/admin/jobs/resume", { body })) as Promise<unknown>,
    onSettled,
  });
}
