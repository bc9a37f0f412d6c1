import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, ifMatch, read, type Schemas } from "@/shared/api/client";
import { type DocumentRead, documentQuery } from "@/shared/documents/api";

export type { DocumentRead } from "@/shared/documents/api";
export type State = DocumentRead["state"];
export type Kind = NonNullable<DocumentRead["kind"]>;
export type DocumentPage = Schemas["Page_DocumentRead_"];

export const sorts = [
  "-created_at",
  "created_at",
  "name",
  "-name",
  "bytes",
  "-bytes",
  "changed_at",
  "-changed_at",
] as const;
export type Sort = (typeof sorts)[number];

export const states = ["ready", "waiting", "reading", "indexing", "failed"] as const satisfies readonly State[];
export const kinds = [
  "pdf",
  "docx",
  "pptx",
  "xlsx",
  "odt",
  "rtf",
  "html",
  "epub",
  "markdown",
  "text",
  "csv",
  "json",
  "eml",
  "image",
] as const satisfies readonly Kind[];

export const underWay = new Set<State>(["waiting", "reading", "indexing"]);

export interface Filter {
  readonly project_id?: string;
  /** Parts of name, title or author. */
  readonly text?: string;
  readonly state?: State[];
  readonly type?: Kind[];
  readonly tag?: string[];
  readonly sort?: Sort;
}

/** As many rows as the server sends at once. */
const PAGE = 100;

export const listKey = ["documents", "list"] as const;

export const documentsQuery = (filter: Filter) =>
  infiniteQueryOptions({
    queryKey: [...listKey, filter],
    queryFn: ({ pageParam, signal }) =>
      read(
        api.GET("/api/v1/documents", {
          params: { query: { ...filter, cursor: pageParam ?? undefined, limit: PAGE } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });

export const countsKey = ["documents", "counts"] as const;

/** How many there are of each state, type and tag, for the numbers on the filters. */
export const countsQuery = ({ project_id, text }: Pick<Filter, "project_id" | "text">) =>
  queryOptions({
    queryKey: [...countsKey, project_id ?? null, text ?? null],
    queryFn: ({ signal }) =>
      read(api.GET("/api/v1/documents/counts", { params: { query: { project_id, text } }, signal })),
  });

const MOST_PROJECTS = 500;

/** What the projects of documents are called. */
export const projectNamesQuery = queryOptions({
  queryKey: ["projects", "names"],
  queryFn: async ({ signal }) => {
    const names = new Map<string, string>();
    let cursor: string | undefined;
    do {
      const page = await read(api.GET("/api/v1/projects", { params: { query: { cursor, limit: PAGE } }, signal }));
      for (const { id, name } of page.items) names.set(id, name);
      cursor = page.next_cursor ?? undefined;
    } while (cursor && names.size < MOST_PROJECTS);
    return names;
  },
});

const path = (document_id: string) => ({ path: { document_id } });

export const deeds = {
  change: (document: DocumentRead, body: Schemas["DocumentChange"]) =>
    read(
      api.PATCH("/api/v1/documents/{document_id}", {
        params: { ...path(document.id), header: ifMatch(document.version) },
        body,
      }),
    ),
  trash: (id: string) => read(api.DELETE("/api/v1/documents/{document_id}", { params: path(id) })) as Promise<unknown>,
  restore: (id: string) => read(api.POST("/api/v1/documents/{document_id}/restore", { params: path(id) })),
  retry: (id: string) => read(api.POST("/api/v1/documents/{document_id}/retry", { params: path(id) })),
  refresh: (id: string) => read(api.POST("/api/v1/documents/{document_id}/refresh", { params: path(id) })),
  fromUrl: (body: Schemas["UrlCreate"]) => read(api.POST("/api/v1/documents/url", { body })),
  fromText: (body: Schemas["TextCreate"]) => read(api.POST("/api/v1/documents/text", { body })),
};

/** Many at once, a few at a time; the first failure is told after all have been tried. */
export async function each<T>(items: readonly T[], run: (item: T) => Promise<unknown>, atOnce = 4): Promise<void> {
  const waiting = [...items];
  const failures: unknown[] = [];
  const work = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      await run(item).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  if (failures.length > 0) throw failures[0];
}

/** A deed on documents; lists, numbers and the project's dashboard follow. */
export function useDeed<Args, Result>(run: (args: Args) => Promise<Result>, { shown = false } = {}) {
  const client = useQueryClient();
  return useMutation({
    meta: { shown },
    mutationFn: run,
    onSuccess: (result) => {
      if (isDocument(result)) client.setQueryData(documentQuery(result.id).queryKey, result);
    },
    onSettled: () => {
      void client.invalidateQueries({ queryKey: listKey });
      void client.invalidateQueries({ queryKey: countsKey });
      void client.invalidateQueries({ queryKey: ["projects", "dashboard"] });
    },
  });
}

function isDocument(value: unknown): value is DocumentRead {
  return typeof value === "object" && value !== null && "text_id" in value && "project_id" in value;
}
