import { defineTexts } from "../i18n/texts";

export const frameTexts = defineTexts("frame", {
  en: {
    inspectorOf: "Inspector: {title}",
    search: "Search {area}",
    sidebar: "Sidebar",
    searchSettings: "Search settings",
    foundSettings:
      "{count, plural, =0 {Nothing here is called “{query}”.} one {# setting found} other {# settings found}}",
  },
  de: {
    inspectorOf: "Nebenspalte: {title}",
    search: "{area} durchsuchen",
    sidebar: "Seitenleiste",
    searchSettings: "Einstellungen durchsuchen",
    foundSettings:
      "{count, plural, =0 {Hier heißt nichts „{query}“.} one {# Einstellung gefunden} other {# Einstellungen gefunden}}",
  },
});
