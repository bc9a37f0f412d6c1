import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Problem } from "@/shared/api/problem";
import { modelsQuery } from "@/shared/models/api";
import {
  dropProvider,
  enableModel,
  makeProvider,
  modelsOfProvider,
  type NewProvider,
  type OfferedModel,
} from "@/shared/models/providers";

/** What answered: a provider of the house with the models it offers. */
export interface Connected {
  readonly id: string;
  readonly label: string;
  readonly models: readonly OfferedModel[];
}

export function useConnect() {
  return useMutation({
    meta: { shown: true },
    mutationFn: async (wanted: NewProvider): Promise<Connected> => {
      const { id, label, problem } = await makeProvider(wanted);
      if (problem) {
        // What does not answer is no beginning; it would only stand in the way of the next try.
        await dropProvider(id).catch(() => {});
        throw new Problem({ status: 422, code: problem });
      }
      return { id, label, models: await modelsOfProvider(id) };
    },
  });
}

/** Leaves the chosen models of a provider switched on and its others off. */
export function useEnable() {
  const client = useQueryClient();
  return useMutation({
    meta: { shown: true },
    mutationFn: async ({ provider, names }: { provider: string; names: ReadonlySet<string> }) => {
      for (const { id, name, is_enabled } of await modelsOfProvider(provider)) {
        if (is_enabled !== names.has(name)) await enableModel(id, names.has(name));
      }
    },
    onSuccess: () => client.invalidateQueries({ queryKey: modelsQuery.queryKey }),
  });
}
