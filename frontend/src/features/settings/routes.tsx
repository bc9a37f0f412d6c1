import { Settings2 } from "lucide-react";
import { defineFeature } from "@/shared/frame/feature";

export const settings = defineFeature({
  id: "settings",
  routes: [],
  areas: [
    {
      id: "settings",
      title: { en: "Settings", de: "Einstellungen" },
      icon: Settings2,
      path: "/settings",
      place: "none",
      goKey: "E",
    },
  ],
});
