import type { Dashboard } from "@/shared/projects/api";

/** So many models have a colour of their own; what costs less than these is one more. */
const MOST = 4;
const looks = ["bg-chart-1", "bg-chart-2", "bg-chart-3", "bg-chart-4", "bg-chart-5"] as const;
const REST = "bg-chart-6";

export interface Series {
  readonly label: string;
  readonly look: string;
  readonly models: readonly string[];
  /** Nano by day. */
  readonly days: ReadonlyMap<string, number>;
}

/** The days by model, the dearest model first and so at the foot of each bar. */
export function seriesOf({ day_parts, models }: Dashboard, others: string): Series[] {
  const totals = new Map<string, number>();
  for (const { model, nano } of day_parts) totals.set(model, (totals.get(model) ?? 0) + nano);
  const sorted = [...totals].toSorted(([, a], [, b]) => b - a).map(([model]) => model);
  const one = (label: string, look: string, names: readonly string[]): Series => {
    const days = new Map<string, number>();
    for (const { day, model, nano } of day_parts) {
      if (names.includes(model)) days.set(day, (days.get(day) ?? 0) + nano);
    }
    return { label, look, models: names, days };
  };
  const first = sorted.length > MOST + 1 ? sorted.slice(0, MOST) : sorted;
  const named = first.map((model, index) =>
    one(models.find(({ key }) => key === model)?.label ?? model, looks[index] ?? REST, [model]),
  );
  const rest = sorted.slice(first.length);
  return rest.length > 0 ? [...named, one(others, REST, rest)] : named;
}
