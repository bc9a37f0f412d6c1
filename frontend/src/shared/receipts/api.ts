import { queryOptions } from "@tanstack/react-query";
import { api, read, type Schemas } from "../api/client";

/** What one answer cost and why. Amounts are decimal text in `currency`. */
export type Receipt = Schemas["ReceiptRead"];
export type ReceiptLine = Receipt["lines"][number];

export const receiptQuery = (run_id: string) =>
  queryOptions({
    queryKey: ["runs", run_id, "receipt"],
    queryFn: ({ signal }) => read(api.GET("/api/v1/runs/{run_id}/receipt", { params: { path: { run_id } }, signal })),
  });
