import type { ModelInfo } from "./api";
import { isUsable } from "./fit";

export type Filter = "local" | "free" | "images" | "tools" | "long";

export const filters: readonly Filter[] = ["local", "free", "images", "tools", "long"];

/** A book of some 300 pages. */
export const LONG_TOKENS = 128_000;

// What nobody has said of a model is not taken to be so: whoever filters wants to be sure.
const holds: Record<Filter, (model: ModelInfo) => boolean> = {
  local: ({ provider }) => provider.is_local,
  free: ({ price }) => price?.is_free === true,
  images: ({ takes }) => takes.includes("image"),
  tools: ({ features }) => features?.includes("tools") === true,
  long: ({ context_total }) => (context_total ?? 0) >= LONG_TOKENS,
};

/** Every word and every filter counts. Favourites stand first, what cannot be used last. */
export function findModels(
  models: readonly ModelInfo[],
  query: string,
  wanted: ReadonlySet<Filter>,
  favourites: ReadonlySet<string>,
): readonly ModelInfo[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = models.filter((model) => {
    if (![...wanted].every((filter) => holds[filter](model))) return false;
    if (words.length === 0) return true;
    const text = [model.label, model.name, model.provider.label, ...model.aliases].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const rank = (model: ModelInfo) => (isUsable(model) ? 0 : 2) + (favourites.has(model.id) ? 0 : 1);
  return found.toSorted((a, b) => rank(a) - rank(b));
}
