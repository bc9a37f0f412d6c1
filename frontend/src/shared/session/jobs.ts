import { queryOptions } from "@tanstack/react-query";
import { api, read, type Schemas } from "../api/client";
import type { Bilingual } from "../keys/registry";

/** The person's own jobs, newest first. Progress arrives by events. */
export const jobsQuery = queryOptions({
  queryKey: ["jobs"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/jobs", { params: { query: { limit: 20 } }, signal })),
});

export const notificationsQuery = queryOptions({
  queryKey: ["notifications"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/notifications", { params: { query: { limit: 10 } }, signal })),
});

const titles: Readonly<Record<string, Bilingual>> = {
  "documents.read": { en: "Read a document", de: "Dokument einlesen" },
  "documents.copy": { en: "Copy documents", de: "Dokumente kopieren" },
  "retrieval.reembed": { en: "Read with another model", de: "Mit anderem Modell einlesen" },
};

/** What a job does, in the person's language; what no list here knows, in the words of the server. */
export function jobTitle(job: Schemas["JobRead"], language: keyof Bilingual): string {
  return titles[job.kind]?.[language] ?? job.title;
}
