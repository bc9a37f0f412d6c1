import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, read, type Schemas } from "../api/client";
import type { TokenCount } from "./api";

/** What would be sent: counted by the server, which has learned how each model counts. The same object, the same text. */
export type Question = Pick<Schemas["CountBody"], "prompt" | "messages" | "system" | "tools">;

const MOST_AT_ONCE = 20;
/** While somebody types or scrolls, nobody is asked. */
const QUIET_MS = 200;

// A question can be as long as a book, too long to be a key of a cache.
const names = new WeakMap<Question, number>();
let last = 0;
function nameOf(question: Question): number {
  const known = names.get(question);
  if (known !== undefined) return known;
  last += 1;
  names.set(question, last);
  return last;
}

function useQuiet(ids: readonly string[]): readonly string[] {
  const now = ids.join();
  const [quiet, setQuiet] = useState(now);
  useEffect(() => {
    const timer = setTimeout(() => setQuiet(now), QUIET_MS);
    return () => clearTimeout(timer);
  }, [now]);
  return quiet ? quiet.split(",") : [];
}

/** How many tokens the question is for each of these models, by id, as far as that is known yet. */
export function useCounts(question: Question | null, ids: readonly string[]): ReadonlyMap<string, TokenCount> {
  const client = useQueryClient();
  const name = question ? nameOf(question) : 0;
  const keyOf = (id: string) => ["model-counts", name, id];
  const countOf = (id: string) => client.getQueryData<TokenCount>(keyOf(id));
  const missing = useQuiet(question ? ids.filter((id) => !countOf(id)).slice(0, MOST_AT_ONCE) : []);
  useQuery({
    queryKey: ["model-counts", name, "of", missing],
    enabled: question !== null && missing.length > 0,
    staleTime: Number.POSITIVE_INFINITY,
    // Without a count the rule of thumb stays, and says nothing wrong.
    retry: false,
    queryFn: async ({ signal }) => {
      const body = { ...question, tools: question?.tools ?? [], models: [...missing] };
      const { items } = await read(api.POST("/api/v1/llm/count", { body, signal }));
      for (const [index, count] of items.entries()) client.setQueryData(keyOf(missing[index] as string), count);
      return items.length;
    },
  });
  const counts = new Map<string, TokenCount>();
  for (const id of question ? ids : []) {
    const count = countOf(id);
    if (count) counts.set(id, count);
  }
  return counts;
}
