import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { type Filter, type Kind, kinds, type Sort, type State, sorts, states, underWay } from "./api";

/** What stands in the address of a list: what it is narrowed to, and its order. */
export interface ListSearch {
  readonly q?: string;
  readonly show?: "moving" | "failed" | "ready";
  readonly type?: Kind;
  readonly tag?: string;
  readonly sort?: Sort;
}

const groups = ["moving", "failed", "ready"] as const;

export function readListSearch(raw: Record<string, unknown>): ListSearch {
  const word = (name: string) => {
    const value = raw[name];
    return typeof value === "string" || typeof value === "number" ? String(value).slice(0, 200) : "";
  };
  return dropNothing({
    q: word("q"),
    show: groups.find((group) => group === raw.show),
    type: kinds.find((kind) => kind === raw.type),
    tag: word("tag"),
    sort: sorts.find((sort) => sort === raw.sort),
  });
}

export function dropNothing<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value)) as T;
}

export function useListSearch(): [ListSearch, (change: ListSearch) => void] {
  const search = readListSearch(useSearch({ strict: false }));
  const navigate = useNavigate();
  const change = useCallback(
    (next: ListSearch) => {
      void navigate({
        to: ".",
        search: ((current: Record<string, unknown>) => dropNothing({ ...readListSearch(current), ...next })) as never,
        replace: true,
      });
    },
    [navigate],
  );
  return [search, change];
}

const statesOf: Readonly<Record<(typeof groups)[number], State[]>> = {
  moving: states.filter((state) => underWay.has(state)),
  failed: ["failed"],
  ready: ["ready"],
};

export function filterOf({ q, show, type, tag, sort }: ListSearch, project_id: string | undefined): Filter {
  return {
    project_id,
    text: q,
    state: show && statesOf[show],
    type: type && [type],
    tag: tag ? [tag] : undefined,
    sort: sort ?? "-created_at",
  };
}
