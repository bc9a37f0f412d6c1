import { queryOptions, useMutation, useQuery, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { api, read, type Schemas, setCsrfToken } from "../api/client";
import { isProblem } from "../api/problem";

export type Me = Schemas["MeRead"];
export type Settings = Schemas["SettingsRead"];
export type SettingsChange = Schemas["SettingsChange"];

export const installationQuery = queryOptions({
  queryKey: ["installation"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/installation", { signal })),
  staleTime: 5 * 60_000,
});

/** Who is signed in; null when nobody is. */
export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: async ({ signal }): Promise<Me | null> => {
    try {
      const me = await read(api.GET("/api/v1/auth/me", { signal }));
      setCsrfToken(me.csrf_token ?? "");
      return me;
    } catch (error) {
      if (isProblem(error) && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: Number.POSITIVE_INFINITY,
});

/** The signed-in person, for everything inside the frame: there always is one there. */
export function useMe(): Me {
  const { data } = useSuspenseQuery(meQuery);
  if (!data) throw new Error("This screen was shown without a session.");
  return data;
}

export function useInstallation() {
  return useQuery(installationQuery);
}

export function useIsAdmin(): boolean {
  return useMe().role === "admin";
}

/** What a sign-in answers with: the session is there, the rest of the app follows. */
export function useSignedIn(): (answer: { me: Me; csrf_token?: string }) => void {
  const client = useQueryClient();
  return ({ me, csrf_token }) => {
    setCsrfToken(csrf_token ?? me.csrf_token ?? "");
    client.setQueryData(meQuery.queryKey, me);
    void client.invalidateQueries({ queryKey: installationQuery.queryKey });
  };
}

/** Only what is named changes; nothing and null mean "as it is", to the server too. */
function present<T extends object>(change: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(change).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}

export function withChange(settings: Settings, { notifications, ...change }: SettingsChange): Settings {
  return {
    ...settings,
    ...present(change),
    notifications: { ...settings.notifications, ...present(notifications ?? {}) },
  };
}

/**
 * Changes a few settings. The screen follows at once; when the server refuses, the old state comes back and the error
 * goes to the caller; with `failsAloud` it is told by a toast, for places that have no room for it.
 */
export function useChangeSettings({ failsAloud = false }: { failsAloud?: boolean } = {}) {
  const client = useQueryClient();
  return useMutation({
    mutationKey: ["settings"],
    meta: { shown: !failsAloud },
    mutationFn: async (change: SettingsChange) => {
      const settings = await read(api.PATCH("/api/v1/settings", { body: change }));
      return settings;
    },
    onMutate: async (change) => {
      await client.cancelQueries({ queryKey: meQuery.queryKey });
      const before = client.getQueryData(meQuery.queryKey);
      if (before) {
        const next: Me = { ...before, settings: withChange(before.settings, change) };
        client.setQueryData(meQuery.queryKey, next);
      }
      return { before };
    },
    onError: (_error, _change, context) => {
      if (context?.before) client.setQueryData(meQuery.queryKey, context.before);
    },
    onSuccess: (settings) => {
      client.setQueryData(meQuery.queryKey, (me) => (me ? { ...me, settings } : me));
    },
  });
}
