import type { ActionDefinition } from "../keys/registry";

/** What a viewer of documents does from the keyboard while it has the focus. */
export const viewerActions: readonly ActionDefinition[] = [
  { id: "evidence.next", title: { en: "Next passage", de: "Nächste Stelle" }, keys: "N", where: "transcript" },
  {
    id: "evidence.previous",
    title: { en: "Previous passage", de: "Vorige Stelle" },
    keys: "Shift+N",
    where: "transcript",
  },
  {
    id: "viewer.find",
    title: { en: "Search in this document", de: "Im Dokument suchen" },
    keys: "Mod+F",
    where: "transcript",
  },
  { id: "viewer.zoomIn", title: { en: "Zoom in", de: "Vergrößern" }, keys: "+", where: "transcript" },
  { id: "viewer.zoomOut", title: { en: "Zoom out", de: "Verkleinern" }, keys: "-", where: "transcript" },
  { id: "viewer.fit", title: { en: "Fit to width", de: "An Breite anpassen" }, keys: "0", where: "transcript" },
];
