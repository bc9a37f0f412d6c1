import { useState } from "react";
import { Link } from "@/shared/frame/link";
import { SidebarHead, SidebarNav, SidebarRow, SidebarSearch } from "@/shared/frame/sidebar";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { useMe } from "@/shared/session/queries";
import { Icon } from "@/shared/ui/icons";
import { findSettings, sections } from "./catalogue";
import { settingsTexts } from "./texts";

export default function SettingsSidebar() {
  const t = useTexts(settingsTexts);
  const { language } = useLocale();
  const me = useMe();
  const [query, setQuery] = useState("");
  const found = findSettings(query, me);
  return (
    <>
      <SidebarHead title={t("settings")} />
      <SidebarSearch label={t("searchSettings")} value={query} onChange={setQuery} />
      <SidebarNav label={t("settings")}>
        {query.trim() ? (
          <>
            {found.map(({ section, setting }) => (
              <Link
                key={setting.id}
                to={`/settings/${section.id}`}
                hash={setting.id}
                className="flex min-h-11 items-center gap-2 rounded-sm px-2 py-1 hover:bg-hover focus-visible:-outline-offset-2"
              >
                <Icon icon={section.icon} size={15} className="text-faint" />
                <span className="min-w-0 grow">
                  <span className="block truncate">{setting.title[language]}</span>
                  <span className="block truncate text-2xs text-faint">{section.title[language]}</span>
                </span>
              </Link>
            ))}
            <p role="status" className={found.length === 0 ? "px-2 py-1.5 text-muted-foreground" : "sr-only"}>
              {t("foundSettings", { count: found.length, query })}
            </p>
          </>
        ) : (
          sections.map((section) => (
            <SidebarRow key={section.id} to={`/settings/${section.id}`} icon={section.icon}>
              {section.title[language]}
            </SidebarRow>
          ))
        )}
      </SidebarNav>
    </>
  );
}
