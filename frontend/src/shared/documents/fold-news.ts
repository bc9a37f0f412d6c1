import type { Schemas } from "../api/client";

/** What an event says of a document; a state of null means that it is gone. */
export interface DocumentNews {
  readonly project_id: string;
  readonly document_id: string;
  readonly state: Schemas["DocumentRead"]["state"] | null;
  readonly done: number;
  readonly total: number | null;
}

/** A row as it is after the news. Why something failed, and what was found, is asked for. */
export function withNews(document: Schemas["DocumentRead"], news: DocumentNews): Schemas["DocumentRead"] {
  const { state, done, total } = news;
  if (state === null || state === "failed") return document;
  const isMoving = state === "reading" || state === "indexing";
  return { ...document, state, progress: isMoving ? { done, total } : null, problem: null };
}
