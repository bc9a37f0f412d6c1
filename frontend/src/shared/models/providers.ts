import { queryOptions } from "@tanstack/react-query";
import { api, read, type Schemas } from "../api/client";

export type FoundModel = Schemas["FoundModel"];
export type OfferedModel = Schemas["ModelAdminRead"];
export type NewProvider = Pick<Schemas["ProviderCreate"], "kind" | "label" | "base_url" | "key" | "models">;

/** Servers of models that answer on this machine. */
export const discoverQuery = queryOptions({
  queryKey: ["admin", "discover"],
  queryFn: ({ signal }) => read(api.GET("/api/v1/llm/discover", { signal })),
  staleTime: 10_000,
});

/** Makes a provider of the house and asks it for its models. One that does not answer is kept, with the reason. */
export const makeProvider = (provider: NewProvider) =>
  read(api.POST("/api/v1/admin/providers", { body: provider as Schemas["ProviderCreate"] }));

export const dropProvider = (provider_id: string) =>
  read(api.DELETE("/api/v1/admin/providers/{provider_id}", { params: { path: { provider_id } } }));

/** All of them, page by page: some providers have hundreds. */
export async function modelsOfProvider(provider: string): Promise<readonly OfferedModel[]> {
  const found: OfferedModel[] = [];
  let cursor: string | undefined;
  do {
    const query = { provider, limit: 100, cursor };
    const page = await read(api.GET("/api/v1/admin/models", { params: { query } }));
    found.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return found;
}

export const enableModel = (model_id: string, is_enabled: boolean) =>
  read(api.PATCH("/api/v1/admin/models/{model_id}", { params: { path: { model_id } }, body: { is_enabled } }));

/** Whose key this can be, by its shape alone; nothing is sent to anybody. */
export const recogniseKey = (key: string) => read(api.POST("/api/v1/llm/keys/recognise", { body: { key } }));

export const hostOf = (address: string) => address.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
