import { Files, FileText, Search } from "lucide-react";
import { defineFeature } from "@/shared/frame/feature";
import { inProject } from "@/shared/projects/place";

const title = { en: "Documents", de: "Dokumente" };

export const documents = defineFeature({
  id: "documents",
  routes: [
    {
      ...inProject,
      path: "/p/$id/documents",
      title,
      icon: Files,
      load: () => import("./ProjectDocumentsScreen"),
    },
    {
      path: "/documents",
      area: "projects",
      tab: () => "documents",
      title: { en: "All documents", de: "Alle Dokumente" },
      icon: Files,
      load: () => import("./AllDocumentsScreen"),
    },
    {
      path: "/doc/$id",
      area: "projects",
      tab: ({ id }) => `doc-${id}`,
      title: { en: "Document", de: "Dokument" },
      icon: FileText,
      load: () => import("./DocumentScreen"),
    },
    {
      path: "/search",
      area: "projects",
      tab: () => "search",
      title: { en: "Search", de: "Suche" },
      icon: Search,
      load: () => import("./SearchScreen"),
    },
  ],
});
