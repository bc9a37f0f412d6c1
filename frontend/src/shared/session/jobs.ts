import { queryOptions } from "@tanstack/react-query";
import { api, read } from "../api/client";

/** The person's own jobs, newest first. Progress arrives by events. */
export const jobsQuery = queryOptions({
  queryKey: ["jobs"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/jobs", { params: { query: { limit: 20 } }, signal })),
});

export const notificationsQuery = queryOptions({
  queryKey: ["notifications"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/notifications", { params: { query: { limit: 10 } }, signal })),
});
