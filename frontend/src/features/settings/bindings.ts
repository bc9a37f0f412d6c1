import {
  type Binding,
  type Chord,
  isBindable,
  isPlain,
  parseBinding,
  sameChord,
  writeBinding,
} from "@/shared/keys/binding";
import { type ActionDefinition, actionById, allActions, bindingOf, conflictOf } from "@/shared/keys/registry";

export type Keys = Readonly<Record<string, string>>;

/** What browsers keep for themselves, whatever a page says. */
const taken = ["Mod+N", "Mod+T", "Mod+W", "Mod+Q", "Mod+Shift+N", "Mod+Shift+T", "Mod+Shift+W"];

export type Verdict =
  | { readonly kind: "empty" }
  | { readonly kind: "good" }
  /** Cannot be typed everywhere. */
  | { readonly kind: "unreachable" }
  | { readonly kind: "browser" }
  /** The other action would lose its key. */
  | { readonly kind: "conflict"; readonly other: ActionDefinition };

export function judge(id: string, binding: Binding): Verdict {
  if (binding.length === 0) return { kind: "empty" };
  if (!binding.every(isBindable)) return { kind: "unreachable" };
  if (taken.includes(writeBinding(binding))) return { kind: "browser" };
  const other = conflictOf(id, binding) ?? shadowOf(id, binding);
  return other ? { kind: "conflict", other } : { kind: "good" };
}

/** "G" and "G C" cannot both be heard: the shorter one would never let the longer one finish. */
function shadowOf(id: string, binding: Binding): ActionDefinition | undefined {
  const own = actionById(id);
  return allActions().find((other) => {
    if (other.id === id || !own) return false;
    if (other.where !== own.where && own.where !== "anywhere" && other.where !== "anywhere") return false;
    const theirs = bindingOf(other.id);
    return theirs.length > 0 && theirs.length !== binding.length && isBeginning(theirs, binding);
  });
}

function isBeginning(a: Binding, b: Binding): boolean {
  const shorter = Math.min(a.length, b.length);
  return a.slice(0, shorter).every((chord, index) => sameChord(chord, b[index] as Chord));
}

/** A letter may be followed by a second one, as in G C; whatever has a modifier stands alone. */
export function append(binding: Binding, chord: Chord): Binding {
  const [first] = binding;
  return first && binding.length === 1 && isPlain(first) && isPlain(chord) && first.key.length === 1
    ? [first, chord]
    : [chord];
}

const defaultOf = (id: string) => writeBinding(parseBinding(actionById(id)?.keys ?? ""));

/** Only what differs from the defaults is kept, so that better defaults reach everybody else. */
export function withBinding(keys: Keys, id: string, binding: Binding): Keys {
  const text = writeBinding(binding);
  const { [id]: _former, ...rest } = keys;
  return text === defaultOf(id) ? rest : { ...rest, [id]: text };
}

export function without(keys: Keys, id: string): Keys {
  const { [id]: _former, ...rest } = keys;
  return rest;
}

export function isChanged(keys: Keys, id: string): boolean {
  return id in keys && writeBinding(parseBinding(keys[id] ?? "")) !== defaultOf(id);
}
