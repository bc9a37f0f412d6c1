import { Files, FileText, Search } from "lucide-react";
import { viewerActions } from "@/shared/documents/actions";
import { defineFeature } from "@/shared/frame/feature";
import { inProject } from "@/shared/projects/place";

const title = { en: "Documents", de: "Dokumente" };

const palette = () => import("./palette");

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
  actions: viewerActions,
  palette: [
    {
      id: "documents.words",
      isContent: true,
      title: { en: "Verbatim", de: "Im Wortlaut" },
      search: async (query, context) => (await palette()).byWords(query, context),
    },
    {
      id: "documents.meaning",
      isContent: true,
      title: { en: "By meaning", de: "Dem Sinn nach" },
      search: async (query, context) => (await palette()).byMeaning(query, context),
    },
    {
      id: "documents.named",
      isContent: true,
      title,
      prefix: "@",
      search: async (query, context) => (await palette()).named(query, context),
    },
  ],
});
