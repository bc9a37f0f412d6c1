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

export type Preferred = NonNullable<Schemas["ModelsRead"]["preferred"]>;
export type Models = Schemas["ModelsRead"];

// Which answer of the server a list is, so that the next question can name it. The browser keeps nothing by itself.
const tags = new WeakMap<Models, string>();

/** All models that this person could use, also those that cannot be used at the moment. Long, so sent only if new. */
export const modelsQuery = queryOptions({
  queryKey: ["models"],
  queryFn: async ({ client, queryKey, signal }): Promise<Models> => {
    const before = client.getQueryData<Models>(queryKey);
    const tag = before && tags.get(before);
    const header = tag ? { "if-none-match": tag } : {};
    const answer = api.GET("/api/v1/llm/models", { params: { header }, signal });
    const { response } = await answer;
    if (before && response.status === 304) return before;
    const models = await read(answer);
    tags.set(models, response.headers.get("ETag") ?? "");
    return models;
  },
  // A list that came anew has changed, and comparing a thousand models costs more than showing the dozen in sight.
  structuralSharing: false,
});

/** One model with all that can be set for a question to it. */
export const modelQuery = (model_id: string) =>
  queryOptions({
    queryKey: ["models", model_id],
    queryFn: ({ signal }) => read(api.GET("/api/v1/llm/models/{model_id}", { params: { path: { model_id } }, signal })),
  });
