import type { Schemas } from "@/shared/api/client";
import type { Me } from "@/shared/session/queries";

export type TaskKind =
  | "password"
  | "email"
  | "verify"
  | "passkey"
  | "totp"
  | "waiting"
  | "mail"
  | "invite"
  | "dead"
  | "space";

export interface Task {
  readonly kind: TaskKind;
  readonly to: string;
  readonly search?: Record<string, unknown>;
  /** Someone else waits, or something is broken: it stands first, with a brass mark. */
  readonly urgent: boolean;
  readonly count?: number;
  readonly freeBytes?: number;
}

const LITTLE_SPACE = 0.05;

/** What this person still has to do, the urgent first. Pure, so that each rule can be read in its test. */
export function openTasks(
  me: Me,
  installation: Pick<Schemas["InstallationRead"], "kind" | "mail_configured"> | undefined,
  stats: Schemas["StatsRead"] | undefined,
  canUsePasskeys = true,
): Task[] {
  const tasks: Task[] = [];
  if (stats) {
    if (stats.people.waiting > 0) {
      tasks.push({
        kind: "waiting",
        to: "/admin/users",
        search: { state: "waiting" },
        urgent: true,
        count: stats.people.waiting,
      });
    }
    if (stats.jobs.dead > 0) {
      tasks.push({
        kind: "dead",
        to: "/admin/jobs",
        search: { state: "failed" },
        urgent: true,
        count: stats.jobs.dead,
      });
    }
    const { free_bytes: free, total_bytes: total } = stats.storage;
    if (total > 0 && free / total < LITTLE_SPACE)
      tasks.push({ kind: "space", to: "/admin", urgent: true, freeBytes: free });
  }
  const isMulti = installation?.kind === "multi";
  if (!me.email && isMulti) tasks.push({ kind: "email", to: "/settings/profile", urgent: false });
  if (me.email && !me.email_verified && installation?.mail_configured) {
    tasks.push({ kind: "verify", to: "/settings/profile", urgent: false });
  }
  if (!me.has_password && me.passkeys === 0) tasks.push({ kind: "password", to: "/settings/security", urgent: false });
  if (me.passkeys === 0 && canUsePasskeys) tasks.push({ kind: "passkey", to: "/settings/security", urgent: false });
  // A passkey is a second factor in itself.
  if (me.has_password && !me.totp_enabled && me.passkeys === 0) {
    tasks.push({ kind: "totp", to: "/settings/security", urgent: false });
  }
  if (stats && isMulti) {
    if (!stats.mail.configured) tasks.push({ kind: "mail", to: "/admin/mail", urgent: false });
    if (stats.people.total <= 1) tasks.push({ kind: "invite", to: "/admin/users", urgent: false });
  }
  return tasks;
}
