import { Shield } from "lucide-react";
import { defineFeature } from "@/shared/frame/feature";
import type { Me } from "@/shared/session/queries";
import { findSettings, sectionsFor } from "./catalogue";
import { keepKnown } from "./search";

const title = { en: "Admin", de: "Verwaltung" };

const managesPeople = (me: Me) => me.role !== "user";

export const admin = defineFeature({
  id: "admin",
  routes: [
    { path: "/admin", area: "admin", title, icon: Shield, visible: managesPeople, load: () => import("./AdminIndex") },
    {
      path: "/admin/$section",
      area: "admin",
      title,
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
  ],
  palette: [
    {
      id: "admin",
      title,
      visible: managesPeople,
      search: (query, { me, language }) => [
        ...findSettings(query, me).map(({ section, setting }) => ({
          id: `admin.${section.id}.${setting.id}`,
          title: setting.title[language],
          hint: setting.words[language],
          aside: section.title[language],
          icon: section.icon,
          path: `/admin/${section.id}#${setting.id}`,
        })),
        ...sectionsFor(me)
          .filter((section) => query.trim() && matches(section.title[language], query))
          .map((section) => ({
            id: `admin.${section.id}`,
            title: section.title[language],
            aside: title[language],
            icon: section.icon,
            path: `/admin/${section.id}`,
          })),
      ],
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

function matches(text: string, query: string): boolean {
  return text.toLowerCase().includes(query.trim().toLowerCase());
}
