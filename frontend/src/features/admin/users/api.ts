import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, ifMatch, read, type Schemas } from "@/shared/api/client";
import { isProblem } from "@/shared/api/problem";

export type User = Schemas["UserRead"];
export type Role = User["role"];
export type State = User["state"];
type Sort = "name" | "-name" | "email" | "-email" | "created_at" | "-created_at" | "last_seen_at" | "-last_seen_at";

export const roles = ["user", "manager", "admin"] as const satisfies readonly Role[];
export const states = ["active", "waiting", "invited", "unverified", "suspended"] as const satisfies readonly State[];
const sorts: readonly string[] = [
  "name",
  "-name",
  "email",
  "-email",
  "created_at",
  "-created_at",
  "last_seen_at",
  "-last_seen_at",
] satisfies readonly Sort[];

export interface UserFilter {
  readonly search?: string;
  readonly role?: Role;
  readonly state?: State;
  readonly sort?: Sort;
}

/** Only what the server knows; an address may hold anything. */
export function userFilter({
  q,
  role,
  state,
  sort,
}: {
  q?: string;
  role?: string;
  state?: string;
  sort?: string;
}): UserFilter {
  return {
    search: q || undefined,
    role: roles.find((known) => known === role),
    state: states.find((known) => known === state),
    sort: sort && sorts.includes(sort) ? (sort as Sort) : undefined,
  };
}

export const usersQuery = (filter: UserFilter, limit = 50) =>
  infiniteQueryOptions({
    queryKey: ["admin", "users", "list", filter, limit],
    queryFn: ({ pageParam, signal }) =>
      read(
        api.GET("/api/v1/admin/users", {
          params: { query: { ...filter, cursor: pageParam ?? undefined, limit } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });

/** How many there are of a kind, for the number on its filter. */
export const userCountQuery = (filter: UserFilter) =>
  queryOptions({
    queryKey: ["admin", "users", "count", filter],
    queryFn: async ({ signal }) => {
      const page = await read(api.GET("/api/v1/admin/users", { params: { query: { ...filter, limit: 1 } }, signal }));
      return page.total ?? 0;
    },
    staleTime: 60_000,
  });

export const userQuery = (user_id: string) =>
  queryOptions({
    queryKey: ["admin", "users", "one", user_id],
    queryFn: ({ signal }) => read(api.GET("/api/v1/admin/users/{user_id}", { params: { path: { user_id } }, signal })),
  });

export type Month = Schemas["PersonMonth"];

/** What each of them spent in their month. No event tells when somebody else has asked; that a limit was set, one does. */
export const monthsQuery = (people: readonly string[]) =>
  queryOptions({
    queryKey: ["admin", "billing", "months", people],
    queryFn: async ({ signal }) => {
      const query = { person: [...people] };
      const { items } = await read(api.GET("/api/v1/admin/usage/months", { params: { query }, signal }));
      return new Map(items.map((month) => [month.person_id, month]));
    },
    enabled: people.length > 0,
    refetchInterval: 60_000,
  });

const meta = { shown: true };

function useRefresh() {
  const client = useQueryClient();
  return (user?: User) => {
    if (user) client.setQueryData(userQuery(user.id).queryKey, user);
    for (const name of ["users", "stats", "audit"]) void client.invalidateQueries({ queryKey: ["admin", name] });
  };
}

export function useCreateUser() {
  const refresh = useRefresh();
  return useMutation({
    meta,
    mutationFn: (body: Schemas["UserCreate"]) => read(api.POST("/api/v1/admin/users", { body })),
    onSuccess: () => refresh(),
  });
}

export function useChangeUser(user: User) {
  const refresh = useRefresh();
  const client = useQueryClient();
  const path = { user_id: user.id };
  return useMutation({
    meta,
    mutationFn: ({ version, ...body }: Schemas["UserChange"] & { version: number }) =>
      read(api.PATCH("/api/v1/admin/users/{user_id}", { params: { path, header: ifMatch(version) }, body })),
    onSuccess: refresh,
    onError: (error) => {
      // Somebody was quicker: their state is fetched, so that the form can show it beside what was typed.
      if (isProblem(error, "http.stale")) {
        void client.invalidateQueries({ queryKey: userQuery(user.id).queryKey });
        refresh();
      }
    },
  });
}

export function useDeleteUser(user: User) {
  const refresh = useRefresh();
  const client = useQueryClient();
  return useMutation({
    meta,
    mutationFn: () =>
      read(api.DELETE("/api/v1/admin/users/{user_id}", { params: { path: { user_id: user.id } } })) as Promise<unknown>,
    onSuccess: () => {
      client.removeQueries({ queryKey: userQuery(user.id).queryKey });
      refresh();
    },
  });
}

export function useSuspend() {
  const refresh = useRefresh();
  return useMutation({
    meta,
    mutationFn: ({ id, reason }: { id: string; reason: string | null }) =>
      read(api.POST("/api/v1/admin/users/{user_id}/suspend", { params: { path: { user_id: id } }, body: { reason } })),
    onSuccess: refresh,
  });
}

export function useRestore() {
  const refresh = useRefresh();
  return useMutation({
    meta,
    mutationFn: (user_id: string) =>
      read(api.POST("/api/v1/admin/users/{user_id}/restore", { params: { path: { user_id } } })),
    onSuccess: refresh,
  });
}

export function useApprove() {
  const refresh = useRefresh();
  return useMutation({
    meta,
    mutationFn: (user_id: string) =>
      read(api.POST("/api/v1/admin/users/{user_id}/approve", { params: { path: { user_id } } })),
    onSuccess: refresh,
  });
}

export function useInviteAgain() {
  const refresh = useRefresh();
  return useMutation({
    meta,
    mutationFn: (user_id: string) =>
      read(api.POST("/api/v1/admin/users/{user_id}/invite", { params: { path: { user_id } } })),
    onSuccess: () => refresh(),
  });
}

export function useEndSessions() {
  const refresh = useRefresh();
  return useMutation({
    meta,
    mutationFn: (user_id: string) =>
      read(api.DELETE("/api/v1/admin/users/{user_id}/sessions", { params: { path: { user_id } } })),
    onSuccess: () => refresh(),
  });
}

export function useResetLink() {
  const refresh = useRefresh();
  return useMutation({
    meta,
    mutationFn: (user_id: string) =>
      read(api.POST("/api/v1/admin/users/{user_id}/reset-link", { params: { path: { user_id } } })),
    onSuccess: () => refresh(),
  });
}

export const userSessionsQuery = (user_id: string) =>
  queryOptions({
    queryKey: ["admin", "users", user_id, "sessions"],
    queryFn: async ({ signal }) =>
      (await read(api.GET("/api/v1/admin/users/{user_id}/sessions", { params: { path: { user_id } }, signal }))).items,
  });

/** Names of files are content: only with full access, and every look leaves a line. So nothing is kept. */
export const userFilesQuery = (user_id: string) =>
  infiniteQueryOptions({
    queryKey: ["admin", "files", user_id],
    queryFn: ({ pageParam, signal }) =>
      read(
        api.GET("/api/v1/admin/users/{user_id}/files", {
          params: { path: { user_id }, query: { cursor: pageParam ?? undefined, limit: 50 } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
