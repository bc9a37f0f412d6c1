import { defineTexts } from "@/shared/i18n/texts";

export const explainTexts = defineTexts("explain", {
  en: {
    title: "How this was found",
    lead: "What each stage understood, looked for and found.",
    leadLocal: "What each stage understood, looked for and found. Nothing of it left the server.",
    understood: "Understood",
    conditions: "{required} must be there, {excluded} must not",
    lookedFor: "Looked for, the rarest weigh most",
    worth: "Weight of {lexeme}",
    inPassages: "{count, plural, one {# passage} other {# passages}}",
    sides: "Both sides and their weight",
    words: "By words",
    meaning: "By meaning",
    found: "{count} found",
    foundNear: "{count} found, nearest {nearest}",
    known: "{share} of what was asked occurs in these documents, by rarity.",
    time: "Time",
    where:
      "Searched: {passages, plural, one {# passage} other {# passages}} in {projects, plural, one {# project} other {# projects}}.",
  },
  de: {
    title: "Wie das gefunden wurde",
    lead: "Was jede Stufe verstand, suchte und fand.",
    leadLocal: "Was jede Stufe verstand, suchte und fand. Nichts davon hat den Server verlassen.",
    understood: "Verstanden",
    conditions: "{required} müssen vorkommen, {excluded} dürfen nicht",
    lookedFor: "Gesucht, Seltenes wiegt am meisten",
    worth: "Gewicht von {lexeme}",
    inPassages: "{count, plural, one {# Stelle} other {# Stellen}}",
    sides: "Beide Seiten und ihr Gewicht",
    words: "Im Wortlaut",
    meaning: "Dem Sinn nach",
    found: "{count} gefunden",
    foundNear: "{count} gefunden, nächste {nearest}",
    known: "{share} des Gefragten kommen in diesen Dokumenten vor, nach Seltenheit.",
    time: "Dauer",
    where:
      "Durchsucht: {passages, plural, one {# Stelle} other {# Stellen}} in {projects, plural, one {# Projekt} other {# Projekten}}.",
  },
});
