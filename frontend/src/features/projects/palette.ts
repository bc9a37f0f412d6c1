import { Archive, FolderPlus, Plus, Trash2 } from "lucide-react";
import { api, read } from "@/shared/api/client";
import type { PaletteEntry } from "@/shared/frame/feature";
import { formatDate } from "@/shared/i18n/format";
import { sayIn } from "@/shared/i18n/texts";
import { kindIcons } from "@/shared/projects/kinds";
import { thingTexts } from "@/shared/projects/texts";
import { projectsTexts } from "./texts";

const MOST = 8;

interface Context {
  readonly language: "de" | "en";
  readonly signal: AbortSignal;
}

/** Projects by parts of their name, the one changed last first. */
export async function named(query: string, { language, signal }: Context): Promise<PaletteEntry[]> {
  const t = sayIn(thingTexts, language);
  const p = sayIn(projectsTexts, language);
  const search = query.trim().slice(0, 200) || undefined;
  const params = { query: { search, sort: "-updated_at", limit: MOST, archived: "any" } } as const;
  const { items } = await read(api.GET("/api/v1/projects", { params, signal }));
  return items.map((project) => ({
    id: project.id,
    title: project.name,
    hint: t(`kind.${project.kind}`),
    aside: project.owner?.name ?? undefined,
    icon: kindIcons[project.kind],
    path: `/p/${project.id}`,
    preview: {
      title: project.name,
      text: project.description || t(`about.${project.kind}`),
      facts: [
        [p("kind"), t(`kind.${project.kind}`)],
        [p("changed"), formatDate(project.updated_at)],
        ...(project.tags.length > 0 ? [[p("tags"), project.tags.join(", ")] as const] : []),
      ],
    },
  }));
}

/** What one does with projects, wherever one is. */
export function commands(query: string, language: Context["language"]): PaletteEntry[] {
  const t = sayIn(thingTexts, language);
  const p = sayIn(projectsTexts, language);
  const known: PaletteEntry[] = [
    { id: "new", title: t("newProject"), words: p("wordsNew"), icon: Plus, path: "/p?new=project" },
    { id: "new-folder", title: t("newFolder"), words: p("wordsNew"), icon: FolderPlus, path: "/p?new=folder" },
    { id: "archive", title: p("archivedProjects"), icon: Archive, path: "/p?archived=yes" },
    { id: "trash", title: p("trash"), words: p("wordsTrash"), icon: Trash2, path: "/trash" },
  ];
  const needles = query.trim().toLowerCase().split(/\s+/);
  const fits = ({ title, words = "" }: PaletteEntry) =>
    needles.every((needle) => `${title} ${words}`.toLowerCase().includes(needle));
  return query.trim().length < 2 ? [] : known.filter(fits);
}
