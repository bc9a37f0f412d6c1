import type { Language } from "../i18n/locale";
import { type Binding, type Chord, parseBinding, sameChord, writeBinding } from "./binding";

export type Bilingual = Readonly<Record<Language, string>>;

/** Where an action works; also its group in the help. */
export type Where = "anywhere" | "tabs" | "list" | "grid" | "composer" | "transcript" | "palette";

export interface ActionDefinition {
  readonly id: string;
  readonly title: Bilingual;
  readonly description?: Bilingual;
  /** Further words by which the palette finds it. */
  readonly words?: Bilingual;
  /** The default; people may choose another in the settings. */
  readonly keys: string | null;
  readonly where: Where;
  /** True for actions that must not fire while someone types, although their key has a modifier. */
  readonly outsideFields?: boolean;
  /** Left out of the palette: keys that only make sense as keys. */
  readonly hidden?: boolean;
}

const definitions = new Map<string, ActionDefinition>();
let overrides: Readonly<Record<string, string>> = {};
let bindings = new Map<string, Binding>();
let version = 0;
const listeners = new Set<() => void>();

function notify(): void {
  bindings = new Map(
    [...definitions.values()].map((action) => [action.id, parseBinding(overrides[action.id] ?? action.keys ?? "")]),
  );
  version += 1;
  for (const listener of listeners) listener();
}

export function defineActions(actions: readonly ActionDefinition[]): void {
  for (const action of actions) definitions.set(action.id, action);
  notify();
}

export function allActions(): readonly ActionDefinition[] {
  return [...definitions.values()];
}

export function actionById(id: string): ActionDefinition | undefined {
  return definitions.get(id);
}

/** What the person has rebound: action id → binding, empty string for "no key". */
export function setKeyOverrides(next: Readonly<Record<string, string>>): void {
  overrides = next;
  notify();
}

export function bindingOf(id: string): Binding {
  return bindings.get(id) ?? [];
}

/** The other action of the same place that already has this binding, for the settings to warn about. */
export function conflictOf(id: string, binding: Binding): ActionDefinition | undefined {
  const text = writeBinding(binding);
  const own = definitions.get(id);
  if (!text || !own) return undefined;
  return allActions().find(
    (other) =>
      other.id !== id &&
      (other.where === own.where ||
        [other.where, own.where].some((where) => where === "anywhere" || where === "tabs")) &&
      writeBinding(bindingOf(other.id)) === text,
  );
}

export function subscribeKeys(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const keysVersion = () => version;

/** What a chord means after the ones pressed just before: an action, the start of one, or nothing. */
export function lookUp(
  pending: readonly Chord[],
  chord: Chord,
  candidates: readonly string[],
): { kind: "action"; id: string } | { kind: "prefix" } | { kind: "none" } {
  const pressed = [...pending, chord];
  let prefix = false;
  for (const id of candidates) {
    const binding = bindingOf(id);
    if (binding.length < pressed.length) continue;
    if (!pressed.every((one, index) => sameChord(one, binding[index] as Chord))) continue;
    if (binding.length === pressed.length) return { kind: "action", id };
    prefix = true;
  }
  return prefix ? { kind: "prefix" } : { kind: "none" };
}
