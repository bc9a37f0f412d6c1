import { queryOptions, useMutation } from "@tanstack/react-query";
import { api, read } from "@/shared/api/client";
import { askForPasskey } from "@/shared/session/passkeys";
import { useSignedIn } from "@/shared/session/queries";

// Every form here shows its failures itself.
const meta = { shown: true };

export interface Credentials {
  email: string;
  password: string;
  remember: boolean;
  /** From the app, or a recovery code. */
  code?: string;
}

export function useSignIn() {
  const signedIn = useSignedIn();
  return useMutation({
    meta,
    mutationFn: (credentials: Credentials) =>
      read(api.POST("/api/v1/auth/login", { body: { ...credentials, cookie: true } })),
    onSuccess: (answer) => {
      if ("me" in answer) signedIn(answer);
    },
  });
}

export function useSignInByLink() {
  const signedIn = useSignedIn();
  return useMutation({
    meta,
    mutationFn: (token: string) => read(api.POST("/api/v1/auth/link", { body: { token } })),
    onSuccess: signedIn,
  });
}

export function readPasskeyOptions(signal?: AbortSignal) {
  return read(api.POST("/api/v1/auth/passkeys/sign-in/options", { signal }));
}

export function useSignInByPasskey() {
  const signedIn = useSignedIn();
  return useMutation({
    meta,
    mutationFn: async ({ options, inField, signal }: PasskeyAttempt) => {
      const credential = await askForPasskey(options ?? (await readPasskeyOptions(signal)), { inField, signal });
      return read(api.POST("/api/v1/auth/passkeys/sign-in", { body: { credential } }));
    },
    onSuccess: signedIn,
  });
}

interface PasskeyAttempt {
  options?: Readonly<Record<string, unknown>>;
  inField?: boolean;
  signal?: AbortSignal;
}

export function useRegister() {
  return useMutation({
    meta,
    mutationFn: (person: { name: string; email: string; password: string; language: "de" | "en" }) =>
      read(api.POST("/api/v1/auth/register", { body: person })),
  });
}

export function useForgotPassword() {
  return useMutation({
    meta,
    mutationFn: (email: string) => read(api.POST("/api/v1/auth/forgot-password", { body: { email } })),
  });
}

export function useResetPassword() {
  return useMutation({
    meta,
    mutationFn: (reset: { token: string; password: string }) =>
      read(api.POST("/api/v1/auth/reset-password", { body: reset })),
  });
}

const readInvite = (token: string, signal?: AbortSignal) =>
  read(api.GET("/api/v1/auth/invite/{token}", { params: { path: { token } }, signal }));

export const inviteQuery = (token: string) =>
  queryOptions({
    queryKey: ["invite", token],
    queryFn: ({ signal }) => readInvite(token, signal),
    // The form is filled from it; it must not change below someone's hands.
    staleTime: Number.POSITIVE_INFINITY,
  });

export type Invite = Awaited<ReturnType<typeof readInvite>>;

export function useAcceptInvite(token: string) {
  const signedIn = useSignedIn();
  return useMutation({
    meta,
    mutationFn: (person: { name: string; password: string; language: "de" | "en" }) =>
      read(api.POST("/api/v1/auth/invite/{token}", { params: { path: { token } }, body: person })),
    onSuccess: signedIn,
  });
}
