import { Settings2 } from "lucide-react";
import { defineFeature } from "@/shared/frame/feature";
import { findSettings } from "./catalogue";

const title = { en: "Settings", de: "Einstellungen" };

export const settings = defineFeature({
  id: "settings",
  routes: [
    {
      path: "/settings",
      area: "settings",
      title,
      icon: Settings2,
      load: () => import("./SettingsIndex"),
    },
    {
      path: "/settings/$section",
      area: "settings",
      title,
      icon: Settings2,
      load: () => import("./SettingsScreen"),
    },
  ],
  areas: [
    {
      id: "settings",
      title,
      icon: Settings2,
      path: "/settings",
      place: "none",
      goKey: "E",
      sidebar: () => import("./SettingsSidebar"),
    },
  ],
  palette: [
    {
      id: "settings",
      title,
      search: (query, { me, language }) =>
        findSettings(query, me).map(({ section, setting }) => ({
          id: `settings.${setting.id}`,
          title: setting.title[language],
          hint: setting.words[language],
          aside: section.title[language],
          icon: section.icon,
          path: `/settings/${section.id}#${setting.id}`,
        })),
    },
  ],
});
