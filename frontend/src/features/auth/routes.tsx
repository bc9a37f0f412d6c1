import { LogIn } from "lucide-react";
import { defineFeature } from "@/shared/frame/feature";

export const auth = defineFeature({
  id: "auth",
  routes: [
    {
      path: "/login",
      look: "plain",
      title: { en: "Sign in", de: "Anmelden" },
      icon: LogIn,
      load: () => import("./LoginScreen"),
    },
  ],
});
