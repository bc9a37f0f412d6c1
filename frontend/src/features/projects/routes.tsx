import { Layers, Trash2 } from "lucide-react";
import { defineFeature } from "@/shared/frame/feature";
import { inProject } from "@/shared/projects/place";

const title = { en: "Projects", de: "Projekte" };
const part = { ...inProject, title: { en: "Project", de: "Projekt" }, icon: Layers };

export const projects = defineFeature({
  id: "projects",
  routes: [
    { path: "/p", area: "projects", title, icon: Layers, load: () => import("./ListScreen") },
    { ...part, path: "/p/$id", load: () => import("./DashboardScreen") },
    { ...part, path: "/p/$id/instructions", load: () => import("./InstructionsScreen") },
    { ...part, path: "/p/$id/members", load: () => import("./MembersScreen") },
    { ...part, path: "/p/$id/settings", load: () => import("./SettingsScreen") },
    {
      path: "/trash",
      area: "projects",
      tab: () => "trash",
      title: { en: "Trash", de: "Papierkorb" },
      icon: Trash2,
      load: () => import("./TrashScreen"),
    },
  ],
  areas: [
    {
      id: "projects",
      title,
      icon: Layers,
      path: "/p",
      place: "top",
      goKey: "P",
      sidebar: () => import("./ProjectsSidebar"),
    },
  ],
  palette: [
    {
      id: "projects",
      title,
      prefix: "#",
      search: async (query, context) => (await import("./palette")).named(query, context),
    },
    {
      id: "projects.commands",
      title: { en: "Commands for projects", de: "Befehle für Projekte" },
      search: async (query, { language }) => (await import("./palette")).commands(query, language),
    },
  ],
});
