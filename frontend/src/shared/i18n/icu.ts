/**
 * The part of ICU messages that our texts use: arguments, numbers, plurals and choices, nested at will.
 * A full implementation is ten times as large and would be loaded before the first screen; it judges this one in the
 * tests.
 */

type Value = string | number | Date;
type Values = Readonly<Record<string, Value>>;

type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "argument"; readonly name: string }
  | { readonly kind: "number"; readonly name: string }
  | { readonly kind: "hash" }
  | {
      readonly kind: "plural" | "select";
      readonly name: string;
      readonly cases: ReadonlyMap<string, readonly Part[]>;
    };

export class BadMessage extends Error {
  override readonly name = "BadMessage";
}

class Parser {
  #at = 0;
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  message(): Part[] {
    const parts = this.#parts(false);
    if (this.#at < this.#source.length) throw this.#bad("has a brace that closes nothing");
    return parts;
  }

  #parts(inPlural: boolean): Part[] {
    const parts: Part[] = [];
    let text = "";
    const flush = () => {
      if (text) parts.push({ kind: "text", text });
      text = "";
    };
    while (this.#at < this.#source.length) {
      const character = this.#source[this.#at] as string;
      if (character === "}") break;
      if (character === "'") {
        text += this.#quoted(inPlural);
      } else if (character === "{") {
        flush();
        this.#at += 1;
        parts.push(this.#argument());
      } else if (character === "#" && inPlural) {
        flush();
        this.#at += 1;
        parts.push({ kind: "hash" });
      } else {
        text += character;
        this.#at += 1;
      }
    }
    flush();
    return parts;
  }

  /** Two apostrophes are one; one before a special character quotes up to the next; any other is itself. */
  #quoted(inPlural: boolean): string {
    const next = this.#source[this.#at + 1];
    if (next === "'") {
      this.#at += 2;
      return "'";
    }
    if (next === undefined || !(next === "{" || next === "}" || (next === "#" && inPlural))) {
      this.#at += 1;
      return "'";
    }
    let text = "";
    this.#at += 1;
    while (this.#at < this.#source.length) {
      const character = this.#source[this.#at] as string;
      this.#at += 1;
      if (character !== "'") text += character;
      else if (this.#source[this.#at] === "'") {
        text += "'";
        this.#at += 1;
      } else break;
    }
    return text;
  }

  #argument(): Part {
    const name = this.#word();
    if (!name) throw this.#bad("has an argument without a name");
    if (this.#took("}")) return { kind: "argument", name };
    this.#need(",");
    const kind = this.#word();
    if (kind === "number") {
      this.#need("}");
      return { kind: "number", name };
    }
    if (kind !== "plural" && kind !== "select") throw this.#bad(`asks for "${kind}", which is not spoken here`);
    this.#need(",");
    const cases = new Map<string, readonly Part[]>();
    while (!this.#took("}")) {
      const key = this.#word();
      if (!key) throw this.#bad("has a case without a name");
      this.#need("{");
      cases.set(key, this.#parts(kind === "plural"));
      this.#need("}");
    }
    if (!cases.has("other")) throw this.#bad('has no case "other"');
    return { kind, name, cases };
  }

  #space(): void {
    while (/\s/.test(this.#source[this.#at] ?? "")) this.#at += 1;
  }

  #word(): string {
    this.#space();
    const match = /^[^\s{},]+/.exec(this.#source.slice(this.#at));
    this.#at += match?.[0].length ?? 0;
    return match?.[0] ?? "";
  }

  #took(character: string): boolean {
    this.#space();
    if (this.#source[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #need(character: string): void {
    if (!this.#took(character)) throw this.#bad(`lacks "${character}" at ${this.#at}`);
  }

  #bad(why: string): BadMessage {
    return new BadMessage(`"${this.#source}" ${why}.`);
  }
}

const parsed = new Map<string, readonly Part[]>();
const pluralRules = new Map<string, Intl.PluralRules>();
const numbers = new Map<string, Intl.NumberFormat>();

function once<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}

const inWords = (language: string, value: number) =>
  once(numbers, language, () => new Intl.NumberFormat(language)).format(value);

function write(parts: readonly Part[], language: string, values: Values, hash: number | null): string {
  return parts.map((part) => writePart(part, language, values, hash)).join("");
}

function writePart(part: Part, language: string, values: Values, hash: number | null): string {
  switch (part.kind) {
    case "text":
      return part.text;
    case "hash":
      return hash === null ? "#" : inWords(language, hash);
    case "argument":
      return String(values[part.name] ?? `{${part.name}}`);
    case "number":
      return inWords(language, Number(values[part.name]));
    case "select":
      return write(chosen(part.cases, String(values[part.name])), language, values, hash);
    case "plural": {
      const count = Number(values[part.name]);
      const rule = once(pluralRules, language, () => new Intl.PluralRules(language)).select(count);
      const exact = part.cases.get(`=${count}`);
      return write(exact ?? chosen(part.cases, rule), language, values, count);
    }
  }
}

function chosen(cases: ReadonlyMap<string, readonly Part[]>, key: string): readonly Part[] {
  return cases.get(key) ?? cases.get("other") ?? [];
}

export function formatMessage(message: string, language: string, values: Values = {}): string {
  return write(
    once(parsed, message, () => new Parser(message).message()),
    language,
    values,
    null,
  );
}

/** The names of all arguments, through every branch. */
export function argumentsOf(message: string): string[] {
  const names = (parts: readonly Part[]): string[] =>
    parts.flatMap((part) => {
      switch (part.kind) {
        case "text":
        case "hash":
          return [];
        case "argument":
        case "number":
          return [part.name];
        default:
          return [part.name, ...[...part.cases.values()].flatMap(names)];
      }
    });
  return [...new Set(names(new Parser(message).message()))].toSorted();
}

/** Teaches i18next to read its texts as ICU messages. */
export const icuFormat = {
  type: "i18nFormat" as const,
  name: "icu",
  init(): void {},
  parse(message: unknown, values: Values, language: string): string {
    return typeof message === "string" ? formatMessage(message, language, values) : String(message);
  },
  addLookupKeys: (keys: string[]): string[] => keys,
};
