import { Settings2 } from "lucide-react";
import { defineFeature } from "@/shared/frame/feature";

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
      names: async () => {
        const { catalogue } = await import("./catalogue");
        return ({ section = "" }) => catalogue.section(section)?.title;
      },
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
  actions: [
    {
      id: "models.favourite",
      title: { en: "Mark model as favourite", de: "Modell als Favorit merken" },
      keys: "Mod+D",
      where: "palette",
      hidden: true,
    },
  ],
  palette: [
    {
      id: "settings",
      title,
      // The list of all settings is only needed by whoever looks for one.
      search: async (query, { me, language }) => {
        const { catalogue } = await import("./catalogue");
        return catalogue.paletteEntries(query, me, language);
      },
    },
  ],
});
