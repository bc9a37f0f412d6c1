import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, read, type Schemas } from "@/shared/api/client";
import { textQuery } from "@/shared/documents/api";
import { Characters, type Evidence, pageAt, writeEvidence } from "@/shared/documents/places";
import type { Kind } from "./api";

export type DocumentHit = Schemas["DocumentResultRead"];
export type PassageHit = Schemas["PassageHitRead"];
export type Found = Schemas["SearchRead"];

export interface Query {
  readonly query: string;
  readonly project_id?: string;
  readonly type?: Kind;
  readonly tag?: string;
  readonly since?: string;
  readonly until?: string;
  readonly explain?: boolean;
}

const RESULTS = 20;

export const searchQuery = ({ query, project_id, type, tag, since, until, explain = false }: Query) =>
  queryOptions({
    queryKey: ["documents", "found", { query, project_id, type, tag, since, until, explain }],
    queryFn: ({ signal }) =>
      read(
        api.GET("/api/v1/documents/search", {
          params: {
            query: {
              query,
              project_id: project_id ? [project_id] : undefined,
              type: type ? [type] : undefined,
              tag: tag ? [tag] : undefined,
              since,
              until,
              explain,
              limit: RESULTS,
            },
          },
          signal,
        }),
      ),
    enabled: query.trim() !== "",
  });

export type HitKind = "words" | "meaning" | "both";

export function hitKind({ found_by }: Pick<PassageHit, "found_by">): HitKind {
  if (!found_by.includes("vectors")) return "words";
  return found_by.includes("words") ? "both" : "meaning";
}

/** A snippet cut where its marks begin and end. */
export function pieces({ snippet, marks }: Pick<PassageHit, "snippet" | "marks">): {
  readonly text: string;
  readonly isHit: boolean;
  readonly at: number;
}[] {
  const characters = new Characters(snippet);
  const cuts: { text: string; isHit: boolean; at: number }[] = [];
  let at = 0;
  for (const { start, end } of [...marks.toSorted((a, b) => a.start - b.start), { start: characters.length, end: 0 }]) {
    if (start > at) cuts.push({ text: characters.slice(at, start), isHit: false, at });
    if (end > start) cuts.push({ text: characters.slice(Math.max(at, start), end), isHit: true, at: start });
    at = Math.max(at, end);
  }
  return cuts;
}

/** The viewer, at this passage, with the document's other passages to go on to. */
export function evidenceAddress(document: DocumentHit, passage: PassageHit): string {
  const evidence = document.passages.flatMap((each) => (each.text_id === passage.text_id ? [evidenceOf(each)] : []));
  const at = document.passages.filter((each) => each.text_id === passage.text_id).indexOf(passage);
  const search = new URLSearchParams({
    page: String(passage.page_first),
    e: writeEvidence(evidence),
    ...(at > 0 ? { i: String(at + 1) } : {}),
    t: passage.text_id,
  });
  return `/doc/${document.id}?${search}`;
}

/** The page that shows why a passage was found. One that runs over several pages only begins on its first. */
export function usePageOf(document: DocumentHit, passage: PassageHit): number {
  const { page_first, page_last, text_id } = passage;
  const { data } = useQuery({ ...textQuery(document.id, text_id), enabled: page_first !== page_last });
  return (data && pageAt(data.pages, evidenceOf(passage).start)?.number) ?? page_first;
}

/** Of a hit by words the stretch from its first mark to its last; of one by meaning the whole passage. */
function evidenceOf(passage: PassageHit): Evidence {
  const { marks, snippet_at, start_at, end_at } = passage;
  const first = Math.min(...marks.map(({ start }) => start));
  const last = Math.max(...marks.map(({ end }) => end));
  if (marks.length === 0 || hitKind(passage) === "meaning") return { kind: "meaning", start: start_at, end: end_at };
  return { kind: "words", start: snippet_at + first, end: snippet_at + last };
}

/** Letters of a snippet before the first word that was asked for. */
const LEAD = 24;
const LENGTH = 90;

/** The words around the first hit, in quotation marks, with dots where something is left out. */
export function quote({ snippet, marks }: Pick<PassageHit, "snippet" | "marks">, language: "de" | "en"): string {
  const text = new Characters(snippet);
  const first = marks[0]?.start ?? 0;
  let from = Math.max(0, first - LEAD);
  if (from > 0) from += Math.max(0, text.slice(from, first).search(/\s/) + 1);
  const rest = text.slice(from).replaceAll(/\s+/g, " ").trim();
  const cut = rest.length > LENGTH ? `${rest.slice(0, LENGTH).replace(/\s\S*$/, "")} …` : rest;
  const words = `${from > 0 ? "… " : ""}${cut}`;
  return language === "de" ? `„${words}“` : `“${words}”`;
}
