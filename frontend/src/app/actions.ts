import { defineActions } from "@/shared/keys/registry";

/** The frame's own actions. Features bring theirs with their routes. */
defineActions([
  {
    id: "palette",
    title: { en: "Commands and search", de: "Befehle und Suche" },
    description: {
      en: "Finds places, people and every command by its name.",
      de: "Findet Orte, Personen und jeden Befehl beim Namen.",
    },
    keys: "Mod+K",
    where: "anywhere",
    hidden: true,
  },
  {
    id: "search.area",
    title: { en: "Search in this area", de: "In diesem Bereich suchen" },
    description: {
      en: "Puts the cursor into the search field of the sidebar.",
      de: "Setzt den Cursor in das Suchfeld der Seitenleiste.",
    },
    keys: "/",
    where: "anywhere",
  },
  {
    id: "help.keys",
    title: { en: "Show keys", de: "Tasten anzeigen" },
    description: {
      en: "All keys at a glance, and what Kontor this is.",
      de: "Alle Tasten auf einen Blick, und welches Kontor dies ist.",
    },
    keys: "?",
    where: "anywhere",
  },
  {
    id: "sidebar",
    title: { en: "Show or hide sidebar", de: "Seitenleiste ein- oder ausblenden" },
    description: {
      en: "Gives its width to the sheet. Remembered for you on every device.",
      de: "Gibt ihre Breite dem Blatt. Gilt für Sie auf jedem Gerät.",
    },
    keys: "Mod+B",
    where: "anywhere",
  },
  {
    id: "inspector",
    title: { en: "Show or hide inspector", de: "Nebenspalte ein- oder ausblenden" },
    keys: "Mod+I",
    where: "anywhere",
  },
  {
    id: "undo",
    title: { en: "Undo last action", de: "Letzte Aktion rückgängig machen" },
    description: {
      en: "Takes back the newest change that can be taken back.",
      de: "Nimmt die neueste Änderung zurück, die sich zurücknehmen lässt.",
    },
    keys: "Mod+Z",
    where: "anywhere",
    outsideFields: true,
  },
  { id: "settings", title: { en: "Open settings", de: "Einstellungen öffnen" }, keys: "Mod+,", where: "anywhere" },
  {
    id: "theme",
    words: { en: "appearance dark mode", de: "Erscheinungsbild Dunkelmodus" },
    title: { en: "Switch between light and dark", de: "Zwischen hell und dunkel wechseln" },
    keys: null,
    where: "anywhere",
  },
  {
    id: "language",
    words: { en: "language German", de: "Sprache Englisch" },
    title: { en: "Auf Deutsch umschalten", de: "Switch to English" },
    keys: null,
    where: "anywhere",
  },
  { id: "signOut", title: { en: "Sign out", de: "Abmelden" }, keys: null, where: "anywhere" },
  { id: "tabs.new", title: { en: "New tab", de: "Neuer Tab" }, keys: "App+N", where: "tabs" },
  { id: "tabs.close", title: { en: "Close tab", de: "Tab schließen" }, keys: "App+W", where: "tabs" },
  {
    id: "tabs.reopen",
    title: { en: "Reopen closed tab", de: "Geschlossenen Tab wieder öffnen" },
    keys: "App+Shift+W",
    where: "tabs",
  },
  { id: "tabs.previous", title: { en: "Previous tab", de: "Voriger Tab" }, keys: "App+PageUp", where: "tabs" },
  { id: "tabs.next", title: { en: "Next tab", de: "Nächster Tab" }, keys: "App+PageDown", where: "tabs" },
  {
    id: "tabs.split",
    title: { en: "Split view", de: "Ansicht teilen" },
    description: {
      en: "Two sheets side by side, each with its own tab.",
      de: "Zwei Blätter nebeneinander, jedes mit eigenem Tab.",
    },
    keys: "App+O",
    where: "tabs",
  },
  ...Array.from({ length: 9 }, (_, index) => ({
    id: `tabs.${index + 1}`,
    title: { en: `Go to tab ${index + 1}`, de: `Zu Tab ${index + 1}` },
    keys: `App+${index + 1}`,
    where: "tabs" as const,
    hidden: true,
  })),
]);
