import type { Say } from "@/shared/i18n/texts";
import type { authTexts } from "./texts";

type AuthSay = Say<(typeof authTexts)["en"]>;

export const LEAST_PASSWORD_CHARACTERS = 10;

/** Good enough to catch a slip; whether an address exists only a mail can tell. */
const looksLikeEmail = (text: string) => /^[^\s@]+@[^\s@]+$/.test(text.trim());

export function emailMessage(email: string, t: AuthSay): string | undefined {
  if (!email.trim()) return t("emailMissing");
  return looksLikeEmail(email) ? undefined : t("emailWrong");
}

/** The part of the server's rule that can be known here. */
export function passwordMessage(password: string, email: string | null, t: AuthSay): string | undefined {
  if ([...password].length < LEAST_PASSWORD_CHARACTERS) return t("passwordShort", { least: LEAST_PASSWORD_CHARACTERS });
  if (email && password.toLowerCase() === email.trim().toLowerCase()) return t("passwordIsEmail");
  return undefined;
}
