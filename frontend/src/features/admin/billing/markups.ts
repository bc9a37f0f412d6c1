import type { Billing, Markup } from "./api";

/** As the server weighs them: a model says more than a provider, and that more than a role. */
export function weightOf({ model, provider, role }: Pick<Markup, "model" | "provider" | "role">): number {
  return (model ? 4 : 0) + (provider ? 2 : 0) + (role ? 1 : 0);
}

export interface Rule {
  readonly markup: Markup;
  /** Its place in what is stored, by which it is changed. */
  readonly place: number;
}

/** The one that counts first comes first; of two that name as much, the later one counts. */
export function inOrder(markups: readonly Markup[]): Rule[] {
  return markups
    .map((markup, place) => ({ markup, place }))
    .toSorted((a, b) => weightOf(b.markup) - weightOf(a.markup) || b.place - a.place);
}

export interface Asked {
  readonly provider: string;
  readonly model: string;
  readonly role: string;
}

/** Which rule holds for somebody's question; null where only the general surcharge does. */
export function ruleFor(billing: Pick<Billing, "markups">, asked: Asked): Rule | null {
  const names = (of: string | null | undefined, value: string) => !of || of === value;
  return (
    inOrder(billing.markups).find(
      ({ markup }) =>
        names(markup.provider, asked.provider) && names(markup.model, asked.model) && names(markup.role, asked.role),
    ) ?? null
  );
}

export const isSame = (a: Markup, b: Markup) =>
  (a.provider ?? null) === (b.provider ?? null) &&
  (a.model ?? null) === (b.model ?? null) &&
  (a.role ?? null) === (b.role ?? null);
