import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, read } from "@/shared/api/client";
import { makePasskey } from "@/shared/session/passkeys";
import { meQuery } from "@/shared/session/queries";

// The place that does these shows their failure.
const meta = { shown: true };

export function useChangeMe() {
  const client = useQueryClient();
  return useMutation({
    meta,
    mutationFn: (change: { name?: string; email?: string }) => read(api.PATCH("/api/v1/auth/me", { body: change })),
    onSuccess: (me) => client.setQueryData(meQuery.queryKey, me),
  });
}

export function useResendVerification() {
  return useMutation({ meta, mutationFn: () => read(api.POST("/api/v1/auth/resend-verification")) });
}

function useRefreshMe() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: meQuery.queryKey });
}

export function useChangePassword() {
  const client = useQueryClient();
  const refreshMe = useRefreshMe();
  return useMutation({
    meta,
    mutationFn: (change: { current_password: string | null; new_password: string }) =>
      read(api.POST("/api/v1/auth/change-password", { body: change })),
    onSuccess: async () => {
      await Promise.all([refreshMe(), client.invalidateQueries({ queryKey: sessionsQuery.queryKey })]);
    },
  });
}

export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/auth/sessions", { signal })),
});

export function useEndSession() {
  const client = useQueryClient();
  return useMutation({
    meta,
    mutationFn: (session_id: string) =>
      read(api.DELETE("/api/v1/auth/sessions/{session_id}", { params: { path: { session_id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: sessionsQuery.queryKey }),
  });
}

export function useEndOtherSessions() {
  const client = useQueryClient();
  return useMutation({
    meta,
    mutationFn: () => read(api.DELETE("/api/v1/auth/sessions")),
    onSettled: () => client.invalidateQueries({ queryKey: sessionsQuery.queryKey }),
  });
}

export function useStartTotp() {
  return useMutation({ meta, mutationFn: () => read(api.POST("/api/v1/auth/totp")) });
}

export function useConfirmTotp() {
  return useMutation({
    meta,
    mutationFn: (code: string) => read(api.POST("/api/v1/auth/totp/confirm", { body: { code } })),
  });
}

export function useRenewRecoveryCodes() {
  return useMutation({
    meta,
    mutationFn: () => read(api.POST("/api/v1/auth/totp/recovery-codes")),
  });
}

export function useTurnTotpOff() {
  const refreshMe = useRefreshMe();
  return useMutation({
    meta,
    mutationFn: () => read(api.DELETE("/api/v1/auth/totp")),
    onSuccess: refreshMe,
  });
}

export const passkeysQuery = queryOptions({
  queryKey: ["passkeys"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/auth/passkeys", { signal })),
});

export function useAddPasskey() {
  const client = useQueryClient();
  const refreshMe = useRefreshMe();
  return useMutation({
    meta,
    mutationFn: async (name: string) => {
      const options = await read(api.POST("/api/v1/auth/passkeys/options"));
      const credential = await makePasskey(options);
      return read(api.POST("/api/v1/auth/passkeys", { body: { name, credential } }));
    },
    onSuccess: () => Promise.all([client.invalidateQueries({ queryKey: passkeysQuery.queryKey }), refreshMe()]),
  });
}

export function useRemovePasskey() {
  const client = useQueryClient();
  const refreshMe = useRefreshMe();
  return useMutation({
    meta,
    mutationFn: (passkey_id: string) =>
      read(api.DELETE("/api/v1/auth/passkeys/{passkey_id}", { params: { path: { passkey_id } } })),
    onSettled: () => Promise.all([client.invalidateQueries({ queryKey: passkeysQuery.queryKey }), refreshMe()]),
  });
}

export const tokensQuery = queryOptions({
  queryKey: ["tokens"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/auth/tokens", { signal })),
});

export const scopes = [
  "account:read",
  "account:write",
  "projects:read",
  "projects:write",
  "documents:read",
  "documents:write",
  "llm:use",
  "admin:read",
  "admin:write",
] as const;
export type TokenScope = (typeof scopes)[number];

export function useMakeToken() {
  const client = useQueryClient();
  return useMutation({
    meta,
    mutationFn: (token: { name: string; scopes: TokenScope[]; expires_in_days: number | null }) =>
      read(api.POST("/api/v1/auth/tokens", { body: token })),
    onSuccess: () => client.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
}

export function useRevokeToken() {
  const client = useQueryClient();
  return useMutation({
    meta,
    mutationFn: (token_id: string) =>
      read(api.DELETE("/api/v1/auth/tokens/{token_id}", { params: { path: { token_id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
}

/** What I did and what was done about me, newest first. */
export const historyQuery = infiniteQueryOptions({
  queryKey: ["audit", "mine"],
  queryFn: ({ pageParam, signal }) =>
    read(api.GET("/api/v1/audit/mine", { params: { query: { cursor: pageParam ?? undefined, limit: 50 } }, signal })),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next_cursor,
});
