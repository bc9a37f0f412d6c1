import {
  Gauge,
  KeyRound,
  LayoutDashboard,
  ListChecks,
  Mail,
  ScrollText,
  ShieldAlert,
  Stethoscope,
  UsersRound,
} from "lucide-react";
import type { Bilingual } from "@/shared/keys/registry";
import type { Me } from "@/shared/session/queries";
import type { IconType } from "@/shared/ui/icons";

export const sectionIds = [
  "overview",
  "users",
  "sign-in",
  "installation",
  "jobs",
  "mail",
  "audit",
  "self-test",
  "full-access",
] as const;
export type SectionId = (typeof sectionIds)[number];

export interface AdminSetting {
  /** Also its anchor: /admin/sign-in#registration */
  readonly id: string;
  readonly title: Bilingual;
  /** Other words people look for it by. */
  readonly words: Bilingual;
}

export interface AdminSection {
  readonly id: SectionId;
  readonly title: Bilingual;
  readonly icon: IconType;
  readonly group: "people" | "system";
  /** Managers look after people; the rest is for administrators. */
  readonly forManagers?: boolean;
  readonly settings: readonly AdminSetting[];
}

/** Every section there is, for the list at the left, its search and the palette. */
const sections: readonly AdminSection[] = [
  {
    id: "overview",
    title: { en: "Overview", de: "Übersicht" },
    icon: LayoutDashboard,
    group: "people",
    settings: [
      {
        id: "sign-ins",
        title: { en: "Sign-ins per day", de: "Anmeldungen pro Tag" },
        words: { en: "chart statistics usage", de: "Diagramm Statistik Nutzung" },
      },
    ],
  },
  {
    id: "users",
    title: { en: "Users", de: "Personen" },
    icon: UsersRound,
    group: "people",
    forManagers: true,
    settings: [],
  },
  {
    id: "sign-in",
    title: { en: "Sign-in", de: "Anmeldung" },
    icon: KeyRound,
    group: "people",
    settings: [
      {
        id: "registration",
        title: { en: "Who can register", de: "Wer sich registrieren kann" },
        words: { en: "registration closed open approval", de: "Registrierung geschlossen offen Freigabe" },
      },
      {
        id: "domains",
        title: { en: "Allowed domains", de: "Erlaubte Domains" },
        words: { en: "e-mail address company", de: "E-Mail Adresse Firma" },
      },
      {
        id: "session-days",
        title: { en: "Days until one has to sign in again", de: "Tage bis zur nächsten Anmeldung" },
        words: { en: "session length expiry sign out", de: "Sitzung Dauer Ablauf abmelden" },
      },
    ],
  },
  {
    id: "installation",
    title: { en: "Installation", de: "Installation" },
    icon: Gauge,
    group: "system",
    settings: [
      {
        id: "name",
        title: { en: "Name of the installation", de: "Name der Installation" },
        words: { en: "title brand", de: "Titel Marke" },
      },
      {
        id: "default-language",
        title: { en: "Language for new people", de: "Sprache für neue Personen" },
        words: { en: "default German English", de: "Vorgabe Deutsch Englisch" },
      },
      {
        id: "quota",
        title: { en: "Room per person", de: "Speicherplatz pro Person" },
        words: { en: "quota limit storage gigabytes", de: "Kontingent Grenze Speicher Gigabyte" },
      },
    ],
  },
  {
    id: "jobs",
    title: { en: "Jobs and queue", de: "Aufgaben" },
    icon: ListChecks,
    group: "system",
    settings: [
      {
        id: "periodic",
        title: { en: "Periodic jobs", de: "Regelmäßige Aufgaben" },
        words: { en: "schedule cron sweep", de: "Zeitplan Cron Aufräumen" },
      },
    ],
  },
  {
    id: "mail",
    title: { en: "Mail", de: "Mail" },
    icon: Mail,
    group: "system",
    settings: [
      {
        id: "test-mail",
        title: { en: "Send a test mail", de: "Testmail senden" },
        words: { en: "SMTP server check", de: "SMTP Server prüfen" },
      },
    ],
  },
  {
    id: "audit",
    title: { en: "Audit log", de: "Protokoll" },
    icon: ScrollText,
    group: "system",
    settings: [
      {
        id: "export",
        title: { en: "Export the audit log", de: "Protokoll exportieren" },
        words: { en: "CSV download", de: "CSV herunterladen" },
      },
    ],
  },
  {
    id: "self-test",
    title: { en: "Self-test", de: "Selbsttest" },
    icon: Stethoscope,
    group: "system",
    settings: [
      {
        id: "checks",
        title: { en: "Checks of the system", de: "Prüfungen des Systems" },
        words: { en: "doctor health disk database version", de: "Zustand Festplatte Datenbank Version" },
      },
    ],
  },
  {
    id: "full-access",
    title: { en: "Full access", de: "Vollzugriff" },
    icon: ShieldAlert,
    group: "system",
    settings: [
      {
        id: "break-glass",
        title: { en: "See other people’s content", de: "Inhalte anderer sehen" },
        words: { en: "break glass emergency privacy", de: "Notfall Datenschutz" },
      },
      {
        id: "owners-see",
        title: { en: "People see who looked", de: "Betroffene sehen den Zugriff" },
        words: { en: "transparency record", de: "Transparenz Protokoll" },
      },
    ],
  },
];

export function sectionsFor(me: Me): readonly AdminSection[] {
  if (me.role === "admin") return sections;
  return me.role === "manager" ? sections.filter((section) => section.forManagers) : [];
}

export function sectionById(id: string): AdminSection | undefined {
  return sections.find((section) => section.id === id);
}

export function settingTitle(id: string): Bilingual {
  const setting = sections.flatMap((section) => section.settings).find((candidate) => candidate.id === id);
  if (!setting) throw new Error(`There is no setting "${id}" in the catalogue.`);
  return setting.title;
}

const plain = (text: string) => text.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();

/** The settings whose title, section or other words hold every word of the query, in either language. */
export function findSettings(query: string, me: Me): readonly { section: AdminSection; setting: AdminSetting }[] {
  const needles = plain(query).split(/\s+/).filter(Boolean);
  if (needles.length === 0) return [];
  return sectionsFor(me).flatMap((section) =>
    section.settings
      .filter((setting) => {
        const text = plain(
          [section.title, setting.title, setting.words].flatMap((words) => [words.de, words.en]).join(" "),
        );
        return needles.every((needle) => text.includes(needle));
      })
      .map((setting) => ({ section, setting })),
  );
}
