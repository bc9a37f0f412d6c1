import { problemTexts } from "../api/problem-texts";
import { loadProblemCodes, problemText } from "../api/texts";
import { announce } from "../frame/announcer";
import { sayIn } from "../i18n/texts";
import type { IconType } from "./icons";
import { uiTexts } from "./texts";
import { registerUndo, type UndoEntry } from "./undo";

interface Action {
  readonly label: string;
  readonly run: () => void;
}

/** A message as it waits to be shown; the view that shows it is loaded with the first one. */
export interface ToastRequest {
  readonly id: string;
  readonly text: string;
  readonly icon?: IconType;
  readonly undo?: number;
  readonly action?: Action;
  /** Stays until its work ends. */
  readonly progress?: { readonly done: number; readonly total: number | null };
}

export type ToastChange = { do: "show"; toast: ToastRequest } | { do: "close"; id: string };

let waiting: ToastChange[] = [];
let view: ((change: ToastChange) => void) | null = null;
const wakers = new Set<() => void>();
let next = 1;

function post(change: ToastChange): void {
  if (view) {
    view(change);
    return;
  }
  waiting.push(change);
  for (const wake of wakers) wake();
}

/** The view takes over, beginning with what has waited for it. */
export function takeToasts(show: (change: ToastChange) => void): () => void {
  view = show;
  const missed = waiting;
  waiting = [];
  for (const change of missed) show(change);
  return () => {
    view = null;
  };
}

export function onFirstToast(wake: () => void): () => void {
  wakers.add(wake);
  return () => wakers.delete(wake);
}

/**
 * Says the new state in a few words, not praise. `undo` puts things back: by its button, and by Mod Z while it is
 * the newest. Errors that need a decision do not belong here.
 */
export function toast({
  text,
  icon,
  undo: takeBack,
  action,
}: {
  text: string;
  icon?: IconType;
  undo?: () => unknown;
  action?: Action;
}): void {
  const id = `toast-${next++}`;
  const entry = takeBack ? registerUndo(text, takeBack, () => post({ do: "close", id })) : undefined;
  post({ do: "show", toast: { id, text, icon, undo: entry, action } });
}

/** Takes something back and says so; when that fails, says why. */
export async function undo(entry: UndoEntry): Promise<void> {
  const say = sayIn(uiTexts);
  try {
    await entry.run();
    announce(say("undone", { label: entry.label }));
  } catch (error) {
    await loadProblemCodes();
    const { title, advice } = problemText(error, sayIn(problemTexts));
    toast({ text: `${title} ${advice}`.trim() });
  }
}

/** Progress of something long. Calling it again with the same id updates it; `null` takes it away. */
export function progressToast(
  id: string,
  state: { text: string; done: number; total: number | null; action?: Action } | null,
): void {
  if (!state) {
    post({ do: "close", id });
    return;
  }
  const { text, done, total, action } = state;
  post({ do: "show", toast: { id, text, progress: { done, total }, action } });
}
