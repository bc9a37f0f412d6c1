import { useQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { api, read } from "@/shared/api/client";
import { pageQuery } from "@/shared/documents/api";
import { PassageCard } from "@/shared/documents/Passage";
import type { PaletteEntry, PaletteProvider } from "@/shared/frame/feature";
import { formatNumber } from "@/shared/i18n/format";
import { sayIn, useTexts } from "@/shared/i18n/texts";
import { LoadingBars } from "@/shared/ui/states";
import { type DocumentHit, evidenceAddress, type Found, hitKind, type PassageHit, quote, usePageOf } from "./find";
import { iconOf } from "./marks";
import { documentTexts } from "./texts";

type Context = Parameters<PaletteProvider["search"]>[1];

const MOST = 5;
/** Words alone need no model, so they are there at once; meaning follows in a group of its own below. */
function ask(query: string, by: "words" | "both", signal: AbortSignal): Promise<Found> {
  const body = { query, by, kinds: ["document"], limit: 20, passages_each: 2, types: [], tags: [], explain: false };
  return read(api.POST("/api/v1/search", { body, signal }));
}

const hitsOf = ({ results }: Found) =>
  results.flatMap((document) => document.passages.map((passage) => ({ document, passage })));

/** What contains the words, best first, and the way to all of it. */
export async function byWords(query: string, { signal, language }: Context): Promise<PaletteEntry[]> {
  const hits = hitsOf(await ask(query, "words", signal));
  const t = sayIn(documentTexts, language);
  const all: PaletteEntry = {
    id: "all",
    title: t("searchFor", { query }),
    icon: Search,
    path: `/search?q=${encodeURIComponent(query)}`,
    preview: { title: t("searchTitle"), text: t("searchLead") },
  };
  return [...hits.slice(0, MOST).map((hit) => entryOf(hit, language)), all];
}

/** What speaks of it without saying it. */
export async function byMeaning(query: string, { signal, language }: Context): Promise<PaletteEntry[]> {
  const found = await ask(query, "both", signal);
  return hitsOf(found)
    .filter(({ passage }) => hitKind(passage) === "meaning")
    .slice(0, MOST)
    .map((hit) => entryOf(hit, language));
}

/** Documents by their name, title or author. */
export async function named(query: string, { signal, language }: Context): Promise<PaletteEntry[]> {
  const t = sayIn(documentTexts, language);
  const params = { query: { text: query || undefined, limit: 20, sort: "-changed_at" as const } };
  const { items } = await read(api.GET("/api/v1/documents", { params, signal }));
  return items.map((document) => ({
    id: document.id,
    title: document.name,
    hint: document.kind ? t(`kind.${document.kind}`) : undefined,
    aside: document.pages > 0 ? t("pagesCount", { count: document.pages }) : undefined,
    icon: iconOf(document.kind),
    path: `/doc/${document.id}`,
    preview: {
      title: document.title || document.name,
      text: document.author || undefined,
      facts: [[t("pages"), formatNumber(document.pages)]],
    },
  }));
}

function entryOf(
  { document, passage }: { document: DocumentHit; passage: PassageHit },
  language: "de" | "en",
): PaletteEntry {
  const t = sayIn(documentTexts, language);
  const name = document.title || document.name;
  return {
    id: passage.passage_id,
    title: quote(passage, language),
    aside:
      document.pages > 1 && passage.page_first === passage.page_last
        ? t("hitOn", { name: short(name), page: passage.page_first })
        : short(name),
    icon: iconOf(document.type),
    path: evidenceAddress(document, passage),
    preview: { title: name, body: () => <HitPreview document={document} passage={passage} /> },
  };
}

const short = (name: string) => (name.length > 18 ? `${name.slice(0, 16).trimEnd()} …` : name);

function HitPreview({ document, passage }: { document: DocumentHit; passage: PassageHit }) {
  const t = useTexts(documentTexts);
  const page = usePageOf(document, passage);
  const { data } = useQuery(pageQuery(document.id, page, passage.text_id));
  const strong = passage.marks.map(({ start, end }) => ({
    start: passage.snippet_at + start,
    end: passage.snippet_at + end,
  }));
  return (
    <>
      <header className="mb-3 flex items-baseline gap-3">
        <h3 className="min-w-0 grow truncate text-md font-medium">{document.title || document.name}</h3>
        {document.pages > 1 ? (
          <span className="num text-xs whitespace-nowrap text-muted-foreground">{t("pageN", { page })}</span>
        ) : null}
      </header>
      {data ? (
        <PassageCard
          page={data}
          evidence={{ start: passage.start_at, end: passage.end_at }}
          strong={strong}
          size="page"
          className="min-h-0 grow overflow-hidden"
        />
      ) : (
        <LoadingBars rows={5} />
      )}
    </>
  );
}
