import type { Kind, Project } from "@/shared/projects/api";

export type Config = Project["config"];

/** What kind of question a setting is. The words for each stand in the texts: `set.<name>`, `set.<name>.<value>`. */
export type Setting =
  | { readonly name: string; readonly ask: "choice"; readonly values: readonly (string | null)[] }
  | { readonly name: string; readonly ask: "switch" }
  | {
      readonly name: string;
      readonly ask: "number";
      readonly least: number;
      readonly most: number;
      readonly isWhole: boolean;
      readonly mayBeEmpty: boolean;
    }
  | { readonly name: string; readonly ask: "line" | "text"; readonly most: number; readonly mayBeNull: boolean }
  | { readonly name: string; readonly ask: "list"; readonly most: number };

const choice = (name: string, ...values: (string | null)[]): Setting => ({ name, ask: "choice", values });
const number = (name: string, least: number, most: number, { isWhole = true, mayBeEmpty = false } = {}): Setting => ({
  name,
  ask: "number",
  least,
  most,
  isWhole,
  mayBeEmpty,
});
const greeting: Setting = { name: "greeting", ask: "text", most: 1000, mayBeNull: false };
const language = choice("language", "de", "en");
const topics: Setting = { name: "topics_closed", ask: "list", most: 50 };

/** As `projects/configs.py` has them: a test holds the names to the generated types. */
export const settingsOf: Record<Kind, readonly Setting[]> = {
  chat: [
    choice("scope", "none", "project", "everything"),
    number("temperature", 0, 2, { isWhole: false, mayBeEmpty: true }),
    number("max_output", 1, 1_000_000, { mayBeEmpty: true }),
  ],
  private_gpt: [
    choice("answers", "passages", "documents_only", "documents_first"),
    number("passages", 1, 50),
    greeting,
  ],
  extraction: [
    choice("unit", "document", "section", "paragraph", "items"),
    { name: "item", ask: "line", most: 200, mayBeNull: true },
    { name: "needs_evidence", ask: "switch" },
    { name: "challenge_model", ask: "line", most: 200, mayBeNull: true },
  ],
  cv_matcher: [{ name: "is_blind", ask: "switch" }, number("shortlist", 1, 500), choice("language", null, "de", "en")],
  resume: [language, greeting, topics],
  tell_me_life: [language, choice("address_form", "sie", "du"), choice("pace", "gentle", "usual", "brisk"), topics],
  roleplay: [language, choice("narrator", "off", "brief", "full"), choice("turns", "free", "in_order")],
};

export type Values = Readonly<Record<string, string>>;

/** The answers as texts, as a form holds them. */
export function valuesOf(config: Config): Values {
  const held: Record<string, unknown> = config;
  return Object.fromEntries(
    settingsOf[config.kind].map(({ name, ask }) => {
      const value = held[name];
      if (ask === "list") return [name, Array.isArray(value) ? value.join("\n") : ""];
      return [name, value === null || value === undefined ? "" : String(value)];
    }),
  );
}

export function readNumber(text: string): number | null {
  const plain = text.trim().replace(",", ".");
  return /^-?\d{1,9}(\.\d{1,6})?$/.test(plain) ? Number(plain) : null;
}

export function isRight(setting: Setting, text: string): boolean {
  if (setting.ask !== "number") return true;
  if (!text.trim()) return setting.mayBeEmpty;
  const value = readNumber(text);
  if (value === null || value < setting.least || value > setting.most) return false;
  return !setting.isWhole || Number.isInteger(value);
}

/** The configuration that the answers make; what is right was asked before. */
export function configOf(before: Config, values: Values): Config {
  const changed: Record<string, unknown> = {};
  for (const setting of settingsOf[before.kind]) {
    const text = values[setting.name] ?? "";
    switch (setting.ask) {
      case "choice":
        changed[setting.name] = text || null;
        break;
      case "switch":
        changed[setting.name] = text === "true";
        break;
      case "number":
        changed[setting.name] = readNumber(text);
        break;
      case "line":
      case "text":
        changed[setting.name] = text.trim() || (setting.mayBeNull ? null : "");
        break;
      case "list":
        changed[setting.name] = text
          .split("\n")
          .map((line) => line.trim())
          .filter(Boolean)
          .slice(0, setting.most);
        break;
    }
  }
  return { ...before, ...changed };
}
