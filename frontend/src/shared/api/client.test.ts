// @vitest-environment jsdom
import { afterEach, describe, expect, it, vi } from "vitest";
import { sayIn } from "../i18n/texts";
import { problem, serve } from "../test/network";
import { installation, makeMe } from "../test/people";
import { api, ifMatch, onSessionEnd, read, setCsrfToken, windowName } from "./client";
import { connectionLost, connectionRestored, currentConnection } from "./connection";
import { Offline, Problem } from "./problem";
import "./problem-code-texts";
import { problemTexts } from "./problem-texts";
import { fieldText, problemText } from "./texts";

const say = sayIn(problemTexts, "en");

afterEach(() => {
  setCsrfToken("");
  connectionRestored();
});

describe("the client", () => {
  it("names its window and carries the token on what changes things, not on what reads", async () => {
    setCsrfToken("secret");
    const { requests } = serve({ "GET /api/v1/installation": installation, "POST /api/v1/auth/logout": null });
    await read(api.GET("/api/v1/installation"));
    await read(api.POST("/api/v1/auth/logout"));
    expect(requests.map((request) => request.headers.get("X-Kontor-CSRF"))).toEqual([null, "secret"]);
    expect(requests[1]?.headers.get("X-Kontor-Client")).toBe(windowName);
    expect(windowName).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
  });

  it("throws problems with their fields", async () => {
    serve({
      "PATCH /api/v1/settings": () =>
        problem(422, "http.invalid_request", [{ field: "timezone", message: "Name a zone.", code: "value_error" }]),
    });
    const failure = await read(api.PATCH("/api/v1/settings", { body: {} })).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Problem);
    expect(fieldText(failure, "timezone", say)).toBe("This is not valid.");
    expect(fieldText(failure, "name", say)).toBeUndefined();
  });

  it("tells an ended session from a wrong password", async () => {
    const ended = vi.fn();
    const stop = onSessionEnd(ended);
    serve({
      "GET /api/v1/jobs": () => problem(401, "auth.required"),
      "GET /api/v1/auth/me": () => problem(401, "auth.required"),
      "POST /api/v1/auth/login": () => problem(401, "auth.invalid_credentials"),
    });
    await api.POST("/api/v1/auth/login", { body: { email: "a@b.c", password: "x" } as never }).catch(() => {});
    await api.GET("/api/v1/auth/me").catch(() => {});
    expect(ended).not.toHaveBeenCalled();
    await api.GET("/api/v1/jobs").catch(() => {});
    expect(ended).toHaveBeenCalledTimes(1);
    stop();
  });

  it("knows a server that is away from one that refuses", async () => {
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("Failed to fetch");
    });
    await expect(read(api.GET("/api/v1/auth/me"))).rejects.toBeInstanceOf(Offline);
    expect(currentConnection().state).toBe("lost");
    serve({ "GET /api/v1/auth/me": makeMe() });
    await read(api.GET("/api/v1/auth/me"));
    expect(currentConnection().state).toBe("connected");
    vi.stubGlobal("fetch", async () => new Response("<html>Bad gateway</html>", { status: 502 }));
    await expect(read(api.GET("/api/v1/auth/me"))).rejects.toBeInstanceOf(Offline);
  });

  it("does not forget when the line is tried again because a request fails meanwhile", async () => {
    const retryAt = Date.now() + 20_000;
    connectionLost(retryAt);
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("Failed to fetch");
    });
    await expect(read(api.GET("/api/v1/auth/me"))).rejects.toBeInstanceOf(Offline);
    expect(currentConnection()).toMatchObject({ state: "lost", retryAt });
  });

  it("does not take a cancelled request for a lost line", async () => {
    const abort = new AbortController();
    vi.stubGlobal("fetch", async (request: Request) => {
      abort.abort();
      request.signal.throwIfAborted();
      throw new DOMException("aborted", "AbortError");
    });
    await expect(read(api.GET("/api/v1/jobs", { signal: abort.signal }))).rejects.toThrow();
    expect(currentConnection().state).toBe("connected");
  });

  it("writes versions as entity tags", () => {
    expect(ifMatch(7)).toEqual({ "if-match": '"7"' });
  });
});

describe("what a failure is called", () => {
  it("comes from its code, else from its kind, and never is empty", () => {
    expect(problemText(new Problem({ status: 403, code: "auth.role_required" }), say).title).toBe(
      "Only administrators may do this.",
    );
    expect(problemText(new Problem({ status: 404, code: "chat.not_found" }), say).title).toBe("This is not here.");
    expect(problemText(new Problem({ status: 500, code: "x.y" }), say).title).toBe("That did not work.");
    expect(
      problemText(new Problem({ status: 429, code: "limits.reached" }, 90), say).advice.replaceAll("\u00a0", " "),
    ).toBe("Please wait 1 min 30 s.");
    expect(problemText(new Error("bug"), say).title).toBe("That did not work.");
    expect(problemText(new Problem({ status: 400, code: "toString" }), say).title).toBe(
      "Something in this form is not right.",
    );
  });
});
