import { useQuery } from "@tanstack/react-query";
import { Languages, Monitor, Moon, Sun, SunMoon } from "lucide-react";
import { useState } from "react";
import { type Language, languageNames, setLocale, useLocale } from "../i18n/locale";
import { defineTexts, useTexts } from "../i18n/texts";
import { Button } from "../ui/button";
import { Menu } from "../ui/menu";
import { meQuery, type Settings, useChangeSettings } from "./queries";

const texts = defineTexts("pageSwitches", {
  en: { language: "Language", theme: "Appearance", light: "Light", dark: "Dark", system: "System" },
  de: { language: "Sprache", theme: "Darstellung", light: "Hell", dark: "Dunkel", system: "System" },
});

type Theme = Settings["theme"];

const pageTheme = (): Theme => {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "system";
};

/**
 * Language and theme at the foot of pages without the frame. Who is signed in changes their settings; for all others it
 * lasts as long as the page, because nothing is kept in the browser.
 */
export function PageSwitches() {
  const t = useTexts(texts);
  const { language } = useLocale();
  const me = useQuery({ ...meQuery, enabled: false }).data;
  const change = useChangeSettings();
  const [theme, setTheme] = useState(pageTheme);
  const shownTheme = me?.settings.theme ?? theme;
  const chooseLanguage = (next: Language) => {
    setLocale({ language: next });
    if (me) change.mutate({ language: next });
  };
  const chooseTheme = (next: Theme) => {
    document.documentElement.dataset.theme = next;
    setTheme(next);
    if (me) change.mutate({ theme: next });
  };
  return (
    <div className="-ml-2.5 flex items-center gap-1 text-muted-foreground">
      <Menu
        align="start"
        side="top"
        trigger={
          <Button
            variant="ghost"
            size="sm"
            icon={Languages}
            lang={language}
            aria-label={`${t("language")}: ${languageNames[language]}`}
          >
            {languageNames[language]}
          </Button>
        }
        entries={[
          {
            kind: "radio",
            label: t("language"),
            value: language,
            options: Object.entries(languageNames).map(([value, label]) => ({ value, label })),
            onChange: (value) => chooseLanguage(value as Language),
          },
        ]}
      />
      <Menu
        align="start"
        side="top"
        trigger={
          <Button variant="ghost" size="sm" icon={SunMoon} aria-label={`${t("theme")}: ${t(shownTheme)}`}>
            {t(shownTheme)}
          </Button>
        }
        entries={[
          {
            kind: "radio",
            label: t("theme"),
            value: shownTheme,
            options: [
              { value: "light", label: t("light"), icon: Sun },
              { value: "dark", label: t("dark"), icon: Moon },
              { value: "system", label: t("system"), icon: Monitor },
            ],
            onChange: (value) => chooseTheme(value as Theme),
          },
        ]}
      />
    </div>
  );
}
