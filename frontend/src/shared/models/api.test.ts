// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { makeQueryClient } from "../api/queries";
import { problem, serve } from "../test/network";
import { type Models, modelsQuery } from "./api";
import { makeModel } from "./test-kit";

const list: Models = { items: [makeModel()], rules: [], default: "auto", default_model_id: null, preferred: null };
const listed = (tag: string, models = list) => new Response(JSON.stringify(models), { headers: { ETag: tag } });

describe("the list of models", () => {
  it("names what is there, and keeps it when it is still right", async () => {
    const answers = [listed('W/"1"'), new Response(null, { status: 304 }), listed('W/"2"', { ...list, items: [] })];
    const { requests } = serve({ "GET /api/v1/llm/models": () => answers.shift() });
    const client = makeQueryClient();
    const load = () => client.fetchQuery({ ...modelsQuery, staleTime: 0 });
    const first = await load();
    expect(await load()).toBe(first);
    expect((await load()).items).toEqual([]);
    expect(requests.map(({ headers }) => headers.get("if-none-match"))).toEqual([null, 'W/"1"', 'W/"1"']);
  });

  it("fails as it always did", async () => {
    serve({ "GET /api/v1/llm/models": () => problem(401, "auth.required") });
    await expect(makeQueryClient().fetchQuery(modelsQuery)).rejects.toMatchObject({ code: "auth.required" });
  });
});
