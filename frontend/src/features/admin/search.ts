import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useState } from "react";
import { useSheetContext } from "@/shared/frame/sheet";

/** What stands in the address of the admin screens: filters, and what the inspector shows. */
const names = [
  "q",
  "role",
  "state",
  "sort",
  "actor",
  "about",
  "action",
  "since",
  "until",
  "kind",
  "provider",
  "owner",
  "view",
  "span",
  "id",
] as const;
export type AdminSearch = Partial<Record<(typeof names)[number], string>>;

export function keepKnown(raw: Record<string, unknown>): AdminSearch {
  const known: AdminSearch = {};
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

/** The filters of a screen and how to change some of them. What is set to nothing leaves the address. */
export function useFilters(): [AdminSearch, (change: AdminSearch) => void] {
  const search = keepKnown(useSearch({ strict: false }));
  const navigate = useNavigate();
  const change = useCallback(
    (next: AdminSearch) => {
      void navigate({
        to: ".",
        search: ((current: Record<string, unknown>) => {
          const merged = { ...keepKnown(current), ...next, ...("id" in next ? {} : { id: undefined }) };
          return Object.fromEntries(Object.entries(merged).filter(([, value]) => value));
        }) as never,
        replace: true,
      });
    },
    [navigate],
  );
  return [search, change];
}

/** What the inspector shows: chosen in the list, or named by the address one came with. */
export function useChosen(): [string | null, (id: string | null) => void] {
  const { id = null } = keepKnown(useSearch({ strict: false }));
  const { setInspectorOpen } = useSheetContext();
  const [chosen, setChosen] = useState<{ id: string | null; from: string | null }>({ id, from: id });
  const current = chosen.from === id ? chosen.id : id;
  const choose = (next: string | null) => {
    setChosen({ id: next, from: id });
    // Also for what is chosen already: then the panel may have been closed by hand.
    if (next) setInspectorOpen(true);
  };
  return [current, choose];
}
