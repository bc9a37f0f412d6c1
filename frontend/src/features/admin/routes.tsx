import { Shield } from "lucide-react";
import { defineFeature } from "@/shared/frame/feature";

export const admin = defineFeature({
  id: "admin",
  routes: [],
  areas: [
    {
      id: "admin",
      title: { en: "Admin", de: "Verwaltung" },
      icon: Shield,
      path: "/admin",
      place: "bottom",
      goKey: "A",
      visible: (me) => me.role === "admin",
    },
  ],
});
