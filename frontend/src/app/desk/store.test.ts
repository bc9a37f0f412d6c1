import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Offline, Problem } from "@/shared/api/problem";
import { type Desk, emptyDesk, visit, withSecond } from "./desk";
import { DeskStore } from "./store";

const to = (path: string) => ({ path, key: path.slice(1), title: path, icon: null });
const open = (path: string) => (desk: Desk) => visit(desk, to(path)).desk;

/** A server that keeps versions, as ours does. */
class Server {
  desk: Desk = emptyDesk;
  version = 0;
  saves = 0;
  away = false;
  load = async () => ({ desk: this.desk, version: this.version });
  save = async (desk: Desk, seen: number) => {
    if (this.away) throw new Offline("away");
    if (seen !== this.version) throw new Problem({ status: 412, code: "http.stale" });
    this.desk = desk;
    this.version += 1;
    this.saves += 1;
    return this.version;
  };
  another(change: (desk: Desk) => Desk) {
    this.desk = change(this.desk);
    this.version += 1;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function start() {
  const server = new Server();
  const store = new DeskStore(server);
  await store.load();
  return { server, store };
}

describe("saving the desk", () => {
  it("waits until the person is done, and saves once", async () => {
    const { server, store } = await start();
    store.update(open("/a"));
    store.update(open("/b"));
    expect(server.saves).toBe(0);
    await vi.advanceTimersByTimeAsync(900);
    expect(server.saves).toBe(1);
    expect(server.desk.tabs).toHaveLength(2);
  });

  it("merges when another device was first, and saves the result", async () => {
    const { server, store } = await start();
    store.update(open("/ours"));
    server.another(open("/theirs"));
    await vi.advanceTimersByTimeAsync(2000);
    expect(store.desk.tabs.map((tab) => tab.path).toSorted()).toEqual(["/ours", "/theirs"]);
    expect(server.desk.tabs).toHaveLength(2);
  });

  it("keeps trying while the server is away", async () => {
    const { server, store } = await start();
    server.away = true;
    store.update(open("/a"));
    await vi.advanceTimersByTimeAsync(2000);
    expect(server.saves).toBe(0);
    server.away = false;
    await vi.advanceTimersByTimeAsync(6000);
    expect(server.desk.tabs).toHaveLength(1);
  });

  it("takes over what another device did when the stream tells", async () => {
    const { server, store } = await start();
    server.another(open("/theirs"));
    await store.noticed(server.version);
    expect(store.desk.tabs.map((tab) => tab.path)).toEqual(["/theirs"]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(server.saves).toBe(0);
  });

  it("lets two devices rest that have different tabs in front", async () => {
    const { server, store: first } = await start();
    first.update(open("/a"));
    first.update(open("/b"));
    await vi.advanceTimersByTimeAsync(900);
    const second = new DeskStore(server);
    await second.load();
    first.update((desk) => ({ ...desk, active: "a" }));
    second.update((desk) => ({ ...desk, active: "b" }));
    for (let round = 0; round < 6; round += 1) {
      await vi.advanceTimersByTimeAsync(1000);
      await first.noticed(server.version);
      await second.noticed(server.version);
    }
    const { saves } = server;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(server.saves).toBe(saves);
    expect([first.desk.active, second.desk.active]).toEqual(["a", "b"]);
  });

  it("saves a split view although another device was first, and the other one takes it over for good", async () => {
    const { server, store: first } = await start();
    first.update((desk) => ({ ...open("/b")(open("/a")(desk)), active: "a" }));
    await vi.advanceTimersByTimeAsync(900);
    const second = new DeskStore(server);
    await second.load();
    first.update((desk) => withSecond(desk, "b"));
    server.another((desk) => ({ ...desk, active: "b" }));
    await vi.advanceTimersByTimeAsync(2000);
    expect(server.desk).toMatchObject({ active: "a", split: { second: "b" } });
    const { saves } = server;
    await second.noticed(server.version);
    second.update((desk) => ({ ...desk, active: "b", split: { ...desk.split, second: "a" } }));
    for (let round = 0; round < 4; round += 1) {
      await vi.advanceTimersByTimeAsync(1000);
      await first.noticed(server.version);
      await second.noticed(server.version);
    }
    expect(server.saves).toBe(saves + 1);
    expect([first.desk.active, first.desk.split.second]).toEqual(["a", "b"]);
    expect([second.desk.active, second.desk.split.second]).toEqual(["b", "a"]);
  });

  it("does not load again for its own save", async () => {
    const { server, store } = await start();
    store.update(open("/a"));
    await vi.advanceTimersByTimeAsync(900);
    const load = vi.spyOn(server, "load");
    await store.noticed(server.version);
    expect(load).not.toHaveBeenCalled();
  });

  it("says what is still unsaved when the window goes", async () => {
    const { store } = await start();
    expect(store.pending()).toBeNull();
    store.update(open("/a"));
    expect(store.pending()).toMatchObject({ version: 0 });
  });
});
