import { useQuery } from "@tanstack/react-query";
import { CatalogueSidebar } from "@/shared/frame/CatalogueSidebar";
import { SidebarFoot } from "@/shared/frame/sidebar";
import { formatDuration } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { useInstallation, useMe } from "@/shared/session/queries";
import { catalogue } from "./catalogue";
import { statsQuery } from "./overview/api";
import { adminTexts } from "./texts";

export default function AdminSidebar() {
  const t = useTexts(adminTexts);
  const me = useMe();
  const { data } = useQuery({ ...statsQuery, enabled: me.role === "admin" });
  const marks = data && {
    users: { count: data.people.total, state: data.people.waiting > 0 ? ("alert" as const) : null },
    jobs: {
      count: data.jobs.running + data.jobs.waiting || undefined,
      state: data.jobs.dead > 0 ? ("alert" as const) : null,
    },
    mail: { count: data.mail.failed || undefined },
  };
  return <CatalogueSidebar title={t("admin")} catalogue={catalogue} marks={marks} foot={<Foot />} />;
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
