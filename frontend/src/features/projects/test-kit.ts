import type { Schemas } from "@/shared/api/client";
import type { Folder, Project, Share } from "@/shared/projects/api";

const thing = (id: string) => ({
  id,
  name: id,
  description: "",
  colour: null,
  tags: [],
  role: "owner" as const,
  owner: null,
  is_pinned: false,
  is_shared: false,
  archived_at: null,
  trashed_at: null,
  version: 1,
  created_at: "2026-11-01T08:00:00Z",
  updated_at: "2026-11-20T08:00:00Z",
});

export function makeFolder(id: string, change: Partial<Folder> = {}): Folder {
  return { ...thing(id), parent_id: null, ...change };
}

export function makeProject(id: string, change: Partial<Project> = {}): Project {
  return {
    ...thing(id),
    folder_id: null,
    kind: "chat",
    config: { kind: "chat", version: 1, scope: "project", temperature: null, max_output: null },
    instructions: "",
    default_model: null,
    ...change,
  };
}

export function makeShare(id: string, change: Partial<Share> = {}): Share {
  return {
    id,
    direction: "given",
    folder_id: null,
    project_id: "p1",
    name: "Harbour",
    email: `${id}@example.org`,
    person: null,
    role: "viewer",
    state: "pending",
    version: 1,
    created_at: "2026-11-20T08:00:00Z",
    expires_at: "2026-12-20T08:00:00Z",
    answered_at: null,
    ...change,
  };
}

const noTokens: Schemas["UsageSum"]["tokens"] = {} as Schemas["UsageSum"]["tokens"];

export const nothingUsed: Schemas["UsageSum"] = {
  runs: 0,
  tokens_in: 0,
  tokens_out: 0,
  tokens: noTokens,
  cost: null,
  further_costs: [],
  unknown_runs: 0,
  own_key_runs: 0,
  own_key_cost: null,
};

export const page = <Item>(...items: Item[]) => ({ items, next_cursor: null, total: null });
