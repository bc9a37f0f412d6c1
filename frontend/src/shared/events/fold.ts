import type { Schemas } from "../api/client";
import type { DocumentNews } from "../documents/fold-news";

type Job = Schemas["JobRead"];

/** What the server tells while one works. The kinds are a closed list; others are left alone. */
export type AppEvent =
  | { kind: "desk.changed"; data: { version?: number; client?: string | null } }
  | { kind: "settings.changed"; data: { version?: number; client?: string | null } }
  | { kind: "session.ended"; data: { session_id?: string } }
  | { kind: "job.changed"; data: Partial<Job> & { id?: string } }
  /** For administrators: which jobs of anybody's stand otherwise than before. */
  | { kind: "jobs.changed"; data: { jobs?: readonly { kind: string }[]; count?: number } }
  /** For administrators: no mail server takes mails, so one lies ready to be read. */
  | { kind: "mail.shown"; data: { id?: string } }
  | { kind: "notification.created"; data: { id?: string } }
  | { kind: "people.changed"; data: { id?: string } }
  | { kind: "models.changed"; data: object }
  | { kind: "billing.changed"; data: object }
  /** For everybody: prices, exchange rates, or what the house adds to them. */
  | { kind: "prices.changed"; data: object }
  /** For administrators: the books were proved. */
  | { kind: "billing.proved"; data: object }
  | { kind: "run.changed"; data: { run_id?: string; state?: string } }
  | { kind: "projects.changed"; data: object }
  | { kind: "shares.changed"; data: object }
  | { kind: "document.changed"; data: DocumentNews }
  | { kind: "full_access.changed"; data: { until?: string | null } }
  /** What was missed is too long ago to be replayed. */
  | { kind: "reset"; data: object };

export type EventKind = AppEvent["kind"];

const kinds: Record<EventKind, true> = {
  "desk.changed": true,
  "settings.changed": true,
  "session.ended": true,
  "job.changed": true,
  "jobs.changed": true,
  "mail.shown": true,
  "notification.created": true,
  "people.changed": true,
  "models.changed": true,
  "billing.changed": true,
  "prices.changed": true,
  "billing.proved": true,
  "run.changed": true,
  "projects.changed": true,
  "shares.changed": true,
  "document.changed": true,
  "full_access.changed": true,
  reset: true,
};

/** Reads one frame; null for kinds that this version does not know. */
export function readEvent(kind: string, data: string): AppEvent | null {
  if (!(kind in kinds)) return null;
  const frame = JSON.parse(data) as { data?: unknown };
  const body = typeof frame.data === "object" && frame.data !== null ? frame.data : {};
  return { kind, data: body } as AppEvent;
}

/** What an event means for what we hold. */
export type Change =
  | { do: "refresh"; key: readonly string[] }
  /** Of much that comes at once, one question is enough. */
  | { do: "refreshSoon"; key: readonly string[] }
  | { do: "refreshAll" }
  | { do: "patchJob"; job: Partial<Job> & { id: string } }
  | { do: "document"; news: DocumentNews }
  | { do: "desk"; version: number | null }
  | { do: "signOut" };

export function fold(event: AppEvent, ownWindow: string): Change[] {
  switch (event.kind) {
    case "desk.changed":
      return event.data.client === ownWindow ? [] : [{ do: "desk", version: event.data.version ?? null }];
    case "settings.changed":
      return event.data.client === ownWindow ? [] : [{ do: "refresh", key: ["me"] }];
    case "reset":
      return [{ do: "refreshAll" }, { do: "desk", version: null }];
    case "document.changed":
      return [{ do: "document", news: event.data }];
    case "full_access.changed":
      return [{ do: "refresh", key: ["me"] }];
    case "session.ended":
      return [{ do: "signOut" }];
    case "job.changed": {
      const { id } = event.data;
      const refresh: Change = { do: "refresh", key: ["jobs"] };
      // Progress comes often and is complete in itself; only an end is worth asking the server again.
      if (!id) return [refresh];
      const patch: Change = { do: "patchJob", job: { ...event.data, id } };
      return event.data.state === "running" ? [patch] : [patch, refresh];
    }
    case "jobs.changed": {
      const refreshes: Change[] = [
        { do: "refreshSoon", key: ["admin", "jobs"] },
        { do: "refreshSoon", key: ["admin", "stats"] },
      ];
      // A mail stands where its job has brought it.
      const { jobs = [], count = 0 } = event.data;
      const isMail = count > jobs.length || jobs.some(({ kind }) => kind.startsWith("mail."));
      return isMail ? [...refreshes, { do: "refreshSoon", key: ["admin", "mail"] }] : refreshes;
    }
    case "mail.shown":
      return [{ do: "refreshSoon", key: ["admin", "mail"] }];
    case "projects.changed":
      return [
        { do: "refreshSoon", key: ["projects"] },
        { do: "refreshSoon", key: ["trash"] },
      ];
    case "shares.changed":
      return [{ do: "refreshSoon", key: ["shares"] }];
    case "notification.created":
      return [{ do: "refresh", key: ["notifications"] }];
    case "people.changed":
      return [
        { do: "refresh", key: ["admin", "users"] },
        { do: "refresh", key: ["admin", "stats"] },
      ];
    case "models.changed":
      return [
        { do: "refreshSoon", key: ["models"] },
        { do: "refreshSoon", key: ["admin", "providers"] },
        { do: "refreshSoon", key: ["admin", "models"] },
      ];
    case "billing.proved":
      return [{ do: "refresh", key: ["admin", "billing"] }];
    case "billing.changed":
      return [
        { do: "refreshSoon", key: ["billing"] },
        { do: "refreshSoon", key: ["admin", "billing"] },
      ];
    case "prices.changed":
      return [
        { do: "refreshSoon", key: ["models"] },
        { do: "refreshSoon", key: ["billing"] },
        { do: "refreshSoon", key: ["admin", "prices"] },
        { do: "refreshSoon", key: ["admin", "billing"] },
      ];
    case "run.changed":
      // Sums only move when a run is over; what it costs meanwhile stands in the log.
      return event.data.state === "running" || event.data.state === "accepted"
        ? [{ do: "refreshSoon", key: ["usage", "log"] }]
        : [
            { do: "refreshSoon", key: ["usage"] },
            { do: "refreshSoon", key: ["billing"] },
          ];
    default:
      return unreachable(event);
  }
}

function unreachable(event: never): Change[] {
  return event;
}
