import { useSyncExternalStore } from "react";

export interface UndoEntry {
  readonly id: number;
  readonly label: string;
  readonly run: () => Promise<void>;
}

const LIMIT = 50;
let entries: readonly UndoEntry[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function change(next: readonly UndoEntry[]): void {
  entries = next;
  for (const listener of listeners) listener();
}

/** Remembers how to take something back. Outlives its toast, so that Mod Z works later too. */
export function registerUndo(label: string, undo: () => unknown, onDone: () => void): number {
  const id = nextId++;
  const run = async () => {
    // First out of the list: a second press of the key must not undo the same thing twice.
    change(entries.filter((entry) => entry.id !== id));
    onDone();
    await undo();
  };
  change([...entries.slice(-(LIMIT - 1)), { id, label, run }]);
  return id;
}

export function undoEntry(id: number): UndoEntry | undefined {
  return entries.find((entry) => entry.id === id);
}

export function newestUndo(): UndoEntry | undefined {
  return entries.at(-1);
}

/** Another person signs in: nothing of the former one may be undone. */
export function forgetUndo(): void {
  change([]);
}

export function useNewestUndo(): number | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => newestUndo()?.id,
  );
}
