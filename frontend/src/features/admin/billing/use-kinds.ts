import { useQuery } from "@tanstack/react-query";
import { providersQuery } from "../providers/api";

/** What people call the kinds of providers: prices and surcharges name them as programs do. */
export function useKinds(): ReadonlyMap<string, string> {
  const { data } = useQuery(providersQuery);
  return new Map(data?.kinds.map(({ kind, label }) => [kind, label]));
}
