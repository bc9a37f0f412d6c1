import type { Language } from "./locale";

/** The currencies one can choose: ISO 4217 without funds, metals and what is out of use; the server has the same list. */
const CURRENCIES = `
  AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP
  CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR
  IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU
  MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG
  SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV
  WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG`
  .trim()
  .split(/\s+/);

export interface RegionOption {
  value: string;
  label: string;
  hint?: string;
}

const known = new Map<string, readonly RegionOption[]>();

function remembered(key: string, make: () => readonly RegionOption[]): readonly RegionOption[] {
  const found = known.get(key);
  if (found) return found;
  const made = make();
  known.set(key, made);
  return made;
}

/** All time zones this browser knows, by region and city, with their present distance from UTC. */
export function timeZoneOptions(chosen: string): readonly RegionOption[] {
  return remembered(`zones ${chosen}`, () => {
    const zones = new Set([...Intl.supportedValuesOf("timeZone"), "UTC", chosen]);
    return [...zones].sort().map((zone) => ({ value: zone, label: zone.replaceAll("_", " "), hint: distance(zone) }));
  });
}

function distance(zone: string): string | undefined {
  try {
    const parts = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "shortOffset" }).formatToParts();
    return parts
      .find((part) => part.type === "timeZoneName")
      ?.value.replace("GMT", "UTC")
      .replace("-", "−");
  } catch {
    return undefined;
  }
}

export function currencyOptions(language: Language): readonly RegionOption[] {
  return remembered(`currencies ${language}`, () => {
    const names = new Intl.DisplayNames(language, { type: "currency" });
    const nearFirst = ["EUR", "CHF", "GBP", "USD"];
    const rest = CURRENCIES.filter((code) => !nearFirst.includes(code))
      .map((code) => option(code, names))
      .sort((a, b) => a.label.localeCompare(b.label, language));
    return [...nearFirst.map((code) => option(code, names)), ...rest];
  });
}

const option = (code: string, names: Intl.DisplayNames) => ({ value: code, label: `${names.of(code)} (${code})` });

// biome-ignore format: a table is read by columns
const byCountry: Readonly<Record<string, string>> = {
  AU: "AUD", BR: "BRL", CA: "CAD", CH: "CHF", CN: "CNY", CZ: "CZK", DK: "DKK", GB: "GBP", HU: "HUF", IN: "INR", IS: "ISK",
  JP: "JPY", LI: "CHF", MX: "MXN", NO: "NOK", NZ: "NZD", PL: "PLN", RO: "RON", SE: "SEK", TR: "TRY", UA: "UAH", US: "USD",
  ZA: "ZAR",
};

/** The currency of the country this device is set to; a guess that the person sees and can change. */
export function deviceCurrency(languages: readonly string[] = navigator.languages): string {
  for (const tag of languages) {
    const country = new Intl.Locale(tag).region;
    if (country) return byCountry[country] ?? "EUR";
  }
  return "EUR";
}

export function deviceTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}
