import { type RefObject, useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { useLocale } from "../i18n/locale";
import { type Chord, chordOf, isPlain, showBinding } from "./binding";
import { actionById, bindingOf, keysVersion, lookUp, subscribeKeys } from "./registry";

interface Handler {
  readonly id: string;
  readonly run: (event?: KeyboardEvent) => void;
  readonly within?: RefObject<HTMLElement | null>;
}

const handlers: Handler[] = [];
const handlerListeners = new Set<() => void>();
let handlersVersion = 0;

function changed(): void {
  handlersVersion += 1;
  for (const listener of handlerListeners) listener();
}

export const isMac =
  typeof navigator !== "undefined" && /mac|iphone|ipad/i.test(navigator.platform || navigator.userAgent);

/**
 * Fills an action with a deed for as long as the component is there; the newest wins.
 * `within` limits it to a list or grid that has focus, which is what single letters need.
 */
export function useAction(
  id: string,
  run: (event?: KeyboardEvent) => void,
  { enabled = true, within }: { enabled?: boolean; within?: RefObject<HTMLElement | null> } = {},
): void {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    if (!enabled) return;
    const handler: Handler = { id, within, run: (event) => latest.current(event) };
    handlers.push(handler);
    changed();
    return () => {
      handlers.splice(handlers.indexOf(handler), 1);
      changed();
    };
  }, [id, enabled, within]);
}

/** Does what the action does now. False when nothing on the screen offers it. */
export function runAction(id: string): boolean {
  const handler = handlers.findLast((candidate) => candidate.id === id);
  handler?.run();
  return handler !== undefined;
}

/** The ids of all actions that something on the screen offers, newest first. */
export function useOfferedActions(): readonly string[] {
  const version = useSyncExternalStore(
    (listener) => {
      handlerListeners.add(listener);
      return () => handlerListeners.delete(listener);
    },
    () => handlersVersion,
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for the content of the list
  return useMemo(() => [...new Set(handlers.map((handler) => handler.id))], [version]);
}

/** How the key of an action is shown, in the person's language; empty when it has none. */
export function useBinding(id: string): string[] {
  const { language } = useLocale();
  const version = useSyncExternalStore(subscribeKeys, keysVersion);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for the bindings
  return useMemo(() => showBinding(bindingOf(id), language, isMac), [id, language, version]);
}

function isEditable(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLInputElement) {
    return !["checkbox", "radio", "button", "submit", "reset", "range", "file", "color"].includes(target.type);
  }
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

const SEQUENCE_MS = 1200;

/** Listens for the whole document. Mounted once, by the app. */
export function useKeyboard(): void {
  useEffect(() => {
    let pending: Chord[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const forget = () => {
      pending = [];
      clearTimeout(timer);
    };
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      const chord = chordOf(
        {
          key: event.key,
          ctrlKey: event.ctrlKey,
          metaKey: event.metaKey,
          altKey: event.altKey,
          shiftKey: event.shiftKey,
          altGraph: event.getModifierState("AltGraph"),
        },
        isMac,
      );
      if (!chord) return;
      // Menus and lists jump to what is typed; combining keys still work there.
      const isChoosing =
        event.target instanceof Element && event.target.closest('[role="menu"], [role="listbox"]') !== null;
      if (isChoosing && isPlain(chord)) return;
      const typing = isEditable(event.target);
      // A modal keeps the keys to itself, except for what it offers of its own.
      const modal = document.querySelector('[role="dialog"][data-open], [role="alertdialog"][data-open]');
      const usable = handlers.filter((handler) => {
        const action = actionById(handler.id);
        if (!action) return false;
        if (handler.within)
          return Boolean(handler.within.current?.contains(document.activeElement)) && !(typing && isPlain(chord));
        if (typing && (action.outsideFields || isPlain(chord))) return false;
        return !modal || action.where === "palette";
      });
      const found = lookUp(
        pending,
        chord,
        usable.map((handler) => handler.id),
      );
      if (found.kind === "none") {
        if (pending.length) forget();
        return;
      }
      event.preventDefault();
      if (found.kind === "prefix") {
        pending = [...pending, chord];
        clearTimeout(timer);
        timer = setTimeout(forget, SEQUENCE_MS);
        return;
      }
      forget();
      usable.findLast((handler) => handler.id === found.id)?.run(event);
    };
    document.addEventListener("keydown", onKeyDown);
    return () => {
      forget();
      document.removeEventListener("keydown", onKeyDown);
    };
  }, []);
}
