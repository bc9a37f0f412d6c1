import { defineTexts } from "@/shared/i18n/texts";

export const checksTexts = defineTexts("admin.checks", {
  en: {
    title: "Self-test",
    lead: "What “kontor doctor” says, from inside the running program.",
    again: "Run again",
    checked: "Checked",
    ok: "In order",
    warn: "Worth a look",
    fail: "Broken",
    skip: "Not checked",
    allGood: "All checks are in order.",
    attention: "{count, plural, one {# check needs attention.} other {# checks need attention.}}",
    needAttention: "Needs attention",
  },
  de: {
    title: "Selbsttest",
    lead: "Was „kontor doctor“ sagt, aus dem laufenden Programm heraus.",
    again: "Noch einmal prüfen",
    checked: "Geprüft",
    ok: "In Ordnung",
    warn: "Einen Blick wert",
    fail: "Kaputt",
    skip: "Nicht geprüft",
    allGood: "Alle Prüfungen sind in Ordnung.",
    attention: "{count, plural, one {# Prüfung braucht Aufmerksamkeit.} other {# Prüfungen brauchen Aufmerksamkeit.}}",
    needAttention: "Braucht Aufmerksamkeit",
  },
});
