import { defineTexts } from "../i18n/texts";

/** What can be said of a problem by its kind alone. What single codes say is in `problem-code-texts.ts`, loaded later. */
export const problemMessages = {
  en: {
    offline: "The server is not reachable.",
    offlineAdvice: "Nothing is lost. Kontor tries again by itself.",
    unexpected: "That did not work.",
    unexpectedAdvice:
      "Please try again. If it happens again, the technical details help whoever runs this installation.",
    invalid: "Something in this form is not right.",
    invalidAdvice: "Please check the marked fields.",
    unauthenticated: "You are not signed in.",
    unauthenticatedAdvice: "Please sign in again.",
    forbidden: "You may not do this.",
    forbiddenAdvice: "Someone who runs this installation can give you the right to.",
    notFound: "This is not here.",
    notFoundAdvice: "It may have been deleted, or it was never shared with you.",
    conflict: "This cannot be done now.",
    conflictAdvice: "Something else stands in the way. Please look at the current state and try again.",
    stale: "Someone changed this in the meantime.",
    staleAdvice: "The current state is shown. Please make your change again.",
    tooLarge: "That is too large.",
    tooLargeAdvice: "Please choose something smaller.",
    limited: "That was too often in a short time.",
    limitedAdvice: "Please wait a little.",
    limitedUntil: "Please wait {wait}.",
    full: "The disk of the server is full.",
    fullAdvice: "Someone who runs this installation has to make room.",
  },
  de: {
    offline: "Der Server ist nicht erreichbar.",
    offlineAdvice: "Es geht nichts verloren. Kontor versucht es von selbst wieder.",
    unexpected: "Das hat nicht geklappt.",
    unexpectedAdvice:
      "Bitte versuchen Sie es noch einmal. Bleibt es dabei, helfen die technischen Einzelheiten denen, die Kontor hier betreiben.",
    invalid: "In diesem Formular stimmt etwas nicht.",
    invalidAdvice: "Bitte prüfen Sie die markierten Felder.",
    unauthenticated: "Sie sind nicht angemeldet.",
    unauthenticatedAdvice: "Bitte melden Sie sich wieder an.",
    forbidden: "Das dürfen Sie nicht.",
    forbiddenAdvice: "Wer Kontor hier betreibt, kann Ihnen das Recht dazu geben.",
    notFound: "Das ist nicht hier.",
    notFoundAdvice: "Vielleicht wurde es gelöscht, oder es wurde nie mit Ihnen geteilt.",
    conflict: "Das geht gerade nicht.",
    conflictAdvice:
      "Etwas anderes steht im Weg. Bitte sehen Sie sich den aktuellen Stand an und versuchen Sie es noch einmal.",
    stale: "Das wurde inzwischen an anderer Stelle geändert.",
    staleAdvice: "Sie sehen den aktuellen Stand. Bitte ändern Sie noch einmal.",
    tooLarge: "Das ist zu groß.",
    tooLargeAdvice: "Bitte wählen Sie etwas Kleineres.",
    limited: "Das war zu oft in kurzer Zeit.",
    limitedAdvice: "Bitte warten Sie ein wenig.",
    limitedUntil: "Bitte warten Sie {wait}.",
    full: "Die Festplatte des Servers ist voll.",
    fullAdvice: "Wer Kontor hier betreibt, muss Platz schaffen.",
  },
} as const;

export const problemTexts = defineTexts("problems", problemMessages);
