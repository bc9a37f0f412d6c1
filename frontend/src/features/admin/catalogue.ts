import {
  Boxes,
  ChartColumn,
  Gauge,
  KeyRound,
  LayoutDashboard,
  ListChecks,
  Mail,
  Plug,
  ScrollText,
  ShieldAlert,
  Signpost,
  Stethoscope,
  Tags,
  UsersRound,
  Wallet,
} from "lucide-react";
import { makeCatalogue } from "@/shared/frame/catalogue";
import type { Me } from "@/shared/session/queries";
import { managesPeople, title } from "./area";

export type SectionId =
  | "overview"
  | "users"
  | "sign-in"
  | "providers"
  | "models"
  | "choice"
  | "usage"
  | "prices"
  | "billing"
  | "installation"
  | "jobs"
  | "mail"
  | "audit"
  | "self-test"
  | "full-access";

const models = { en: "Models", de: "Modelle" };
const money = { en: "Money", de: "Geld" };
const system = { en: "System", de: "System" };

const administrates = (me: Me) => me.role === "admin";

export const catalogue = makeCatalogue<SectionId>("/admin", title, [
  {
    id: "overview",
    title: { en: "Overview", de: "Übersicht" },
    icon: LayoutDashboard,
    visible: administrates,
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
    visible: managesPeople,
    settings: [],
  },
  {
    id: "sign-in",
    title: { en: "Sign-in", de: "Anmeldung" },
    icon: KeyRound,
    visible: administrates,
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
    id: "providers",
    title: { en: "Providers", de: "Anbieter" },
    icon: Plug,
    caption: models,
    visible: administrates,
    settings: [],
  },
  {
    id: "models",
    title: { en: "Models", de: "Modelle" },
    icon: Boxes,
    caption: models,
    visible: administrates,
    settings: [],
  },
  {
    id: "choice",
    title: { en: "Choice of models", de: "Modellwahl" },
    icon: Signpost,
    caption: models,
    visible: administrates,
    settings: [
      {
        id: "default-model",
        title: { en: "Model for whoever has not chosen", de: "Modell für alle, die nicht gewählt haben" },
        words: { en: "default rule cheapest local", de: "Vorgabe Standard Regel günstigstes lokal" },
      },
      {
        id: "embedding-model",
        title: { en: "Model for vectors", de: "Modell für Vektoren" },
        words: { en: "embedding default", de: "Embedding Vorgabe" },
      },
      {
        id: "aliases",
        title: { en: "Names of your own for models", de: "Eigene Namen für Modelle" },
        words: { en: "alias fallback", de: "Alias Ersatz" },
      },
      {
        id: "rules",
        title: { en: "Rules of your own", de: "Eigene Regeln" },
        words: { en: "routing cheapest local healthy", de: "Routing günstigstes lokal" },
      },
      {
        id: "own-keys",
        title: { en: "Keys of people’s own", de: "Eigene Schlüssel der Personen" },
        words: { en: "API key allow", de: "API-Schlüssel erlauben" },
      },
      {
        id: "cut-streams",
        title: { en: "Stopped and missing answers", de: "Gestoppte und ausgebliebene Antworten" },
        words: { en: "stop stream drain cancel unanswered charge", de: "Stopp Strom Abbruch unbeantwortet berechnen" },
      },
    ],
  },
  {
    id: "usage",
    title: { en: "Usage of the house", de: "Verbrauch des Hauses" },
    icon: ChartColumn,
    caption: money,
    visible: administrates,
    settings: [
      {
        id: "top-models",
        title: { en: "Models with the highest cost", de: "Modelle mit den höchsten Kosten" },
        words: { en: "statistics top spending errors", de: "Statistik Kosten Fehler meiste" },
      },
    ],
  },
  {
    id: "prices",
    title: { en: "Prices", de: "Preise" },
    icon: Tags,
    caption: money,
    visible: administrates,
    settings: [
      {
        id: "price-review",
        title: { en: "Prices to be looked at", de: "Anzusehende Preise" },
        words: { en: "review queue held odd", de: "Prüfung angehalten merkwürdig" },
      },
    ],
  },
  {
    id: "billing",
    title: { en: "Billing", de: "Abrechnung" },
    icon: Wallet,
    caption: money,
    visible: administrates,
    settings: [
      {
        id: "billing-on",
        title: { en: "Charge for usage", de: "Verbrauch berechnen" },
        words: { en: "prepaid balance credit", de: "Guthaben im Voraus bezahlt" },
      },
      {
        id: "grants",
        title: { en: "Credit given", de: "Gutschriften" },
        words: { en: "grant credit balance expiry withdraw", de: "Guthaben gutschreiben Verfall zurücknehmen" },
      },
      {
        id: "billing-currency",
        title: { en: "Currency of the house", de: "Währung des Hauses" },
        words: { en: "money euro", de: "Geld Euro" },
      },
      {
        id: "markup",
        title: { en: "Surcharge", de: "Aufschlag" },
        words: { en: "markup margin percent", de: "Marge Prozent" },
      },
      {
        id: "markups",
        title: { en: "Surcharges of their own", de: "Eigene Aufschläge" },
        words: { en: "markup provider model role", de: "Anbieter Modell Rolle" },
      },
      {
        id: "spread",
        title: { en: "Margin of the exchange rate", de: "Spanne des Wechselkurses" },
        words: { en: "spread dollar rate", de: "Dollar Kurs" },
      },
      {
        id: "exchange-rates",
        title: { en: "Exchange rate", de: "Wechselkurs" },
        words: { en: "dollar ECB fetch enter by hand", de: "Dollar EZB holen von Hand eintragen" },
      },
      {
        id: "price-sources",
        title: { en: "Where prices and rates come from", de: "Woher Preise und Kurse kommen" },
        words: { en: "feed ECB genai-prices", de: "Liste EZB genai-prices" },
      },
      {
        id: "books",
        title: { en: "Proof of the books", de: "Prüfung der Bücher" },
        words: { en: "nightly audit ledger sound findings", de: "nächtlich Buchhaltung stimmt Funde" },
      },
    ],
  },
  {
    id: "installation",
    title: { en: "Installation", de: "Installation" },
    icon: Gauge,
    caption: system,
    visible: administrates,
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
    caption: system,
    visible: administrates,
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
    caption: system,
    visible: administrates,
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
    caption: system,
    visible: administrates,
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
    caption: system,
    visible: administrates,
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
    caption: system,
    visible: administrates,
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
]);
