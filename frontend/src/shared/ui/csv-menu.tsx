import { Download } from "lucide-react";
import { useLocale } from "../i18n/locale";
import { defineTexts, useTexts } from "../i18n/texts";
import { Button } from "./button";
import { Menu } from "./menu";

const csvTexts = defineTexts("csv", {
  en: {
    csv: "CSV",
    how: "Table for",
    de: "Spreadsheets in German: semicolons, decimal comma",
    en: "Spreadsheets in English: commas, decimal point",
    programs: "Programs: technical names, UTC",
  },
  de: {
    csv: "CSV",
    how: "Tabelle für",
    de: "Excel und LibreOffice auf Deutsch: Semikolon, Dezimalkomma",
    en: "Excel und LibreOffice auf Englisch: Komma, Dezimalpunkt",
    programs: "Programme: technische Namen, UTC",
  },
});

/** A spreadsheet takes a table apart by the rules of its language, and everything else for text: so one chooses. */
export function CsvMenu({ address }: { address: (language: "de" | "en" | undefined) => string }) {
  const t = useTexts(csvTexts);
  const { language } = useLocale();
  const languages = language === "de" ? (["de", "en"] as const) : (["en", "de"] as const);
  const entry = (label: string, written: "de" | "en" | undefined) => ({
    label,
    onSelect: () => download(address(written)),
  });
  return (
    <Menu
      align="end"
      trigger={<Button icon={Download}>{t("csv")}</Button>}
      entries={[
        { kind: "caption", label: t("how") },
        ...languages.map((written) => entry(t(written), written)),
        { kind: "separator" },
        entry(t("programs"), undefined),
      ]}
    />
  );
}

function download(address: string): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = "";
  link.click();
}
