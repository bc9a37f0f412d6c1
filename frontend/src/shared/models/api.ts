import { queryOptions } from "@tanstack/react-query";
import { api, read, type Schemas } from "../api/client";

export type ModelInfo = Schemas["ModelRead"];
/** Per million tokens, as decimal text, because a price is money and no floating number. */
export type ModelPrice = NonNullable<ModelInfo["price"]>;

/** What a text would be for one model: how many tokens, between which bounds. */
export interface TokenCount {
  readonly model: string;
  readonly tokens: number;
  readonly tokens_low: number;
  readonly tokens_high: number;
}

/** All models that this person could use, also those that cannot be used at the moment. */
export const modelsQuery = queryOptions({
  queryKey: ["models"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/llm/models", { signal })),
});
