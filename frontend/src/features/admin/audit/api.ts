import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, read, type Schemas } from "@/shared/api/client";

export type AuditLine = Schemas["AuditRead"];

export interface AuditFilter {
  readonly actor?: string;
  /** The id of a person or a thing: what they did, and what was done about them. */
  readonly about?: string;
  readonly action?: string;
  readonly since?: string;
  readonly until?: string;
  readonly search?: string;
}

export const auditQuery = (filter: AuditFilter, limit = 50) =>
  infiniteQueryOptions({
    queryKey: ["admin", "audit", filter, limit],
    queryFn: ({ pageParam, signal }) =>
      read(
        api.GET("/api/v1/admin/audit", {
          params: { query: { ...filter, cursor: pageParam ?? undefined, limit } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    staleTime: 10_000,
  });

export function csvAddress(filter: AuditFilter): string {
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value) as [string, string][]);
  const text = query.toString();
  return `/api/v1/admin/audit.csv${text ? `?${text}` : ""}`;
}
