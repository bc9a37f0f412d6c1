import { defineTexts } from "@/shared/i18n/texts";

export const authTexts = defineTexts("auth", {
  en: { signIn: "Sign in" },
  de: { signIn: "Anmelden" },
});
