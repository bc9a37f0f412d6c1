import type { Me } from "@/shared/session/queries";

export const title = { en: "Admin", de: "Verwaltung" };

/** Managers look after people; the rest is for administrators. */
export const managesPeople = (me: Me) => me.role !== "user";
