import { queryOptions } from "@tanstack/react-query";
import { api, read, type Schemas } from "@/shared/api/client";
import type { Period } from "@/shared/receipts/period";

export type HouseUsage = Schemas["HouseUsage"];
export type HouseSum = Schemas["HouseUsageSum"];
export type HouseGroup = Schemas["HouseUsageGroup"];

export const groupings = ["person", "model", "provider", "day"] as const;
export type Grouping = (typeof groupings)[number];

export const houseUsageQuery = (group: Grouping, period: Period) =>
  queryOptions({
    queryKey: ["admin", "usage", group, period],
    queryFn: ({ signal }) => read(api.GET("/api/v1/admin/usage", { params: { query: { group, ...period } }, signal })),
  });

export function houseCsvAddress({ since, until }: Period, language: string | undefined): string {
  return `/api/v1/admin/usage.csv?${new URLSearchParams({ since, until, ...(language ? { language } : {}) })}`;
}
