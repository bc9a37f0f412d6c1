import { useCallback, useState } from "react";
import { useSheetContext } from "./sheet";

const drafts = new Map<string, unknown>();

/**
 * State of a form that outlives its screen: going to another tab and back loses nothing that was typed.
 * `clear` forgets it once it is saved. Lives in memory only.
 */
export function useDraft<T>(key: string, initial: T): [T, (next: T) => void, { clear: () => void; isDirty: boolean }] {
  const { pane } = useSheetContext();
  const place = `${pane} ${key}`;
  const [value, setValue] = useState<T | undefined>(() => drafts.get(place) as T | undefined);
  const set = useCallback(
    (next: T) => {
      drafts.set(place, next);
      setValue(next);
    },
    [place],
  );
  const clear = useCallback(() => {
    drafts.delete(place);
    setValue(undefined);
  }, [place]);
  return [value === undefined ? initial : value, set, { clear, isDirty: value !== undefined }];
}

export function forgetDrafts(): void {
  drafts.clear();
}
