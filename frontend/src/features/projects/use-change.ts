import { useQueryClient } from "@tanstack/react-query";
import { api, ifMatch, read } from "@/shared/api/client";
import { isProblem } from "@/shared/api/problem";
import { type Project, type ProjectChange, projectQuery, useDeed } from "@/shared/projects/api";

/**
 * Saves a part of a project, based on the version one sees. When somebody was faster, the new version is fetched: what
 * was typed stays, and saving once more puts it in place of theirs.
 */
export function useChange(project: Project) {
  const client = useQueryClient();
  const save = useDeed(
    async (change: ProjectChange) => {
      const saved = await read(
        api.PATCH("/api/v1/projects/{project_id}", {
          params: { path: { project_id: project.id }, header: ifMatch(project.version) },
          body: change,
        }),
      );
      client.setQueryData(projectQuery(project.id).queryKey, saved);
      return saved;
    },
    { shown: true },
  );
  return { save, isStale: isProblem(save.error, "http.stale") };
}
