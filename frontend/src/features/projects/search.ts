import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useState } from "react";

const names = ["q", "folder", "kind", "tag", "whose", "archived", "sort", "new", "month"] as const;

/** What stands in the address of the list: filters, the folder, and what is being made. */
export type ProjectsSearch = Partial<Record<(typeof names)[number], string>>;

export function keepKnown(raw: Record<string, unknown>): ProjectsSearch {
  const known: ProjectsSearch = {};
  for (const name of names) {
    const value = raw[name];
    // The router reads digits as a number; here everything is text.
    if (typeof value === "string" || typeof value === "number") {
      const text = String(value).slice(0, 200);
      if (text) known[name] = text;
    }
  }
  return known;
}

export function useFilters(): [ProjectsSearch, (change: ProjectsSearch) => void] {
  const search = keepKnown(useSearch({ strict: false }));
  const navigate = useNavigate();
  const change = useCallback(
    (next: ProjectsSearch) => {
      void navigate({
        to: ".",
        search: ((current: Record<string, unknown>) =>
          Object.fromEntries(Object.entries({ ...keepKnown(current), ...next }).filter(([, value]) => value))) as never,
        replace: true,
      });
    },
    [navigate],
  );
  return [search, change];
}

const PAUSE_MS = 250;

/** What was typed, once there is a pause in typing. */
export function useWaiting(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
