import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, ifMatch, read, type Schemas } from "../api/client";
import type { Period } from "../receipts/period";

export type Project = Schemas["ProjectRead"];
export type Folder = Schemas["FolderRead"];
export type Kind = Project["kind"];
export type Role = Project["role"];
export type Share = Schemas["ShareRead"];
export type ShareRole = Share["role"];
export type Colour = NonNullable<Project["colour"]>;
export type ProjectChange = Schemas["ProjectChange"];

/** A folder or a project, where both are treated alike. */
export type Thing = ({ sort: "project" } & Project) | ({ sort: "folder" } & Folder);

export const asProject = (project: Project): Thing => ({ sort: "project", ...project });
export const asFolder = (folder: Folder): Thing => ({ sort: "folder", ...folder });
export const parentOf = (thing: Thing) => (thing.sort === "project" ? thing.folder_id : thing.parent_id);
export const mayEdit = ({ role }: { role: Role }) => role !== "viewer";
export const mayOwn = ({ role }: { role: Role }) => role === "owner";

export const kinds = [
  "chat",
  "private_gpt",
  "extraction",
  "cv_matcher",
  "resume",
  "tell_me_life",
  "roleplay",
] as const satisfies readonly Kind[];

/** As many rows as the server sends at once. */
const PAGE = 100;

export const projectQuery = (project_id: string) =>
  queryOptions({
    queryKey: ["projects", "one", project_id],
    queryFn: ({ signal }) =>
      read(api.GET("/api/v1/projects/{project_id}", { params: { path: { project_id } }, signal })),
  });

/** All folders, wherever they stand: the tree, the way to a project and the choice of a place are made of them. */
export const foldersQuery = queryOptions({
  queryKey: ["projects", "folders"],
  queryFn: async ({ signal }) => {
    const all: Folder[] = [];
    let cursor: string | undefined;
    do {
      const page = await read(api.GET("/api/v1/folders", { params: { query: { cursor, limit: PAGE } }, signal }));
      all.push(...page.items);
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    return all;
  },
});

/** Also one that is put away or lies in the trash, and is therefore not among all of them. */
export const folderQuery = (folder_id: string) =>
  queryOptions({
    queryKey: ["projects", "folder", folder_id],
    queryFn: ({ signal }) => read(api.GET("/api/v1/folders/{folder_id}", { params: { path: { folder_id } }, signal })),
  });

export interface ProjectFilter {
  readonly folder_id?: string;
  readonly search?: string;
  readonly kind?: Kind;
  readonly tag?: string;
  readonly pinned?: boolean;
  readonly whose?: "mine" | "others";
  readonly archived?: "yes";
  readonly sort?: "position" | "name" | "-name" | "updated_at" | "-updated_at" | "created_at" | "-created_at";
}

export const projectsQuery = (filter: ProjectFilter) =>
  infiniteQueryOptions({
    queryKey: ["projects", "list", filter],
    queryFn: ({ pageParam, signal }) =>
      read(
        api.GET("/api/v1/projects", {
          params: { query: { ...filter, cursor: pageParam ?? undefined, limit: PAGE } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });

/** The first projects of one place, as the tree shows them; the list has the rest. */
export const branchQuery = (folder_id: string, whose?: "mine" | "others") =>
  queryOptions({
    queryKey: ["projects", "branch", folder_id, whose ?? null],
    queryFn: ({ signal }) =>
      read(api.GET("/api/v1/projects", { params: { query: { folder_id, whose, limit: PAGE } }, signal })),
  });

/** Whom one thing is shared with, as its owner sees it, or how one takes part oneself. */
export const sharesQuery = (of: { folder_id: string } | { project_id: string }) =>
  queryOptions({
    queryKey: ["shares", of],
    queryFn: async ({ signal }) => {
      const all: Share[] = [];
      let cursor: string | undefined;
      do {
        const page = await read(
          api.GET("/api/v1/shares", { params: { query: { ...of, cursor, limit: PAGE } }, signal }),
        );
        all.push(...page.items);
        cursor = page.next_cursor ?? undefined;
      } while (cursor);
      return all;
    },
  });

/** What waits for my answer. */
export const invitationsQuery = queryOptions({
  queryKey: ["shares", "invitations"],
  queryFn: async ({ signal }) => {
    const query = { direction: "received", state: "pending", limit: PAGE } as const;
    return (await read(api.GET("/api/v1/shares", { params: { query }, signal }))).items;
  },
});

/** Everything that shows folders and projects asks again; answers when it has. */
export function useRefresh(): () => Promise<unknown> {
  const client = useQueryClient();
  return () =>
    Promise.all([
      client.invalidateQueries({ queryKey: ["projects"] }),
      client.invalidateQueries({ queryKey: ["shares"] }),
      client.invalidateQueries({ queryKey: ["trash"] }),
      // Asked again by whoever looks at them next.
      client.invalidateQueries({ queryKey: ["documents"], refetchType: "none" }),
    ]);
}

/** A deed on folders and projects. The lists are asked anew also when it fails: then they were behind. */
export function useDeed<Wish, Result>(deed: (wish: Wish) => Promise<Result>, { shown = false } = {}) {
  const refresh = useRefresh();
  return useMutation({ meta: { shown }, mutationFn: deed, onSettled: refresh });
}

type Place = { readonly parent: string | null; readonly after?: string | null };

/** Leaves out what was not said, because null says something. */
const placeOf = ({ after }: Place) => (after === undefined ? {} : { after });

export const deeds = {
  change: async (
    thing: Thing,
    change: Omit<ProjectChange, "config" | "instructions" | "default_model">,
  ): Promise<Project | Folder> =>
    thing.sort === "project"
      ? read(
          api.PATCH("/api/v1/projects/{project_id}", {
            params: { path: { project_id: thing.id }, header: ifMatch(thing.version) },
            body: change,
          }),
        )
      : read(
          api.PATCH("/api/v1/folders/{folder_id}", {
            params: { path: { folder_id: thing.id }, header: ifMatch(thing.version) },
            body: change,
          }),
        ),
  move: async (thing: Thing, place: Place): Promise<Project | Folder> =>
    thing.sort === "project"
      ? read(
          api.POST("/api/v1/projects/{project_id}/move", {
            params: { path: { project_id: thing.id } },
            body: { folder_id: place.parent, ...placeOf(place) },
          }),
        )
      : read(
          api.POST("/api/v1/folders/{folder_id}/move", {
            params: { path: { folder_id: thing.id } },
            body: { parent_id: place.parent, ...placeOf(place) },
          }),
        ),
  duplicate: async (thing: Thing, wish: { name: string; include: string[] }): Promise<Project | Folder> =>
    thing.sort === "project"
      ? read(
          api.POST("/api/v1/projects/{project_id}/duplicate", {
            params: { path: { project_id: thing.id } },
            body: wish,
          }),
        )
      : read(
          api.POST("/api/v1/folders/{folder_id}/duplicate", { params: { path: { folder_id: thing.id } }, body: wish }),
        ),
  pin: ({ sort, id }: Thing, isPinned: boolean) => {
    const project = { params: { path: { project_id: id } } };
    const folder = { params: { path: { folder_id: id } } };
    if (sort === "project") {
      return read(
        isPinned
          ? api.PUT("/api/v1/projects/{project_id}/pin", project)
          : api.DELETE("/api/v1/projects/{project_id}/pin", project),
      );
    }
    return read(
      isPinned
        ? api.PUT("/api/v1/folders/{folder_id}/pin", folder)
        : api.DELETE("/api/v1/folders/{folder_id}/pin", folder),
    );
  },
  throwAway: ({ sort, id }: Thing) =>
    sort === "project"
      ? read(api.DELETE("/api/v1/projects/{project_id}", { params: { path: { project_id: id } } }))
      : read(api.DELETE("/api/v1/folders/{folder_id}", { params: { path: { folder_id: id } } })),
  restore: async ({ sort, id }: { sort: Thing["sort"] | "document"; id: string }): Promise<unknown> => {
    switch (sort) {
      case "project":
        return read(api.POST("/api/v1/projects/{project_id}/restore", { params: { path: { project_id: id } } }));
      case "folder":
        return read(api.POST("/api/v1/folders/{folder_id}/restore", { params: { path: { folder_id: id } } }));
      case "document":
        return read(api.POST("/api/v1/documents/{document_id}/restore", { params: { path: { document_id: id } } }));
    }
  },
  endShare: (share_id: string) => read(api.DELETE("/api/v1/shares/{share_id}", { params: { path: { share_id } } })),
  answer: ({ id, accept }: { id: string; accept: boolean }) =>
    read(
      accept
        ? api.POST("/api/v1/shares/{share_id}/accept", { params: { path: { share_id: id } } })
        : api.POST("/api/v1/shares/{share_id}/decline", { params: { path: { share_id: id } } }),
    ),
};

export type Dashboard = Schemas["ProjectDashboard"];

export const dashboardQuery = (project_id: string, period: Period) =>
  queryOptions({
    queryKey: ["projects", "dashboard", project_id, period],
    queryFn: ({ signal }) =>
      read(
        api.GET("/api/v1/projects/{project_id}/dashboard", {
          params: { path: { project_id }, query: { ...period } },
          signal,
        }),
      ),
  });

/** How much of a part a project holds, such as documents; null while that is not known, or where nobody keeps it. */
export function countOf(dashboard: Dashboard | undefined, part: string): number | null {
  const found = dashboard?.parts.find(({ name }) => name === part);
  return found ? Object.values(found.by_state).reduce((sum, count) => sum + count, 0) : null;
}
