import { Bell, Boxes, Globe, Keyboard, KeyRound, Lock, Palette, ShieldCheck, UserRound } from "lucide-react";
import { makeCatalogue } from "@/shared/frame/catalogue";

export type SectionId =
  | "profile"
  | "appearance"
  | "language"
  | "keys"
  | "notifications"
  | "security"
  | "models"
  | "tokens"
  | "privacy";

const title = { en: "Settings", de: "Einstellungen" };

export const catalogue = makeCatalogue<SectionId>("/settings", title, [
  {
    id: "profile",
    title: { en: "Profile", de: "Profil" },
    icon: UserRound,
    settings: [
      {
        id: "name",
        title: { en: "Name", de: "Name" },
        words: { en: "initials picture avatar", de: "Initialen Bild Kürzel" },
      },
      {
        id: "email",
        title: { en: "E-mail address", de: "E-Mail-Adresse" },
        words: { en: "mail confirm verify", de: "Mail bestätigen Postfach" },
      },
    ],
  },
  {
    id: "appearance",
    title: { en: "Appearance", de: "Darstellung" },
    icon: Palette,
    settings: [
      {
        id: "theme",
        title: { en: "Light or dark", de: "Hell oder dunkel" },
        words: { en: "theme colours night mode", de: "Design Farben Nachtmodus Thema" },
      },
      {
        id: "text-size",
        title: { en: "Text size", de: "Textgröße" },
        words: { en: "font zoom larger smaller", de: "Schrift Zoom größer kleiner" },
      },
      {
        id: "motion",
        title: { en: "Reduce motion", de: "Bewegung verringern" },
        words: { en: "animation", de: "Animation" },
      },
    ],
  },
  {
    id: "language",
    title: { en: "Language and region", de: "Sprache und Region" },
    icon: Globe,
    settings: [
      {
        id: "language",
        title: { en: "Language", de: "Sprache" },
        words: { en: "German English Deutsch", de: "Deutsch Englisch English" },
      },
      {
        id: "timezone",
        title: { en: "Time zone", de: "Zeitzone" },
        words: { en: "clock UTC", de: "Uhrzeit UTC" },
      },
      {
        id: "currency",
        title: { en: "Currency", de: "Währung" },
        words: { en: "money euro price", de: "Geld Euro Preis" },
      },
      {
        id: "formats",
        title: { en: "Formats", de: "Formate" },
        words: { en: "date time number decimal", de: "Datum Zeit Zahl Komma" },
      },
      {
        id: "address",
        title: { en: "Form of address", de: "Anrede" },
        words: { en: "Sie du formal informal", de: "Sie du duzen siezen" },
      },
    ],
  },
  {
    id: "keys",
    title: { en: "Keys", de: "Tasten" },
    icon: Keyboard,
    settings: [
      {
        id: "bindings",
        title: { en: "Keyboard shortcuts", de: "Tastenkürzel" },
        words: { en: "keyboard rebind hotkey", de: "Tastatur Tastenkombination belegen" },
      },
    ],
  },
  {
    id: "notifications",
    title: { en: "Notifications", de: "Mitteilungen" },
    icon: Bell,
    settings: [
      {
        id: "notify-shares",
        title: { en: "Invitations to projects", de: "Einladungen zu Projekten" },
        words: { en: "share folder mail", de: "teilen Ordner Mail Freigabe" },
      },
      {
        id: "notify-sign-ins",
        title: { en: "Sign-ins on new devices", de: "Anmeldungen auf neuen Geräten" },
        words: { en: "login alert warning", de: "Login Warnung" },
      },
      {
        id: "notify-jobs",
        title: { en: "Failed tasks", de: "Gescheiterte Aufgaben" },
        words: { en: "job error", de: "Job Fehler" },
      },
      {
        id: "notify-approvals",
        title: { en: "People waiting for approval", de: "Menschen, die auf Freigabe warten" },
        words: { en: "registration", de: "Registrierung" },
        visible: (me) => me.role !== "user",
      },
    ],
  },
  {
    id: "security",
    title: { en: "Security", de: "Sicherheit" },
    icon: ShieldCheck,
    settings: [
      {
        id: "password",
        title: { en: "Password", de: "Passwort" },
        words: { en: "change set", de: "Kennwort ändern setzen" },
      },
      {
        id: "totp",
        title: { en: "Second step with an app", de: "Zweiter Schritt mit App" },
        words: {
          en: "two-factor 2FA TOTP authenticator code recovery codes",
          de: "Zwei-Faktor 2FA TOTP Authenticator Code Wiederherstellungscodes",
        },
      },
      {
        id: "passkeys",
        title: { en: "Passkeys", de: "Passkeys" },
        words: {
          en: "fingerprint face WebAuthn security key",
          de: "Fingerabdruck Gesicht WebAuthn Sicherheitsschlüssel",
        },
      },
      {
        id: "sessions",
        title: { en: "Devices", de: "Geräte" },
        words: { en: "sessions signed in sign out", de: "Sitzungen angemeldet abmelden" },
      },
    ],
  },
  {
    id: "models",
    title: { en: "Models", de: "Modelle" },
    icon: Boxes,
    settings: [
      {
        id: "default-model",
        title: { en: "Your default model", de: "Ihr Modell als Vorgabe" },
        words: { en: "default choose favourite", de: "Standard Voreinstellung wählen Favorit" },
      },
      {
        id: "model-keys",
        title: { en: "API keys of your own", de: "Eigene API-Schlüssel" },
        words: { en: "OpenAI Anthropic provider key", de: "OpenAI Anthropic Anbieter Schlüssel" },
      },
    ],
  },
  {
    id: "tokens",
    title: { en: "Access tokens", de: "Zugriffstoken" },
    icon: KeyRound,
    settings: [
      {
        id: "api-tokens",
        title: { en: "Access tokens for programs", de: "Zugriffstoken für Programme" },
        words: { en: "API key personal access token", de: "API Schlüssel Key" },
      },
    ],
  },
  {
    id: "privacy",
    title: { en: "Privacy", de: "Privatsphäre" },
    icon: Lock,
    settings: [
      {
        id: "who-sees",
        title: { en: "Who can see what", de: "Wer was sehen kann" },
        words: { en: "administrator data protection", de: "Administration Datenschutz" },
      },
      {
        id: "history",
        title: { en: "My history", de: "Mein Verlauf" },
        words: { en: "audit sign-ins access log", de: "Protokoll Anmeldungen Zugriffe" },
      },
    ],
  },
]);
