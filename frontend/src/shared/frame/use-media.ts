import { useSyncExternalStore } from "react";

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const list = matchMedia(query);
      list.addEventListener("change", listener);
      return () => list.removeEventListener("change", listener);
    },
    () => matchMedia(query).matches,
  );
}

/** Below 768 px: one sheet, a top bar, panels from the edges. */
export const useIsPhone = () => useMedia("(max-width: 47.99rem)");
/** 768 to 1023 px: the sidebar is a drawer. */
export const useIsNarrow = () => useMedia("(max-width: 63.99rem)");
/** From 1280 px the inspector stands beside the work instead of covering it. */
export const useHasThreePanes = () => useMedia("(min-width: 80rem)");
