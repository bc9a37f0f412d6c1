import { describe, expect, it } from "vitest";
import {
  activate,
  bringToFront,
  CLOSED_LIMIT,
  close,
  type Desk,
  emptyDesk,
  merge,
  move,
  name,
  named,
  neighbour,
  OPEN_LIMIT,
  openNew,
  reopen,
  setShare,
  tabKey,
  visit,
  withSecond,
} from "./desk";

const to = (path: string, key = path.split("/")[1] || "start") => ({ path, key, title: path, icon: null });

function deskAt(...paths: string[]): Desk {
  return paths.reduce((desk, path) => {
    const result = visit(desk, to(path));
    return { ...result.desk, active: result.tab };
  }, emptyDesk);
}

const ids = (desk: Desk) => desk.tabs.map((tab) => tab.id);

describe("visiting an address", () => {
  it("stays in the tab in front when that is of the same kind", () => {
    const { desk, tab } = visit(deskAt("/", "/admin/users"), to("/admin/jobs"));
    expect(tab).toBe("admin");
    expect(desk.tabs.map((entry) => entry.path)).toEqual(["/", "/admin/jobs"]);
  });

  it("goes to an open tab of that kind before it opens one", () => {
    const desk = { ...deskAt("/", "/admin/users", "/settings/keys"), active: "start" };
    expect(visit(desk, to("/admin/audit")).tab).toBe("admin");
    expect(ids(visit(desk, to("/chats")).desk)).toEqual(["start", "chats", "admin", "settings"]);
  });

  it("prefers the tab that shows exactly this address", () => {
    const first = deskAt("/admin/users");
    const { desk } = openNew(first, to("/admin/jobs"));
    expect(visit({ ...desk, active: null }, to("/admin/jobs")).tab).toBe("admin--2");
  });

  it("opens a second tab of the kind when the other half of a split view shows the first", () => {
    const desk = { ...deskAt("/", "/admin/users"), active: "start" };
    expect(visit(desk, to("/admin/jobs"), "start", "admin").tab).toBe("admin--2");
  });

  it("makes room at the limit by closing the oldest tab that is not in front", () => {
    let desk = emptyDesk;
    for (let number = 0; number < OPEN_LIMIT; number += 1) {
      const result = visit(desk, to(`/chat${number}`));
      desk = { ...result.desk, active: result.tab };
    }
    const after = visit(desk, to("/one-more")).desk;
    expect(after.tabs).toHaveLength(OPEN_LIMIT);
    expect(after.closed[0]?.id).toBe("chat0");
  });
});

describe("closing and reopening", () => {
  it("brings the right neighbour forward, else the left", () => {
    const desk = { ...deskAt("/", "/admin", "/settings"), active: "admin" };
    expect(close(desk, "admin").next?.id).toBe("settings");
    expect(close({ ...desk, active: "settings" }, "settings").next?.id).toBe("admin");
    expect(close(deskAt("/"), "start").next).toBeNull();
  });

  it("leaves the front alone when another tab is closed", () => {
    const { desk, next } = close({ ...deskAt("/", "/admin"), active: "start" }, "admin");
    expect([desk.active, next?.id]).toEqual(["start", "start"]);
  });

  it("reopens the last closed one beside the tab in front, under a free id", () => {
    const closed = close(deskAt("/", "/admin/users"), "admin").desk;
    const again = visit(closed, to("/admin/jobs")).desk;
    const { desk, tab } = reopen({ ...again, active: "start" });
    expect(tab).toMatchObject({ id: "admin--2", path: "/admin/users" });
    expect(ids(desk)).toEqual(["start", "admin--2", "admin"]);
    expect(desk.closed).toEqual([]);
  });

  it("remembers a bounded number of closed tabs, each address once", () => {
    let desk = emptyDesk;
    for (let number = 0; number < CLOSED_LIMIT + 5; number += 1)
      desk = close(visit(desk, to(`/c${number}`)).desk, `c${number}`).desk;
    expect(desk.closed).toHaveLength(CLOSED_LIMIT);
    const twice = close(visit(desk, to("/c24")).desk, "c24").desk;
    expect(twice.closed.filter((tab) => tab.path === "/c24")).toHaveLength(1);
  });
});

describe("order and names", () => {
  it("moves within the strip and clamps outside of it", () => {
    const desk = deskAt("/", "/admin", "/settings");
    expect(ids(move(desk, "settings", 0))).toEqual(["settings", "start", "admin"]);
    expect(ids(move(desk, "start", 99))).toEqual(["admin", "settings", "start"]);
    expect(move(desk, "start", 0)).toBe(desk);
  });

  it("changes nothing when the name is the same, so that nothing is saved", () => {
    const desk = name(deskAt("/"), "start", "Start", null);
    expect(name(desk, "start", "Start", null)).toBe(desk);
  });

  it("goes round from the last tab to the first", () => {
    expect(neighbour({ ...deskAt("/", "/admin"), active: "admin" }, 1)?.id).toBe("start");
    expect(neighbour(emptyDesk, 1)).toBeNull();
  });

  it("makes keys that the server accepts as ids", () => {
    expect(tabKey("chat:3f/ü é")).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(tabKey("///")).toBe("tab");
  });
});

describe("two sheets", () => {
  const split = bringToFront(
    withSecond({ ...deskAt("/", "/admin", "/settings"), active: "admin" }, "settings"),
    "second",
  );
  const sheets = (desk: Desk) => [desk.active, desk.split.second, desk.split.front];

  it("change places when the tab of one is wanted on the other", () => {
    expect(sheets(activate(split, "settings"))).toEqual(["settings", "admin", "second"]);
    expect(sheets(activate(split, "start"))).toEqual(["start", "settings", "second"]);
  });

  it("become one when the tab of either is closed and no third comes forward", () => {
    expect(sheets(close(split, "settings").desk)).toEqual(["admin", null, "main"]);
    expect(sheets(close(split, "admin").desk)).toEqual(["settings", null, "main"]);
    expect(sheets(close(split, "start").desk)).toEqual(["admin", "settings", "second"]);
  });

  it("have a front only while there are two", () => {
    expect(sheets(bringToFront(withSecond(split, null), "second"))).toEqual(["admin", null, "main"]);
  });

  it("keep their tabs when the oldest one makes room", () => {
    let desk = withSecond(deskAt("/", "/chat0"), "start");
    for (let number = 1; number < OPEN_LIMIT; number += 1) desk = visit(desk, to(`/chat${number}`)).desk;
    expect(ids(desk)).toHaveLength(OPEN_LIMIT);
    expect(ids(desk)).toContain("start");
  });
});

describe("two devices", () => {
  const base = deskAt("/", "/admin", "/settings");

  it("keeps what either opened and closes what either closed", () => {
    const ours = visit(close(base, "admin").desk, to("/chats")).desk;
    const theirs = visit(close(base, "settings").desk, to("/data")).desk;
    expect(ids(merge(base, ours, theirs)).toSorted()).toEqual(["chats", "data", "start"]);
  });

  it("lets our own change to a tab win, and takes theirs where we changed nothing", () => {
    const ours = visit({ ...base, active: "admin" }, to("/admin/users")).desk;
    const theirs = visit(
      { ...visit({ ...base, active: "admin" }, to("/admin/jobs")).desk, active: "settings" },
      to("/settings/keys"),
    ).desk;
    const merged = merge(base, ours, theirs);
    expect(merged.tabs.map((tab) => tab.path)).toEqual(["/", "/admin/users", "/settings/keys"]);
  });

  it("keeps the tab this device has in front", () => {
    const ours = { ...base, active: "start" };
    expect(merge(base, ours, { ...base, active: "settings" }).active).toBe("start");
    expect(
      merge(base, close({ ...base, active: "settings" }, "settings").desk, { ...base, active: "start" }).active,
    ).toBe("admin");
  });

  it("shares the second sheet, its width, and its end", () => {
    const split = withSecond(setShare({ ...base, active: "start" }, 60), "admin");
    expect(merge(base, base, split)).toMatchObject({ active: "settings", split: { second: "admin", share: 60 } });
    expect(merge(split, split, withSecond(split, null)).split.second).toBeNull();
    expect(merge(split, withSecond(split, "settings"), { ...split, active: "settings" })).toMatchObject({
      active: "start",
      split: { second: "settings" },
    });
  });

  it("shows the same two sheets the other way round when the second tab there is in front here", () => {
    const here = { ...base, active: "admin" };
    const there = withSecond({ ...base, active: "start" }, "admin");
    const merged = merge(here, here, there);
    expect(merged).toMatchObject({ active: "admin", split: { second: "start", front: "main" } });
    // What this device saves next moves nothing on the other one.
    expect(merge(there, there, merged)).toEqual(there);
  });

  it("has one sheet when the other device closed a tab of the two", () => {
    const split = bringToFront(withSecond({ ...base, active: "start" }, "admin"), "second");
    expect(merge(split, split, close(split, "admin").desk).split).toMatchObject({ second: null, front: "main" });
    expect(merge(split, split, close({ ...split, active: "admin" }, "start").desk)).toMatchObject({
      active: "admin",
      split: { second: null },
    });
  });

  it("takes the order of whoever reordered", () => {
    expect(ids(merge(base, move(base, "settings", 0), base))).toEqual(["settings", "start", "admin"]);
    expect(ids(merge(base, base, move(base, "settings", 0)))).toEqual(["settings", "start", "admin"]);
  });

  it("changes nothing when nothing changed", () => {
    expect(merge(base, base, base)).toEqual(base);
  });
});

describe("titles in another language", () => {
  it("change for places, open and closed, and for nothing else", () => {
    const desk = close(name(deskAt("/", "/admin/users", "/chat/7"), "chat", "Letter", null), "admin").desk;
    const german = named(desk, ({ path, title }) => (path.startsWith("/admin") ? "Personen" : title));
    expect(german.tabs.map((tab) => tab.title)).toEqual(["/", "Letter"]);
    expect(german.closed.map((tab) => tab.title)).toEqual(["Personen"]);
    expect(named(german, ({ title }) => title)).toBe(german);
  });
});
