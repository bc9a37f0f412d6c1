import { describe, expect, it, vi } from "vitest";
import { type AppEvent, fold, readEvent } from "./fold";
import { gathering } from "./soon";
import { SseParser } from "./sse";

describe("the parser", () => {
  const stream = 'id: 7\nevent: job.changed\ndata: {"a":\ndata: 1}\n\n: beat\n\nid: 8\r\ndata: x\r\n\r\n';

  it("reads the same events whatever the pieces", () => {
    const whole = new SseParser().push(stream);
    expect(whole).toEqual([
      { id: "7", event: "job.changed", data: '{"a":\n1}' },
      { id: "8", event: "message", data: "x" },
    ]);
    for (let size = 1; size < 9; size += 1) {
      const parser = new SseParser();
      const events = [];
      for (let at = 0; at < stream.length; at += size) events.push(...parser.push(stream.slice(at, at + size)));
      expect(events).toEqual(whole);
    }
  });

  it("takes the place from a tick that carries no data", () => {
    const parser = new SseParser();
    expect(parser.push("id: 41.7\n\n")).toEqual([]);
    expect(parser.lastId).toBe("41.7");
  });
});

describe("folding", () => {
  const event = (kind: string, data: object = {}) => readEvent(kind, JSON.stringify({ kind, data })) as AppEvent;

  it("leaves our own changes alone and takes over those of other windows", () => {
    expect(fold(event("desk.changed", { version: 3, client: "me" }), "me")).toEqual([]);
    expect(fold(event("desk.changed", { version: 3, client: "you" }), "me")).toEqual([{ do: "desk", version: 3 }]);
    expect(fold(event("settings.changed", { client: "you" }), "me")).toEqual([{ do: "refresh", key: ["me"] }]);
  });

  it("puts progress into the list without asking the server", () => {
    const changes = fold(event("job.changed", { id: "j", state: "running", done: 3 }), "me");
    expect(changes).toEqual([{ do: "patchJob", job: { id: "j", state: "running", done: 3 } }]);
    expect(fold(event("job.changed", { id: "j", state: "done" }), "me")).toContainEqual({
      do: "refresh",
      key: ["jobs"],
    });
  });

  it("asks for the administrators' lists soon, and for mails only when a mail may have moved", () => {
    const keys = (data: object) => fold(event("jobs.changed", data), "me").map((change) => JSON.stringify(change));
    const mail = JSON.stringify({ do: "refreshSoon", key: ["admin", "mail"] });
    expect(keys({ jobs: [{ kind: "jobs.sweep" }], count: 1 })).toContain(
      JSON.stringify({ do: "refreshSoon", key: ["admin", "jobs"] }),
    );
    expect(keys({ jobs: [{ kind: "jobs.sweep" }], count: 1 })).not.toContain(mail);
    expect(keys({ jobs: [{ kind: "mail.send" }], count: 1 })).toContain(mail);
    expect(keys({ jobs: [{ kind: "jobs.sweep" }], count: 300 })).toContain(mail);
    expect(fold(event("mail.shown", { id: "m" }), "me")).toEqual([JSON.parse(mail)]);
  });

  it("asks for everything when the server cannot replay", () => {
    expect(fold(event("reset"), "me")).toContainEqual({ do: "refreshAll" });
  });

  it("looks at the sums when a run is over, and only at the log while it is under way", () => {
    expect(fold(event("run.changed", { state: "running" }), "me")).toEqual([
      { do: "refreshSoon", key: ["usage", "log"] },
    ]);
    expect(fold(event("run.changed", { state: "done" }), "me")).toContainEqual({ do: "refreshSoon", key: ["billing"] });
  });

  it("looks at models, limits and prices anew when prices or rates have changed for everybody", () => {
    const keys = fold(event("prices.changed"), "me").map((change) => JSON.stringify(change));
    for (const key of [["models"], ["billing"], ["admin", "prices"], ["admin", "billing"]]) {
      expect(keys).toContain(JSON.stringify({ do: "refreshSoon", key }));
    }
  });

  it("does not trip over kinds of a newer server", () => {
    expect(readEvent("chat.sung", "{}")).toBeNull();
  });
});

describe("gathering", () => {
  it("asks once for what is wanted many times within a moment, and not after the end", () => {
    vi.useFakeTimers();
    const ask = vi.fn();
    const gathered = gathering(ask);
    for (let each = 0; each < 5; each += 1) gathered.soon(["admin", "jobs"]);
    gathered.soon(["admin", "stats"]);
    vi.runAllTimers();
    expect(ask.mock.calls).toEqual([[["admin", "jobs"]], [["admin", "stats"]]]);
    gathered.soon(["admin", "jobs"]);
    gathered.stop();
    vi.runAllTimers();
    expect(ask).toHaveBeenCalledTimes(2);
    vi.useRealTimers();
  });
});
