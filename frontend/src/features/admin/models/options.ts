import { useQuery } from "@tanstack/react-query";
import { type ModelInfo, modelsQuery } from "@/shared/models/api";
import { providersQuery } from "../providers/api";

/** How the configuration names a model, so that a person can read it and it outlives a new start of the provider. */
export const fullName = ({ provider, name }: ModelInfo) => `${provider.kind}/${name}`;

export interface ModelOption {
  readonly value: string;
  readonly label: string;
  readonly hint: string;
}

/** The models of the house: those of one's own keys are nobody else's. */
export function useHouseModels(): readonly ModelInfo[] {
  const { data: models } = useQuery(modelsQuery);
  const { data: providers } = useQuery(providersQuery);
  if (!models || !providers) return [];
  const ours = new Set(providers.items.map(({ id }) => id));
  return models.items.filter(({ provider }) => ours.has(provider.id));
}

export const optionsOf = (models: readonly ModelInfo[], gives: "text" | "vector"): readonly ModelOption[] =>
  models
    .filter((model) => model.gives.includes(gives))
    .map((model) => ({ value: fullName(model), label: model.label, hint: model.provider.label }));

/** What is configured and not in the list, because it is switched off or gone, is still shown by its name. */
export function withCurrent(options: readonly ModelOption[], current: string | null): readonly ModelOption[] {
  if (!current || options.some(({ value }) => value === current)) return options;
  return [...options, { value: current, label: current, hint: "" }];
}

export const labelOf = (ref: string, options: readonly ModelOption[]) =>
  options.find(({ value }) => value === ref)?.label ?? ref;
