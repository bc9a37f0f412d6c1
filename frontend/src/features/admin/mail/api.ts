import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, read, type Schemas } from "@/shared/api/client";

export type Mail = Schemas["MailRead"];
export type MailState = Mail["state"];

export const mailStates = ["queued", "failed", "shown", "sent"] as const satisfies readonly MailState[];

export const mailsQuery = (state: MailState | undefined) =>
  infiniteQueryOptions({
    queryKey: ["admin", "mail", "list", state],
    queryFn: ({ pageParam, signal }) =>
      read(
        api.GET("/api/v1/admin/mail", {
          params: { query: { state, cursor: pageParam ?? undefined, limit: 50 } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });

/** Opening a mail leaves a line in the audit log, so it is asked for once and not again in the background. */
export const mailQuery = (mail_id: string) =>
  queryOptions({
    queryKey: ["admin", "mail-text", mail_id],
    queryFn: ({ signal }) => read(api.GET("/api/v1/admin/mail/{mail_id}", { params: { path: { mail_id } }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });

const meta = { shown: true };

export function useTestMail() {
  const client = useQueryClient();
  return useMutation({
    meta,
    mutationFn: (body: Schemas["MailTest"]) => read(api.POST("/api/v1/admin/mail/test", { body })),
    onSettled: () => client.invalidateQueries({ queryKey: ["admin", "mail"] }),
  });
}

export function useRetryMail() {
  const client = useQueryClient();
  return useMutation({
    meta,
    mutationFn: (mail_id: string) =>
      read(api.POST("/api/v1/admin/mail/{mail_id}/retry", { params: { path: { mail_id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["admin", "mail"] }),
  });
}
