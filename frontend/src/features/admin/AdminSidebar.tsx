import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "@/shared/frame/link";
import {
  SidebarCaption,
  SidebarFoot,
  SidebarHead,
  SidebarNav,
  SidebarRow,
  SidebarSearch,
} from "@/shared/frame/sidebar";
import { formatDuration, formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { useInstallation, useMe } from "@/shared/session/queries";
import { Icon } from "@/shared/ui/icons";
import { type AdminSection, findSettings, sectionsFor } from "./catalogue";
import { statsQuery } from "./overview/api";
import { adminTexts } from "./texts";

export default function AdminSidebar() {
  const t = useTexts(adminTexts);
  const me = useMe();
  const [query, setQuery] = useState("");
  const sections = sectionsFor(me);
  const people = sections.filter((section) => section.group === "people");
  const system = sections.filter((section) => section.group === "system");
  return (
    <>
      <SidebarHead title={t("admin")} />
      <SidebarSearch label={t("searchSettings")} value={query} onChange={setQuery} />
      <SidebarNav label={t("admin")}>
        {query.trim() ? (
          <Found query={query} />
        ) : (
          <>
            {people.map((section) => (
              <Row key={section.id} section={section} />
            ))}
            {system.length > 0 ? <SidebarCaption>{t("system")}</SidebarCaption> : null}
            {system.map((section) => (
              <Row key={section.id} section={section} />
            ))}
          </>
        )}
      </SidebarNav>
      <Foot />
    </>
  );
}

function Row({ section }: { section: AdminSection }) {
  const { language } = useLocale();
  const me = useMe();
  const { data } = useQuery({ ...statsQuery, enabled: me.role === "admin" });
  const counts: Partial<Record<AdminSection["id"], number>> = {
    users: data?.people.total,
    jobs: data ? data.jobs.running + data.jobs.waiting || undefined : undefined,
    mail: data?.mail.failed || undefined,
  };
  const count = counts[section.id];
  const isUrgent =
    (section.id === "users" && (data?.people.waiting ?? 0) > 0) ||
    (section.id === "jobs" && (data?.jobs.dead ?? 0) > 0);
  return (
    <SidebarRow
      to={`/admin/${section.id}`}
      icon={section.icon}
      count={count === undefined ? undefined : formatNumber(count)}
      state={isUrgent ? "alert" : null}
    >
      {section.title[language]}
    </SidebarRow>
  );
}

function Found({ query }: { query: string }) {
  const t = useTexts(adminTexts);
  const me = useMe();
  const { language } = useLocale();
  const found = findSettings(query, me);
  const titled = sectionsFor(me).filter((section) =>
    section.title[language].toLowerCase().includes(query.trim().toLowerCase()),
  );
  const count = found.length + titled.length;
  return (
    <>
      {titled.map((section) => (
        <Row key={section.id} section={section} />
      ))}
      {found.map(({ section, setting }) => (
        <Link
          key={setting.id}
          to={`/admin/${section.id}`}
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
      <p role="status" className={count === 0 ? "px-2 py-1.5 text-muted-foreground" : "sr-only"}>
        {t("foundSettings", { count, query })}
      </p>
    </>
  );
}

function Foot() {
  const t = useTexts(adminTexts);
  const locale = useLocale();
  const me = useMe();
  const { data: installation } = useInstallation();
  const { data } = useQuery({ ...statsQuery, enabled: me.role === "admin" });
  if (data) {
    return (
      <SidebarFoot>
        {t("versionUp", { version: data.version, time: formatDuration(wholeMinutes(data.uptime_seconds), locale) })}
      </SidebarFoot>
    );
  }
  return installation ? <SidebarFoot>{t("version", { version: installation.version })}</SidebarFoot> : null;
}

/** Seconds of the first minute tell something; later they would only flicker. */
function wholeMinutes(seconds: number): number {
  return seconds < 60 ? seconds : Math.floor(seconds / 60) * 60;
}
