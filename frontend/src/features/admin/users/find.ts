import { UserRound } from "lucide-react";
import { api, read } from "@/shared/api/client";
import type { PaletteEntry } from "@/shared/frame/feature";
import { sayIn } from "@/shared/i18n/texts";
import { usersTexts } from "./texts";

/** People by name or address, for the palette. */
export async function findPeople(query: string, signal: AbortSignal, language: "de" | "en"): Promise<PaletteEntry[]> {
  const t = sayIn(usersTexts, language);
  const page = await read(
    api.GET("/api/v1/admin/users", { params: { query: { search: query.trim(), limit: 6 } }, signal }),
  );
  return page.items.map((user) => ({
    id: `person.${user.id}`,
    title: user.name,
    hint: user.email ?? undefined,
    aside: t(`state.${user.state}`),
    words: query,
    icon: UserRound,
    path: `/admin/users?id=${user.id}`,
  }));
}
