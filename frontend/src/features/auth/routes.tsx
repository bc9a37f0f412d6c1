import { KeyRound, LogIn, MailPlus, UserRoundPlus } from "lucide-react";
import { defineFeature } from "@/shared/frame/feature";

const text = (value: unknown) => (typeof value === "string" || typeof value === "number" ? String(value) : undefined);

export const auth = defineFeature({
  id: "auth",
  routes: [
    {
      path: "/login",
      look: "plain",
      title: { en: "Sign in", de: "Anmelden" },
      icon: LogIn,
      load: () => import("./LoginScreen"),
      search: (raw) => ({
        next: text(raw.next),
        verified: raw.verified === undefined ? undefined : Number(raw.verified),
        error: text(raw.error),
      }),
    },
    {
      path: "/login/link",
      look: "plain",
      title: { en: "Sign in", de: "Anmelden" },
      icon: LogIn,
      load: () => import("./LinkScreen"),
    },
    {
      path: "/register",
      look: "plain",
      title: { en: "Create an account", de: "Konto anlegen" },
      icon: UserRoundPlus,
      load: () => import("./RegisterScreen"),
    },
    {
      path: "/forgot",
      look: "plain",
      title: { en: "Set a new password", de: "Neues Passwort setzen" },
      icon: KeyRound,
      load: () => import("./ForgotScreen"),
    },
    {
      path: "/reset/$token",
      look: "plain",
      title: { en: "Choose a new password", de: "Neues Passwort wählen" },
      icon: KeyRound,
      load: () => import("./ResetScreen"),
    },
    {
      path: "/invite/$token",
      look: "plain",
      title: { en: "Join", de: "Beitreten" },
      icon: MailPlus,
      load: () => import("./InviteScreen"),
    },
  ],
});
