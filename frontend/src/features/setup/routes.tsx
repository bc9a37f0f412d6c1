import { Sprout } from "lucide-react";
import { defineFeature } from "@/shared/frame/feature";

export const setup = defineFeature({
  id: "setup",
  routes: [
    {
      path: "/setup",
      look: "plain",
      title: { en: "Set up Kontor", de: "Kontor einrichten" },
      icon: Sprout,
      load: () => import("./SetupScreen"),
    },
  ],
});
