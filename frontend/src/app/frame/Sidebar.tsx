import { lazy, Suspense, useMemo } from "react";
import type { Area } from "@/shared/frame/feature";
import { SidebarHead, SidebarRow } from "@/shared/frame/sidebar";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { useMe } from "@/shared/session/queries";
import { areas } from "../features";
import { Boundary } from "../states";
import { appTexts } from "../texts";

/** The column of the area in front; an area without one of its own lists the areas. */
export function SidebarOf({ area }: { area: Area }) {
  const { language } = useLocale();
  const Own = useMemo(() => (area.sidebar ? lazy(area.sidebar) : null), [area]);
  if (!Own) return <SidebarHead title={area.title[language]} />;
  return (
    <Boundary resetKey={area.id} fallback={() => <SidebarHead title={area.title[language]} />}>
      <Suspense fallback={<SidebarHead title={area.title[language]} />}>
        <Own />
      </Suspense>
    </Boundary>
  );
}

/** On small screens the drawer holds the rail's places too, as words. */
export function AreaList() {
  const t = useTexts(appTexts);
  const { language } = useLocale();
  const me = useMe();
  return (
    <nav aria-label={t("areas")} className="flex-none border-b border-border px-2.5 pb-2">
      {areas
        .filter((area) => area.place !== "none" && (area.visible?.(me) ?? true))
        .map((area) => (
          <SidebarRow key={area.id} to={area.path} icon={area.icon} exact={area.path === "/"}>
            {area.title[language]}
          </SidebarRow>
        ))}
    </nav>
  );
}
