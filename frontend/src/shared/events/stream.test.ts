// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { connectionRestored, currentConnection, retryConnection } from "../api/connection";
import type { AppEvent } from "./fold";
import { followEvents } from "./stream";

interface Line {
  readonly headers: Headers;
  readonly push: (text: string) => void;
  readonly end: () => void;
  readonly isOpen: () => boolean;
}

const encoder = new TextEncoder();
/** When the browser dialled, in milliseconds since the beginning. */
let dials: number[] = [];
let lines: Line[] = [];
/** What the server does with a call: put it through, refuse it, or not be there. */
let server: "there" | "away" | number = "there";
let stop = () => {};

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  // The whole wait, so that times are exact.
  vi.spyOn(Math, "random").mockReturnValue(1);
  connectionRestored();
  dials = [];
  lines = [];
  server = "there";
  vi.stubGlobal("fetch", async (_url: string, init: RequestInit) => {
    dials.push(Date.now());
    if (server === "away") throw new TypeError("Failed to fetch");
    if (server !== "there") return new Response(null, { status: server });
    let controller!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (made) => {
        controller = made;
      },
    });
    init.signal?.addEventListener("abort", () => controller.error(new DOMException("aborted", "AbortError")));
    lines.push({
      headers: new Headers(init.headers),
      push: (text) => controller.enqueue(encoder.encode(text)),
      end: () => controller.close(),
      isOpen: () => init.signal?.aborted === false,
    });
    return new Response(body);
  });
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

async function follow() {
  const events: AppEvent[] = [];
  const onReconnect = vi.fn();
  stop = followEvents({ onEvent: (event) => events.push(event), onReconnect });
  await pass(0);
  return { events, onReconnect };
}

/** The server says something every 15 s, if only that it is there. */
async function beats(count: number) {
  for (let beat = 0; beat < count; beat += 1) {
    await pass(15_000);
    lines[0]?.push(": beat\n\n");
  }
}

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

function lookAway(hidden: boolean) {
  vi.spyOn(document, "visibilityState", "get").mockReturnValue(hidden ? "hidden" : "visible");
  document.dispatchEvent(new Event("visibilitychange"));
}

describe("a line that breaks", () => {
  it("is made anew from the last place, and says that there was a break", async () => {
    const { events, onReconnect } = await follow();
    lines[0]?.push('id: 12\nevent: notification.created\ndata: {"data":{"id":"n"}}\n\n');
    await pass(0);
    expect(events).toEqual([{ kind: "notification.created", data: { id: "n" } }]);
    expect(onReconnect).not.toHaveBeenCalled();
    lines[0]?.end();
    await pass(1000);
    expect(lines[1]?.headers.get("Last-Event-ID")).toBe("12");
    expect(onReconnect).toHaveBeenCalledTimes(1);
  });

  it("is not spoken of when it is back at the first try", async () => {
    await follow();
    lines[0]?.end();
    await pass(1000);
    expect(lines).toHaveLength(2);
    expect(currentConnection().state).toBe("connected");
  });

  it("is taken for dead when it has said nothing for three beats", async () => {
    const { onReconnect } = await follow();
    await beats(5);
    await pass(44_000);
    expect(lines).toHaveLength(1);
    await pass(2000);
    expect(lines).toHaveLength(2);
    expect(onReconnect).toHaveBeenCalledTimes(1);
  });
});

describe("a server that is away", () => {
  it("is called ever more rarely, and one is told when the next call comes", async () => {
    server = "away";
    await follow();
    expect(currentConnection().state).toBe("connected");
    await pass(1000);
    expect(currentConnection()).toEqual({ state: "lost", since: 1000, retryAt: 3000 });
    await pass(119_000);
    const waits = dials.slice(1).map((time, index) => time - (dials[index] as number));
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(currentConnection()).toEqual({ state: "lost", since: 1000, retryAt: 121_000 });
  });

  it("is noticed when it answers with an error, too", async () => {
    server = 502;
    await follow();
    await pass(1000);
    expect(currentConnection().state).toBe("lost");
  });

  it("leads to a look at everything when it is back, also if it had never told anything", async () => {
    server = "away";
    const { onReconnect } = await follow();
    await pass(4000);
    server = "there";
    await pass(3000);
    expect(currentConnection().state).toBe("connected");
    expect(onReconnect).toHaveBeenCalledTimes(1);
    // The next break starts with short waits again.
    server = "away";
    lines[0]?.end();
    await pass(1000);
    expect(currentConnection()).toMatchObject({ state: "lost", retryAt: Date.now() + 2000 });
  });

  it.each([
    ["someone presses “Try now”", retryConnection],
    ["the browser has a network again", () => window.dispatchEvent(new Event("online"))],
  ])("is called at once when %s", async (_, hurry) => {
    server = "away";
    const { onReconnect } = await follow();
    await pass(40_000);
    const before = dials.length;
    hurry();
    await pass(0);
    expect(dials).toHaveLength(before + 1);
    expect(currentConnection()).toEqual({ state: "lost", since: 1000, retryAt: 41_000 });
    server = "there";
    hurry();
    await pass(0);
    expect(dials).toHaveLength(before + 2);
    expect(currentConnection().state).toBe("connected");
    expect(onReconnect).toHaveBeenCalledTimes(1);
    // One call for one press: the line that stands now is left alone.
    await pass(30_000);
    expect(dials).toHaveLength(before + 2);
  });

  it("is looked for when the browser loses its network, since the line may be dead without having been closed", async () => {
    await follow();
    server = "away";
    window.dispatchEvent(new Event("offline"));
    await pass(0);
    expect(dials).toHaveLength(2);
    expect(currentConnection().state).toBe("lost");
  });
});

describe("a line that is not wanted", () => {
  it("is given back a minute after the window went out of sight, and taken up when it is seen again", async () => {
    const { onReconnect } = await follow();
    lookAway(true);
    await beats(3);
    await pass(14_000);
    expect(lines[0]?.isOpen()).toBe(true);
    await pass(120_000);
    expect(lines[0]?.isOpen()).toBe(false);
    expect(dials).toEqual([0]);
    expect(currentConnection().state).toBe("connected");
    lookAway(false);
    await pass(0);
    expect(lines).toHaveLength(2);
    expect(onReconnect).toHaveBeenCalledTimes(1);
  });

  it("ends with the session", async () => {
    server = 401;
    await follow();
    await pass(120_000);
    retryConnection();
    await pass(0);
    expect(dials).toEqual([0]);
  });

  it("ends when nobody follows any more", async () => {
    await follow();
    stop();
    retryConnection();
    window.dispatchEvent(new Event("online"));
    await pass(120_000);
    expect(dials).toEqual([0]);
  });
});
