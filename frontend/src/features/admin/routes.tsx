import { Shield } from "lucide-react";
import { defineFeature } from "@/shared/frame/feature";
import { managesPeople, title } from "./area";
import { keepKnown } from "./search";

export const admin = defineFeature({
  id: "admin",
  routes: [
    { path: "/admin", area: "admin", title, icon: Shield, visible: managesPeople, load: () => import("./AdminIndex") },
    {
      path: "/admin/$section",
      area: "admin",
      title,
      names: async () => {
        const { catalogue } = await import("./catalogue");
        return ({ section = "" }) => catalogue.section(section)?.title;
      },
      icon: Shield,
      visible: managesPeople,
      search: keepKnown,
      load: () => import("./AdminScreen"),
    },
  ],
  areas: [
    {
      id: "admin",
      title,
      icon: Shield,
      path: "/admin",
      place: "bottom",
      goKey: "A",
      visible: managesPeople,
      sidebar: () => import("./AdminSidebar"),
    },
  ],
  actions: [
    {
      id: "admin.invite",
      title: { en: "Invite someone", de: "Jemanden einladen" },
      words: { en: "add user create account", de: "Person hinzufügen Konto anlegen Benutzer" },
      keys: null,
      where: "anywhere",
    },
    {
      id: "admin.provider",
      title: { en: "Add a provider of models", de: "Anbieter von Modellen hinzufügen" },
      words: { en: "API key OpenAI Anthropic Ollama", de: "API-Schlüssel OpenAI Anthropic Ollama" },
      keys: null,
      where: "anywhere",
    },
  ],
  palette: [
    {
      id: "admin",
      title,
      visible: managesPeople,
      // Most people have nothing to look for here, so they need not load what there is.
      search: async (query, { me, language }) => {
        const { catalogue } = await import("./catalogue");
        return catalogue.paletteEntries(query, me, language);
      },
    },
    {
      id: "admin.people",
      title: { en: "People", de: "Personen" },
      visible: managesPeople,
      search: async (query, { signal, language }) => {
        if (query.trim().length < 2) return [];
        const { findPeople } = await import("./users/find");
        return findPeople(query, signal, language);
      },
    },
  ],
});
