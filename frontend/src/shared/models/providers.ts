import { queryOptions } from "@tanstack/react-query";
import { ask } from "../api/ask";
import { Problem } from "../api/problem";

/** A model as a provider offers it, before anybody has decided who may use it. */
export interface FoundModel {
  readonly name: string;
  readonly label: string;
  readonly size_bytes: number | null;
  readonly context_total: number | null;
  readonly takes: readonly string[] | null;
  readonly gives: readonly string[] | null;
}

export interface OfferedModel extends FoundModel {
  readonly id: string;
  readonly description: string | null;
  readonly is_enabled: boolean;
  readonly version: number;
}

export interface FoundServer {
  readonly kind: string;
  readonly label: string;
  readonly base_url: string;
  readonly models: readonly FoundModel[];
  /** Where it is one of the providers already. */
  readonly provider_id: string | null;
}

/** Servers of models that answer on this machine. */
export const discoverQuery = queryOptions({
  queryKey: ["admin", "discover"],
  queryFn: ({ signal }) => ask<{ items: readonly FoundServer[] }>("get", "/api/v1/llm/discover", { signal }),
  staleTime: 10_000,
});

export interface ProviderKind {
  readonly kind: string;
  readonly label: string;
  readonly base_url: string | null;
  readonly keys_at: string | null;
  readonly is_local: boolean;
  readonly needs_key: boolean;
}

export interface NewProvider {
  readonly kind: string;
  readonly label?: string;
  readonly base_url?: string;
  readonly key?: string;
  /** The names of those to switch on; absent: all that are of use. */
  readonly models?: readonly string[];
}

interface MadeProvider {
  readonly id: string;
  readonly label: string;
  /** Why its models could not be listed: the code of an error. */
  readonly problem: string | null;
}

const dropProvider = (id: string) => ask<null>("delete", `/api/v1/admin/providers/${id}`);

/** Makes a provider of the house. One that does not answer, or refuses the key, is taken away again. */
export async function makeProvider(provider: NewProvider): Promise<MadeProvider> {
  const made = await ask<MadeProvider>("post", "/api/v1/admin/providers", { body: provider });
  if (!made.problem) return made;
  await dropProvider(made.id).catch(() => {});
  throw new Problem({ status: 422, code: made.problem });
}

export const modelsOfProvider = (provider: string) =>
  ask<{ items: readonly OfferedModel[] }>("get", "/api/v1/admin/models", { query: { provider } });

export const enableModel = (id: string, is_enabled: boolean) =>
  ask<OfferedModel>("patch", `/api/v1/admin/models/${id}`, { body: { is_enabled } });

/** Whose key this can be, by its shape alone; nothing is sent to anybody. */
export const recogniseKey = (key: string) =>
  ask<{ kinds: readonly ProviderKind[] }>("post", "/api/v1/llm/keys/recognise", { body: { key } });
