import { queryOptions } from "@tanstack/react-query";
import { api, read, type Schemas } from "../api/client";
import { Characters, type PageSpan, type Range, type Word } from "./places";

export type DocumentRead = Schemas["DocumentRead"];

export interface Heading {
  readonly level: number;
  readonly text: string;
  readonly start: number;
  readonly page: number;
}

export interface DocumentText {
  readonly textId: string;
  readonly characters: number;
  readonly pages: readonly PageSpan[];
  readonly headings: readonly Heading[];
  readonly versions: readonly Schemas["VersionRead"][];
}

export interface Block extends Range {
  readonly kind: Schemas["BlockKind"];
  readonly level: number;
}

/** A page's text with what is known of it; offsets are of the whole document. */
export interface PageText extends PageSpan {
  readonly text: string;
  readonly blocks: readonly Block[];
  readonly tables: readonly (Range & { readonly rows: readonly (readonly Range[])[] })[];
  readonly words: readonly Word[];
  /** What nobody sees who looks at the page; no part of the text. */
  readonly hidden: readonly Omit<Schemas["HiddenRead"], "box">[];
}

/** Everything about one document hangs below this key, so that one event renews all of it. */
export const documentKey = (id: string) => ["documents", "one", id] as const;

export function contentAddress(id: string, textId?: string): string {
  return `/api/v1/documents/${id}/content${textId ? `?text_id=${textId}` : ""}`;
}

export const documentQuery = (document_id: string) =>
  queryOptions({
    queryKey: [...documentKey(document_id), "facts"],
    queryFn: ({ signal }) =>
      read(api.GET("/api/v1/documents/{document_id}", { params: { path: { document_id } }, signal })),
  });

const never = Number.POSITIVE_INFINITY;

/** A text never changes once it has been read, so an answer about a named one is good for ever. */
export const textQuery = (document_id: string, text_id: string | null) =>
  queryOptions({
    queryKey: [...documentKey(document_id), "text", text_id],
    queryFn: async ({ signal }): Promise<DocumentText> => {
      const query = { text_id: text_id ?? undefined };
      const found = await read(
        api.GET("/api/v1/documents/{document_id}/text", { params: { path: { document_id }, query }, signal }),
      );
      return {
        textId: found.text_id,
        characters: found.characters,
        pages: found.pages.map(spanOf),
        headings: found.headings.map(({ level, text, start_at, page }) => ({ level, text, start: start_at, page })),
        versions: found.versions,
      };
    },
  });

export const pageQuery = (document_id: string, number: number, text_id: string) =>
  queryOptions({
    queryKey: [...documentKey(document_id), "page", text_id, number],
    staleTime: never,
    queryFn: async ({ signal }): Promise<PageText> => {
      const path = { document_id, number };
      const page = await read(
        api.GET("/api/v1/documents/{document_id}/pages/{number}", { params: { path, query: { text_id } }, signal }),
      );
      return {
        ...spanOf(page),
        text: page.text,
        blocks: page.blocks.map(({ kind, level, start_at, end_at }) => ({ kind, level, start: start_at, end: end_at })),
        tables: page.tables.map(tableOf),
        words: page.words.map(({ start_at, end_at, box: [left = 0, top = 0, right = 0, bottom = 0] }) => ({
          start: start_at,
          end: end_at,
          left,
          top,
          right,
          bottom,
        })),
        hidden: page.hidden,
      };
    },
  });

/**
 * All of the text, for searching in it. The present one is put together from its passages, of which each brings what no
 * earlier one had; an older one has none any more and comes page by page.
 */
export const wholeTextQuery = (document_id: string, text: DocumentText) =>
  queryOptions({
    queryKey: [...documentKey(document_id), "whole", text.textId],
    staleTime: never,
    queryFn: async ({ signal, client }): Promise<string> => {
      const parts: string[] = [];
      if (!text.versions.some((version) => version.is_current && version.text_id === text.textId)) {
        for (const { number } of text.pages) {
          parts.push((await client.fetchQuery(pageQuery(document_id, number, text.textId))).text);
        }
        return parts.join("");
      }
      let cursor: string | undefined;
      do {
        const query = { cursor, limit: 100 };
        const page = await read(
          api.GET("/api/v1/documents/{document_id}/passages", { params: { path: { document_id }, query }, signal }),
        );
        for (const passage of page.items) {
          parts.push(new Characters(passage.text).slice(passage.fresh_at - passage.start_at));
        }
        cursor = page.next_cursor ?? undefined;
      } while (cursor);
      return parts.join("");
    },
  });

function spanOf(page: Schemas["TextPageRead"]): PageSpan {
  return {
    number: page.number,
    start: page.start_at,
    end: page.end_at,
    width: page.width,
    height: page.height,
    name: page.name,
    isScan: page.is_scan,
  };
}

function tableOf(table: Schemas["TableRead"]): PageText["tables"][number] {
  const rows = new Map<number, Range[]>();
  for (const cell of table.cells) {
    rows.set(cell.row, [...(rows.get(cell.row) ?? []), { start: cell.start_at, end: cell.end_at }]);
  }
  return { start: table.start_at, end: table.end_at, rows: [...rows.values()] };
}
