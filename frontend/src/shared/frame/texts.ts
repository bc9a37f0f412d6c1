import { defineTexts } from "../i18n/texts";

export const frameTexts = defineTexts("frame", {
  en: {
    inspectorOf: "Inspector: {title}",
    search: "Search {area}",
    sidebar: "Sidebar",
  },
  de: {
    inspectorOf: "Nebenspalte: {title}",
    search: "{area} durchsuchen",
    sidebar: "Seitenleiste",
  },
});
