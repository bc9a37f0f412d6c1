import { type ReactNode, useMemo, useState } from "react";
import type { Schemas } from "@/shared/api/client";
import { SheetContext, type SheetValue } from "@/shared/frame/sheet";
import { makeMe } from "@/shared/test/people";

/** A sheet with an open inspector, as the frame gives it. */
export function Desk({ children }: { children: ReactNode }) {
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const value = useMemo<SheetValue>(
    () => ({
      pane: "main",
      place: "admin",
      isFocused: true,
      nameTab: () => {},
      inspectorSlot: slot,
      announceInspector: () => {},
      isInspectorOpen: true,
      setInspectorOpen: () => {},
    }),
    [slot],
  );
  return (
    <SheetContext value={value}>
      {children}
      <aside ref={setSlot} />
    </SheetContext>
  );
}

export const admin = makeMe({ role: "admin" });
export const manager = makeMe({ role: "manager" });

let count = 0;

export function makeUser(change: Partial<Schemas["UserRead"]> = {}): Schemas["UserRead"] {
  count += 1;
  return {
    id: `10000000-0000-4000-8000-${String(count).padStart(12, "0")}`,
    email: `person${count}@example.org`,
    name: `Person ${count}`,
    initials: "P",
    role: "user",
    state: "active",
    language: "en",
    email_verified: true,
    suspended_reason: null,
    created_at: "2026-11-01T09:00:00Z",
    last_seen_at: null,
    sign_in: ["password"],
    sessions: 0,
    quota_bytes: null,
    used_bytes: 0,
    version: 3,
    ...change,
  };
}

export const page = <T,>(items: readonly T[], more: { next_cursor?: string; total?: number } = {}) => ({
  items,
  next_cursor: null,
  total: items.length,
  ...more,
});

export function makeLine(change: Partial<Schemas["AuditRead"]> = {}): Schemas["AuditRead"] {
  return {
    id: 12,
    at: "2026-11-20T12:00:00Z",
    actor: { id: "00000000-0000-4000-8000-000000000001", name: "R. K.", role: "admin" },
    action: "person.suspended",
    subject: { kind: "person", id: "10000000-0000-4000-8000-000000000009", name: "T. B." },
    details: {},
    address: "192.0.2.7",
    request_id: "request-1",
    ...change,
  };
}

export const stats: Schemas["StatsRead"] = {
  people: { total: 38, active: 36, waiting: 2, suspended: 0, signed_in: 11 },
  database: { bytes: 6_100_000_000, connections: 14, max_connections: 100, version: "18.6" },
  jobs: { running: 3, waiting: 41, oldest_seconds: 40, failed_24h: 0, dead: 0 },
  storage: { used_bytes: 48e9, free_bytes: 202e9, total_bytes: 250e9, objects: 10 },
  mail: { configured: false, queued: 0, failed: 0 },
  events: { lag_seconds: 0 },
  uptime_seconds: 518_400,
  version: "0.9.2",
  sign_ins: [
    { day: "2026-11-19", count: 4 },
    { day: "2026-11-20", count: 9 },
  ],
};

export function makeProvider(change: Partial<Schemas["ProviderRead"]> = {}): Schemas["ProviderRead"] {
  return {
    id: "50000000-0000-4000-8000-000000000001",
    kind: "anthropic",
    label: "Anthropic",
    protocol: "anthropic",
    base_url: "https://api.anthropic.com/v1",
    is_enabled: true,
    is_local: false,
    is_built_in: false,
    needs_key: true,
    concurrency: 16,
    timeouts: {},
    quirks: {},
    version: 3,
    state: "ok",
    error_code: null,
    error: null,
    checked_at: "2026-11-20T12:00:00Z",
    latency_ms: 210,
    refreshed_at: null,
    created_at: "2026-11-01T12:00:00Z",
    keys: [
      {
        id: "70000000-0000-4000-8000-000000000001",
        provider_id: "50000000-0000-4000-8000-000000000001",
        ending: "4f2a",
        state: "ok",
        tested_at: null,
        last_used_at: null,
        created_at: "2026-11-01T12:00:00Z",
      },
    ],
    models: 12,
    models_enabled: 3,
    problem: null,
    health: {
      state: "ok",
      ticks: [{ at: new Date().toISOString(), ok: 3, failed: 1, first_ms: 700 }],
      first_ms_p50: 700,
      first_ms_p95: 1900,
      requests: 1284,
      failed: 1,
    },
    ...change,
  };
}

export function makeHouseGroup(
  key: string,
  change: Partial<Schemas["HouseUsageGroup"]> = {},
): Schemas["HouseUsageGroup"] {
  return {
    key,
    label: key,
    detail: null,
    runs: 10,
    requests: 10,
    failed: 0,
    tokens_in: 1000,
    tokens_out: 200,
    unknown_runs: 0,
    own_key_runs: 0,
    provider_cost: { nano: 0, currency: "USD" },
    cost: { nano: 0, currency: "EUR" },
    further_costs: [],
    unbilled_costs: [],
    revenues: [],
    ...change,
  };
}

export const makeHouseUsage = (items: Schemas["HouseUsageGroup"][]): Schemas["HouseUsage"] => ({
  is_billed: true,
  items,
  total: makeHouseGroup("", { runs: 0, requests: 0 }),
  given_back: [],
});
