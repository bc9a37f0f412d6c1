import { queryOptions, useQuery } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { useEffect, useRef } from "react";
import { api, read } from "../api/client";
import { announce } from "../frame/announcer";
import { Link } from "../frame/link";
import { defineTexts, useTexts } from "../i18n/texts";

const texts = defineTexts("providers.down", {
  en: { down: "{count, plural, one {# provider down: {names}} other {# providers down: {names}}}" },
  de: { down: "{count, plural, one {# Anbieter gestört: {names}} other {# Anbieter gestört: {names}}}" },
});

// Below the providers, so that whatever makes those load anew does it here too.
const downQuery = queryOptions({
  queryKey: ["admin", "providers", "down"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/admin/providers/down", { signal })),
});

/** Silent while all are well. For administrators. With few parts, since each more is one that the first screen loads. */
export default function ProvidersDown({ className }: { className: string }) {
  const t = useTexts(texts);
  const { data } = useQuery(downQuery);
  const down = data?.items ?? [];
  const words = t("down", { count: down.length, names: down.map(({ label }) => label).join(", ") });
  const told = useRef<ReadonlySet<string> | null>(null);
  useEffect(() => {
    if (!data) return;
    // What was so already when one came is no news, and neither is that one came back.
    if (told.current && data.items.some(({ id }) => !told.current?.has(id))) announce(words);
    told.current = new Set(data.items.map(({ id }) => id));
  }, [data, words]);
  const [first, ...others] = down;
  if (!first) return null;
  return (
    <Link
      to="/admin/providers"
      search={others.length === 0 ? { id: first.id } : undefined}
      title={words}
      className={`${className} min-w-0 text-brick-text`}
    >
      <TriangleAlert size={13} aria-hidden="true" className="flex-none" />
      <span className="truncate">{words}</span>
    </Link>
  );
}
