import i18next, { type i18n as I18n } from "i18next";
import { useMemo } from "react";
import { icuFormat } from "./icu";
import { currentLocale, type Language, onLocaleChange, useLocale } from "./locale";

export type Values = Record<string, string | number | Date>;
type Messages = Record<string, string>;

/** A catalogue in both languages. A key that is missing in either does not compile. */
export interface Texts<M extends Messages> {
  readonly namespace: string;
  readonly en: M;
  readonly de: Record<keyof M, string>;
}

type Arguments<Message extends string> = Message extends `${string}{${string}` ? [values: Values] : [values?: never];

/** Says one text of a catalogue. Texts with arguments must be given them. */
export type Say<M extends Messages> = <K extends keyof M & string>(key: K, ...values: Arguments<M[K]>) => string;

const instance: I18n = i18next.createInstance();
instance.use(icuFormat);
void instance.init({
  lng: currentLocale().language,
  fallbackLng: false,
  initAsync: false,
  keySeparator: false,
  nsSeparator: false,
  resources: {},
  interpolation: { escapeValue: false },
});
onLocaleChange(() => void instance.changeLanguage(currentLocale().language));

const known = new Map<string, Texts<Messages>>();

export function defineTexts<const M extends Messages>(
  namespace: string,
  texts: { en: M; de: { [K in keyof M]: string } },
): Texts<M> {
  for (const language of ["de", "en"] as const) {
    instance.addResourceBundle(language, namespace, texts[language], true, true);
  }
  const catalogue = { namespace, ...texts };
  known.set(namespace, catalogue);
  return catalogue;
}

/** Every catalogue defined so far, for the test that compares the languages. */
export function knownTexts(): ReadonlyMap<string, Texts<Messages>> {
  return known;
}

/** For places outside React; inside, `useTexts` follows a change of language. */
export function sayIn<M extends Messages>(texts: Texts<M>, language: Language = currentLocale().language): Say<M> {
  const fixed = instance.getFixedT(language, texts.namespace);
  return (key, ...values) => fixed(key, values[0] ?? {}) as string;
}

export function useTexts<M extends Messages>(texts: Texts<M>): Say<M> {
  const { language } = useLocale();
  return useMemo(() => sayIn(texts, language), [texts, language]);
}
