import { Settings2 } from "lucide-react";
import { defineFeature } from "@/shared/frame/feature";
import { catalogue, title } from "./catalogue";

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
      search: (query, { me, language }) => catalogue.paletteEntries(query, me, language),
    },
  ],
});
