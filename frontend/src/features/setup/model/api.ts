import { useMutation, useQueryClient } from "@tanstack/react-query";
import { modelsQuery } from "@/shared/models/api";
import {
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
      const { id, label } = await makeProvider(wanted);
      const { items } = await modelsOfProvider(id);
      return { id, label, models: items };
    },
  });
}

/** Leaves the chosen models of a provider switched on and its others off. */
export function useEnable() {
  const client = useQueryClient();
  return useMutation({
    meta: { shown: true },
    mutationFn: async ({ provider, names }: { provider: string; names: ReadonlySet<string> }) => {
      const { items } = await modelsOfProvider(provider);
      for (const { id, name, is_enabled } of items) {
        if (is_enabled !== names.has(name)) await enableModel(id, names.has(name));
      }
    },
    onSuccess: () => client.invalidateQueries({ queryKey: modelsQuery.queryKey }),
  });
}
