import { CircleCheck, CircleSlash, KeyRound, LogOut, MailPlus, Pencil, Trash2, Undo2 } from "lucide-react";
import type { Say } from "@/shared/i18n/texts";
import type { Me } from "@/shared/session/queries";
import type { MenuEntry } from "@/shared/ui/menu";
import type { User } from "./api";
import type { usersTexts } from "./texts";

export type Deed = "edit" | "approve" | "suspend" | "restore" | "inviteAgain" | "resetLink" | "endSessions" | "remove";

/** What may be done to whom, by whom. The server decides again; this only leaves out what it would refuse. */
export function deedsFor(me: Me, user: User): readonly Deed[] {
  const isAdmin = me.role === "admin";
  const isSelf = me.id === user.id;
  const isSuspended = user.state === "suspended";
  const deeds: Deed[] = [];
  if (user.state === "waiting" || user.state === "unverified") deeds.push("approve");
  if (isAdmin) deeds.push("edit");
  if (user.state === "invited") deeds.push("inviteAgain");
  if (isAdmin && user.email && user.state !== "invited") deeds.push("resetLink");
  if (isAdmin && user.sessions > 0) deeds.push("endSessions");
  if (isSuspended) deeds.push("restore");
  if (!isSuspended && !isSelf) deeds.push("suspend");
  if (isAdmin && !isSelf) deeds.push("remove");
  return deeds;
}

const icons = {
  edit: Pencil,
  approve: CircleCheck,
  suspend: CircleSlash,
  restore: Undo2,
  inviteAgain: MailPlus,
  resetLink: KeyRound,
  endSessions: LogOut,
  remove: Trash2,
} as const;

const asking: readonly Deed[] = ["edit", "suspend", "resetLink", "endSessions", "remove"];

export function deedEntries(
  deeds: readonly Deed[],
  t: Say<(typeof usersTexts)["en"]>,
  run: (deed: Deed) => void,
): MenuEntry[] {
  return deeds.flatMap((deed): MenuEntry[] => [
    ...(deed === "remove" ? [{ kind: "separator" } as const] : []),
    {
      label: asking.includes(deed) ? `${t(deed)} …` : t(deed),
      icon: icons[deed],
      danger: deed === "remove",
      onSelect: () => run(deed),
    },
  ]);
}
