import { defineTexts } from "../i18n/texts";

export const frameTexts = defineTexts("frame", {
  en: {
    inspectorOf: "Inspector: {title}",
    search: "Search {area}",
    sidebar: "Sidebar",
    noMatch: "Nothing here has “{query}” in its name.",
  },
  de: {
    inspectorOf: "Nebenspalte: {title}",
    search: "{area} durchsuchen",
    sidebar: "Seitenleiste",
    noMatch: "Hier heißt nichts wie „{query}“.",
  },
});
