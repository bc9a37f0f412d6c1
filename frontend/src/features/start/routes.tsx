import { House } from "lucide-react";
import { defineFeature } from "@/shared/frame/feature";

export const start = defineFeature({
  id: "start",
  routes: [
    {
      path: "/",
      area: "start",
      title: { en: "Start", de: "Start" },
      icon: House,
      load: () => import("./StartScreen"),
    },
  ],
  areas: [{ id: "start", title: { en: "Start", de: "Start" }, icon: House, path: "/", place: "top", goKey: "T" }],
});
