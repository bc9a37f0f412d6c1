import type { Say } from "@/shared/i18n/texts";
import type { AuditLine } from "./api";
import { auditTexts } from "./texts";

type AuditSay = Say<(typeof auditTexts)["en"]>;

export const actionGroups = [
  "sign_in",
  "session",
  "person",
  "password",
  "totp",
  "passkey",
  "token",
  "full_access",
  "installation",
  "job",
  "jobs",
  "mail",
  "record",
] as const;

/** What was done, after the name of who did it. A deed this program does not know yet is shown by its name. */
export function deedText(line: AuditLine, say: AuditSay): string {
  const subject = line.subject;
  const isOwn = subject?.kind === "person" && subject.id === line.actor?.id;
  const key = `deed.${line.action}${isOwn && `deed.${line.action}.own` in auditTexts.en ? ".own" : ""}`;
  if (!isKnown(key)) return line.action;
  return say(key, { subject: subject?.name ?? say("somebody") });
}

export function actorText(line: AuditLine, say: AuditSay): string {
  if (!line.actor) return say("system");
  return line.actor.name ?? say("deletedPerson");
}

type DeedKey = "deed.person.suspended";

function isKnown(key: string): key is DeedKey {
  return key in auditTexts.en;
}

/** Further facts of a line, in the order they were noted. Changes read as before and after. */
export function detailRows(line: AuditLine): readonly { name: string; before?: string; value: string }[] {
  return Object.entries(line.details).map(([name, value]) => {
    if (isChange(value)) return { name, before: plain(value.before), value: plain(value.after) };
    return { name, value: plain(value) };
  });
}

function isChange(value: unknown): value is { before: unknown; after: unknown } {
  return typeof value === "object" && value !== null && "before" in value && "after" in value;
}

function plain(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  if (Array.isArray(value)) return value.map(plain).join(", ") || "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
