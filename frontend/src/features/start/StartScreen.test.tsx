import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Schemas } from "@/shared/api/client";
import { WorkspaceContext } from "@/shared/frame/workspace";
import { problem } from "@/shared/test/network";
import { installation, makeMe } from "@/shared/test/people";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import StartScreen from "./StartScreen";
import { openTasks } from "./tasks";

const stats: Schemas["StatsRead"] = {
  people: { total: 3, active: 2, waiting: 1, suspended: 0, signed_in: 1 },
  database: { bytes: 1, connections: 1, max_connections: 60, version: "18.4" },
  jobs: { running: 0, waiting: 0, oldest_seconds: 0, failed_24h: 0, dead: 0 },
  storage: { used_bytes: 1, free_bytes: 90, total_bytes: 100, objects: 1 },
  mail: { configured: true, queued: 0, failed: 0 },
  events: { lag_seconds: 0 },
  uptime_seconds: 1,
  version: "0.1.0",
  sign_ins: [],
};

const job: Schemas["JobRead"] = {
  id: "10000000-0000-4000-8000-000000000001",
  kind: "check",
  title: "Check of the store",
  state: "running",
  done: 65,
  total: 100,
  note: null,
  error_code: null,
  error: null,
  attempts: 1,
  created_at: "2026-11-20T10:00:00Z",
  started_at: "2026-11-20T10:00:00Z",
  finished_at: null,
  can_cancel: true,
};

const network = {
  "GET /api/v1/installation": installation,
  "GET /api/v1/admin/stats": stats,
  "GET /api/v1/jobs": { items: [job], next_cursor: null, total: 1 },
  "GET /api/v1/notifications": { items: [], next_cursor: null },
  "POST /api/v1/jobs/{id}/cancel": { ...job, state: "cancelled" },
};

const start = (
  <WorkspaceContext.Provider
    value={{
      features: [],
      areas: [],
      open: () => {},
      openTabs: [{ id: "admin", path: "/admin/users", title: "Users" }],
      closedTabs: [{ id: "settings", path: "/settings/keys", title: "Keys" }],
      reopen: () => {},
      signOut: () => {},
      unfolded: [],
      unfold: () => {},
    }}
  >
    <StartScreen />
  </WorkspaceContext.Provider>
);

describe("the start page", () => {
  it("leads to what waits for an administrator", async () => {
    await renderScreen(start, { network, me: makeMe({ role: "admin" }) });
    const link = await screen.findByRole("link", { name: /1 person is waiting for approval/ });
    expect(link).toHaveAttribute("href", "/admin/users?state=waiting");
  });

  it("does not ask the server for figures on behalf of others", async () => {
    const { requests } = await renderScreen(start, { network, me: makeMe() });
    await screen.findByText("Check of the store");
    expect(requests.map((request) => request.path)).not.toContain("/api/v1/admin/stats");
  });

  it("shows progress and cancels a job", async () => {
    const { user, requests } = await renderScreen(start, { network });
    expect(await screen.findByRole("progressbar", { name: "Check of the store" })).toHaveAttribute(
      "aria-valuenow",
      "65",
    );
    await user.click(screen.getByRole("button", { name: "Cancel “Check of the store”" }));
    expect(await screen.findByText("Cancelled: Check of the store")).toBeVisible();
    expect(requests.find((request) => request.method === "POST")?.headers.get("X-Kontor-CSRF")).toBe(
      "token-of-the-test",
    );
  });

  it("offers the tabs one had", async () => {
    await renderScreen(start, { network, language: "de" });
    const section = (await screen.findByRole("heading", { name: "Weitermachen mit" })).closest("section");
    if (!section) throw new Error("no section");
    expect(within(section).getByRole("link", { name: /Users/ })).toHaveAttribute("href", "/admin/users");
    expect(within(section).getByRole("button", { name: /Keys/ })).toBeVisible();
  });

  it("says in its place what failed", async () => {
    await renderScreen(start, { network: { ...network, "GET /api/v1/jobs": () => problem(503, "database.away") } });
    expect(await screen.findByRole("alert")).toHaveTextContent("The database does not answer right now.");
  });

  it("has nothing that axe objects to", async () => {
    await renderScreen(start, { network, me: makeMe({ role: "admin" }) });
    await screen.findByText("Check of the store");
    await expectAccessible();
  });
});

describe("open tasks", () => {
  const kinds = (...given: Parameters<typeof openTasks>) => openTasks(...given).map((task) => task.kind);

  it("asks for a second factor only where there is a password and no passkey", () => {
    expect(kinds(makeMe(), installation, undefined)).toEqual(["passkey", "totp"]);
    expect(kinds(makeMe({ passkeys: 1 }), installation, undefined)).toEqual([]);
    expect(kinds(makeMe({ has_password: false }), installation, undefined)).toEqual(["password", "passkey"]);
  });

  it("does not ask someone who is alone on their machine to invite anyone or to set up mail", () => {
    const alone = {
      ...stats,
      people: { ...stats.people, total: 1, waiting: 0 },
      mail: { ...stats.mail, configured: false },
    };
    const single = { ...installation, kind: "single" as const };
    expect(kinds(makeMe({ role: "admin", passkeys: 1 }), single, alone)).toEqual([]);
    expect(kinds(makeMe({ role: "admin", passkeys: 1 }), installation, alone)).toEqual(["mail", "invite"]);
  });

  it("puts what others wait for first", () => {
    const [first] = openTasks(makeMe({ has_password: false }), installation, stats);
    expect(first).toMatchObject({ kind: "waiting", urgent: true, count: 1 });
  });
});
