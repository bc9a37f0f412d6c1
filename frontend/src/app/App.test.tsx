import { createMemoryHistory } from "@tanstack/react-router";
import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it } from "vitest";
import type { Schemas } from "@/shared/api/client";
import { type Network, problem, type Seen, serve } from "@/shared/test/network";
import { installation, makeMe, settings } from "@/shared/test/people";
import { expectAccessible } from "@/shared/test/render";
import { makeApp } from "./App";
import { deskStore } from "./desk/store";

const stats: Schemas["StatsRead"] = {
  people: { total: 1, active: 1, waiting: 0, suspended: 0, signed_in: 1 },
  database: { bytes: 1, connections: 1, max_connections: 60, version: "18" },
  jobs: { running: 0, waiting: 0, oldest_seconds: 0, failed_24h: 0, dead: 0 },
  storage: { used_bytes: 1, free_bytes: 9, total_bytes: 10, objects: 0 },
  mail: { configured: true, queued: 0, failed: 0 },
  events: { lag_seconds: 0 },
  uptime_seconds: 1,
  version: "0.1.0",
  sign_ins: [],
};

function server(me: Schemas["MeRead"] | null, change: Network = {}): Network {
  let desk: Schemas["DeskRead"] = { version: 1, tabs: [], active: null, closed: [] };
  return {
    "GET /api/v1/installation": installation,
    "GET /api/v1/auth/me": () => me ?? problem(401, "auth.required"),
    "GET /api/v1/desk": () => desk,
    "PUT /api/v1/desk": (request: { body: unknown }) => {
      desk = { ...(request.body as Schemas["DeskChange"]), version: desk.version + 1 };
      return desk;
    },
    // A stream that says nothing and stays open until the browser hangs up.
    "GET /api/v1/events": ({ signal }: Seen) =>
      new Response(
        new ReadableStream({
          start: (line) => signal.addEventListener("abort", () => line.error(new DOMException("aborted"))),
        }),
      ),
    "GET /api/v1/jobs": { items: [], next_cursor: null },
    "GET /api/v1/notifications": { items: [], next_cursor: null },
    "GET /api/v1/admin/stats": stats,
    ...change,
  };
}

async function open(path: string, me: Schemas["MeRead"] | null, change: Network = {}) {
  const { requests } = serve(server(me, change));
  const app = makeApp(createMemoryHistory({ initialEntries: [path] }));
  const view = render(app.element);
  return { ...app, ...view, requests, user: userEvent.setup() };
}

const isReady = () => screen.findByRole("heading", { level: 1 }, { timeout: 5000 });

afterEach(() => deskStore.reset());

describe("the app", () => {
  it("sends whoever is not signed in to the sign-in, and remembers where they wanted to go", async () => {
    const { router } = await open("/somewhere?x=1", null);
    await waitFor(() => expect(router.state.location.pathname).toBe("/login"), { timeout: 5000 });
    expect(router.state.location.search).toMatchObject({ next: "/somewhere?x=1" });
  });

  it("says what is wrong when it cannot start, and starts on the next try", async () => {
    let broken = true;
    const { user } = await open("/", null, {
      "GET /api/v1/auth/me": () => (broken ? problem(503, "database.away") : makeMe()),
    });
    expect(await screen.findByRole("alert", {}, { timeout: 5000 })).toHaveTextContent(
      "The database does not answer right now.",
    );
    broken = false;
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await isReady()).toHaveTextContent("Start");
  });

  it("shows the frame with the areas of this person only", async () => {
    await open("/", makeMe());
    await isReady();
    const rail = screen.getByRole("navigation", { name: "Areas" });
    expect(within(rail).getByRole("link", { name: "Start" })).toHaveAttribute("aria-current", "page");
    expect(within(rail).queryByRole("link", { name: "Admin" })).toBeNull();
    expect(document.title).toBe("Start – Kontor");
    expect(document.documentElement.lang).toBe("en");
    await expectAccessible();
  });

  it("calls the tabs of another language by their names in this one, things by the names they were given", async () => {
    const tab = (id: string, path: string, title: string) => ({ id, path, title, icon: null, state: null });
    const tabs = [tab("settings", "/settings/appearance", "Darstellung"), tab("usage", "/usage", "Mein Verbrauch")];
    await open("/", makeMe(), { "GET /api/v1/desk": { version: 1, tabs, active: null, closed: [] } });
    await isReady();
    const strip = screen.getByRole("navigation", { name: "Open tabs" });
    expect(await within(strip).findByRole("link", { name: "Appearance" })).toBeVisible();
    expect(within(strip).getByRole("link", { name: "Mein Verbrauch" })).toBeVisible();
  });

  it("shows administrators their area", async () => {
    await open("/", makeMe({ role: "admin" }));
    await isReady();
    expect(screen.getByRole("link", { name: "Admin" })).toBeVisible();
  });

  it("says that there is nothing at an address, and names the tab", async () => {
    await open("/nowhere", makeMe());
    expect(await isReady()).toHaveTextContent("There is nothing at this address.");
    const tabs = screen.getByRole("navigation", { name: "Open tabs" });
    expect(await within(tabs).findByRole("link", { name: "Not found" })).toHaveAttribute("aria-current", "page");
  });

  it("opens, closes and reopens tabs by keys", async () => {
    const { user } = await open("/", makeMe());
    await isReady();
    const tabs = () => within(screen.getByRole("navigation", { name: "Open tabs" })).queryAllByRole("link");
    await waitFor(() => expect(tabs()).toHaveLength(1));
    await user.keyboard("{Alt>}n{/Alt}");
    await waitFor(() => expect(tabs()).toHaveLength(2));
    expect(tabs()[1]).toHaveAttribute("aria-current", "page");
    await user.keyboard("{Alt>}1{/Alt}");
    await waitFor(() => expect(tabs()[0]).toHaveAttribute("aria-current", "page"));
    await user.keyboard("{Alt>}w{/Alt}");
    await waitFor(() => expect(tabs()).toHaveLength(1));
    await user.keyboard("{Alt>}{Shift>}W{/Shift}{/Alt}");
    await waitFor(() => expect(tabs()).toHaveLength(2));
  });

  it("puts two sheets side by side, with one main part", async () => {
    const { user } = await open("/", makeMe());
    await isReady();
    await user.keyboard("{Alt>}o{/Alt}");
    await waitFor(() => expect(screen.getAllByRole("heading", { level: 1 })).toHaveLength(2));
    expect(screen.getAllByRole("main")).toHaveLength(1);
    await user.keyboard("{Alt>}o{/Alt}");
    await waitFor(() => expect(screen.getAllByRole("heading", { level: 1 })).toHaveLength(1));
  });

  it("finds two sheets as they were left: what is on them, how wide they are, and which one is in front", async () => {
    const tab = (id: string, path: string) => ({ id, path, title: id, icon: null, state: null });
    let desk: Schemas["DeskRead"] = {
      version: 3,
      tabs: [tab("start", "/"), tab("lost", "/nowhere")],
      active: "start",
      closed: [],
      split: { second: "lost", share: 60, front: "second" },
    };
    const { user } = await open("/", makeMe(), {
      "GET /api/v1/desk": () => desk,
      "PUT /api/v1/desk": (request: { body: unknown }) => {
        desk = { ...(request.body as Schemas["DeskChange"]), version: desk.version + 1 };
        return desk;
      },
    });
    await waitFor(() => expect(screen.getAllByRole("heading", { level: 1 })).toHaveLength(2));
    const [left, right] = screen.getAllByRole("heading", { level: 1 });
    expect(left).toHaveTextContent("Start");
    expect(right).toHaveTextContent("There is nothing at this address.");
    const tabs = screen.getByRole("navigation", { name: "Open tabs" });
    expect(within(tabs).getByRole("link", { current: "page" })).toHaveTextContent("Not found");
    const line = screen.getByRole("separator", { name: "Share of the left sheet in per cent" });
    expect(line).toHaveAttribute("aria-valuenow", "60");
    line.focus();
    await user.keyboard("{ArrowLeft}");
    expect(line).toHaveAttribute("aria-valuenow", "55");
    await user.click(left as HTMLElement);
    await deskStore.flush();
    expect(desk.split).toEqual({ second: "lost", share: 55, front: "main" });

    // Another device puts an end to the tab on the left: the one that is left fills the window.
    desk = { ...desk, version: desk.version + 1, tabs: [tab("lost", "/nowhere")], active: "lost", split: undefined };
    await deskStore.noticed(desk.version);
    await waitFor(() => expect(screen.getAllByRole("heading", { level: 1 })).toHaveLength(1));
    expect(await screen.findByRole("heading", { level: 1, name: "There is nothing at this address." })).toBeVisible();
  });

  it("finds places and commands in the palette, in either language", async () => {
    const { user } = await open("/", makeMe());
    await isReady();
    await user.keyboard("{Control>}k{/Control}");
    const field = await screen.findByRole("combobox", { name: "Search or type a command" }, { timeout: 5000 });
    expect(field).toHaveFocus();
    expect(screen.getByRole("option", { name: /^Settings/ })).toBeVisible();
    await user.type(field, "nebenspalte tab schließen");
    expect(screen.queryAllByRole("option")).toHaveLength(0);
    await user.clear(field);
    await user.type(field, "> teilen");
    const [first] = screen.getAllByRole("option");
    expect(first).toHaveTextContent("Split view");
    expect(first).toHaveAttribute("aria-selected", "true");
    await expectAccessible();
    await user.keyboard("{Enter}");
    await waitFor(() => expect(screen.getAllByRole("heading", { level: 1 })).toHaveLength(2));
  });

  it("does at Enter what the words just typed will find, and not what those before had found", async () => {
    const { router, user } = await open("/", makeMe());
    await isReady();
    await user.keyboard("{Control>}k{/Control}");
    const field = await screen.findByRole("combobox", {}, { timeout: 5000 });
    await user.type(field, "nachtmodus");
    await screen.findByRole("option", { name: /Light or dark/ });
    await user.clear(field);
    await user.type(field, "euro{Enter}");
    await waitFor(() => expect(router.state.location.href).toBe("/settings/language#currency"));
  });

  it("waits at Enter for an answer that is slow, until one types on", async () => {
    const asked = () => requests.filter(({ path }) => path === "/api/v1/admin/users");
    let answer = (_people: object[]) => {};
    const { router, user, requests } = await open("/", makeMe({ role: "admin" }), {
      "GET /api/v1/admin/users": () =>
        new Promise((resolve) => {
          answer = (items) => resolve({ items, next_cursor: null });
        }),
    });
    const nora = { id: "p-nora", name: "Nora Vogt", email: "nora@example.org", role: "user", state: "active" };
    await isReady();
    await user.keyboard("{Control>}k{/Control}");
    const field = await screen.findByRole("combobox", {}, { timeout: 5000 });
    await user.type(field, "nora{Enter}");
    await waitFor(() => expect(asked()).toHaveLength(1));
    await user.type(field, " v");
    answer([nora]);
    await user.keyboard("{Enter}");
    expect(router.state.location.pathname).toBe("/");
    await waitFor(() => expect(asked()).toHaveLength(2));
    answer([nora]);
    await waitFor(() => expect(router.state.location.href).toBe("/admin/users?id=p-nora"));
  });

  it("looks at everything again when the line to the server is back", async () => {
    const { requests } = await open("/", makeMe());
    await isReady();
    const asked = (path: string) => requests.filter((request) => request.path === path).length;
    await waitFor(() => expect(asked("/api/v1/events")).toBe(1));
    const before = { desk: asked("/api/v1/desk"), me: asked("/api/v1/auth/me") };
    window.dispatchEvent(new Event("online"));
    await waitFor(() => expect(asked("/api/v1/events")).toBe(2));
    await waitFor(() => expect(asked("/api/v1/auth/me")).toBe(before.me + 1));
    expect(asked("/api/v1/desk")).toBeGreaterThan(before.desk);
  });

  it("lists the keys", async () => {
    const { user } = await open("/", makeMe());
    await isReady();
    await user.keyboard("?");
    const dialog = await screen.findByRole("dialog", { name: "Keys" }, { timeout: 5000 });
    expect(within(dialog).getByText("Show or hide inspector").closest("li")).toHaveTextContent("Ctrl I");
    expect(within(dialog).getByText("Version 0.1.0")).toBeVisible();
    await expectAccessible();
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  });

  it("changes the language at once, and takes it back when the server refuses", async () => {
    const { user } = await open("/", makeMe(), { "PATCH /api/v1/settings": () => problem(503, "database.away") });
    await isReady();
    await user.keyboard("{Control>}k{/Control}");
    await user.type(await screen.findByRole("combobox", {}, { timeout: 5000 }), "> german{Enter}");
    await waitFor(() => expect(document.documentElement.lang).toBe("en"));
    expect(
      await screen.findByText("The database does not answer right now. Nothing was changed.", {}, { timeout: 5000 }),
    ).toBeVisible();
  });

  it("follows the settings: theme, size, motion and rebound keys", async () => {
    const mine = { ...settings, theme: "dark" as const, text_size: 125 as const, keys: { "help.keys": "Mod+H" } };
    const { user } = await open("/", makeMe({ settings: mine }));
    await isReady();
    expect(document.documentElement.dataset).toMatchObject({ theme: "dark", textSize: "125", motion: "reduced" });
    await user.keyboard("{Control>}h{/Control}");
    expect(await screen.findByRole("dialog", { name: "Keys" }, { timeout: 5000 })).toBeVisible();
  });

  it("leaves nothing of a person in the window when their session ends", async () => {
    const { router, client, user } = await open("/", makeMe(), { "POST /api/v1/auth/logout": null });
    await isReady();
    await user.click(screen.getByRole("button", { name: "Account RK" }));
    await user.click(await screen.findByRole("menuitem", { name: "Sign out" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/login"), { timeout: 5000 });
    expect(deskStore.desk.tabs).toEqual([]);
    expect(client.getQueryCache().find({ queryKey: ["jobs"] })).toBeUndefined();
  });
});
