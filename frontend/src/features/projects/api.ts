import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, read, type Schemas } from "@/shared/api/client";
import type { Period } from "@/shared/receipts/period";

export type Thrown = Schemas["TrashRead"];

export const trashQuery = infiniteQueryOptions({
  queryKey: ["trash"],
  queryFn: ({ pageParam, signal }) =>
    read(api.GET("/api/v1/trash", { params: { query: { cursor: pageParam ?? undefined, limit: 100 } }, signal })),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next_cursor,
  // Documents come here without a word of it.
  staleTime: 0,
});

/** What one's own questions in each project cost in this time; the tree says it beside the name. */
export const costsQuery = (period: Period) =>
  queryOptions({
    queryKey: ["usage", "sums", "project", period],
    queryFn: ({ signal }) =>
      read(api.GET("/api/v1/usage", { params: { query: { group: "project", ...period } }, signal })),
  });

export const projectBudgetsQuery = (project_id: string) =>
  queryOptions({
    queryKey: ["projects", "budgets", project_id],
    queryFn: ({ signal }) =>
      read(api.GET("/api/v1/projects/{project_id}/budgets", { params: { path: { project_id } }, signal })),
  });

const NEWEST = 6;

/** Below the key of all lists of documents, so that their rows follow events as those do. */
export const newestDocumentsQuery = (project_id: string) =>
  infiniteQueryOptions({
    queryKey: ["documents", "list", { project_id, newest: true }],
    queryFn: ({ signal }) =>
      read(
        api.GET("/api/v1/projects/{project_id}/documents", {
          params: { path: { project_id }, query: { sort: "-created_at", limit: NEWEST } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: () => null,
  });
