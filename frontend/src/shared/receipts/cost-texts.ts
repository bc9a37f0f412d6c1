import { defineTexts } from "../i18n/texts";

export const costTexts = defineTexts("costs", {
  en: {
    unknown: "unknown",
    free: "free",
    withoutPrice: "+ {count, plural, one {# answer} other {# answers}} without a price",
    ownKeyCost: "+ {amount} at providers, on own keys",
  },
  de: {
    unknown: "unbekannt",
    free: "kostenlos",
    withoutPrice: "+ {count, plural, one {# Antwort} other {# Antworten}} ohne Preis",
    ownKeyCost: "+ {amount} bei Anbietern, mit eigenem Schlüssel",
  },
});
