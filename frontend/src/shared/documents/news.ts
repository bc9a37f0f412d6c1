import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import type { Schemas } from "../api/client";
import { gathering } from "../events/soon";
import { followEvents } from "../events/stream";
import { type DocumentRead, documentKey, documentQuery } from "./api";
import { type DocumentNews, withNews } from "./fold-news";

type Page = Schemas["Page_DocumentRead_"];
type Pages = InfiniteData<Page, string | null>;

const listKey = ["documents", "list"];
const countsKey = ["documents", "counts"];
const gatherings = new WeakMap<QueryClient, ReturnType<typeof gathering>>();

/** Many documents change at once when many come in; what has to be asked again is asked once for all of them. */
function gatheredFor(client: QueryClient): ReturnType<typeof gathering> {
  let gathered = gatherings.get(client);
  if (!gathered) {
    gathered = gathering((key) => void client.invalidateQueries({ queryKey: key }));
    gatherings.set(client, gathered);
  }
  return gathered;
}

/** Rows tell at once how far they are; only what an event does not say is asked again. */
export function hearOfDocument(client: QueryClient, news: DocumentNews): void {
  const { soon } = gatheredFor(client);
  const id = news.document_id;
  let isListed = false;
  client.setQueriesData<Pages>({ queryKey: listKey }, (data) => {
    if (!data?.pages) return data;
    const pages = data.pages.map((page) => {
      if (!page.items.some((item) => item.id === id)) return page;
      isListed = true;
      return { ...page, items: page.items.map((item) => (item.id === id ? withNews(item, news) : item)) };
    });
    return isListed ? { ...data, pages } : data;
  });
  client.setQueryData<DocumentRead>(documentQuery(id).queryKey, (known) => known && withNews(known, news));
  const isOver = news.state === "ready" || news.state === "failed" || news.state === null;
  if (!isOver && isListed) return;
  soon(countsKey);
  soon(["projects", "dashboard"]);
  if (isOver) soon(documentKey(id));
  void renewRow(client, news, isListed);
}

/** What became of one document: its row is put right alone, so that a list of thousands is not read again. */
async function renewRow(client: QueryClient, news: DocumentNews, isListed: boolean): Promise<void> {
  const { soon } = gatheredFor(client);
  if (!isListed || news.state === null) {
    soon(listKey);
    return;
  }
  const found = await client.fetchQuery({ ...documentQuery(news.document_id), staleTime: 0 }).catch(() => null);
  if (!found) return;
  client.setQueriesData<Pages>({ queryKey: listKey }, (data) =>
    data?.pages
      ? {
          ...data,
          pages: data.pages.map((page) => ({
            ...page,
            items: page.items.map((item) => (item.id === found.id ? found : item)),
          })),
        }
      : data,
  );
}

/** For those who take part in somebody else's project: what happens in it, for as long as they look at it. */
export function followDocuments(client: QueryClient, projectId: string): () => void {
  return followEvents({
    url: `/api/v1/projects/${projectId}/events`,
    onEvent: (event) => {
      if (event.kind === "document.changed") hearOfDocument(client, event.data);
    },
    onReconnect: () => void client.invalidateQueries({ queryKey: ["documents"] }),
  });
}
