import { announceSessionEnd } from "../api/client";
import { connectionLost, connectionRestored, onRetryConnection } from "../api/connection";
import { type AppEvent, readEvent } from "./fold";
import { SseParser } from "./sse";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
/** The server says something at least every 15 s, if only a comment; silence past this is a dead line. */
const SILENCE_MS = 45_000;
/** A window nobody looks at gives its connection back, since browsers allow six per server. */
const HIDDEN_MS = 60_000;

/**
 * Follows the person's events until it is stopped. Resumes from the last id after every break, so nothing is missed;
 * `onReconnect` says that there was a break, for what is not told by events.
 */
export function followEvents({
  onEvent,
  onReconnect,
  url = "/api/v1/events",
}: {
  onEvent: (event: AppEvent) => void;
  onReconnect: () => void;
  url?: string;
}): () => void {
  let stopped = false;
  let lastId = "";
  let wait = FIRST_WAIT_MS;
  let current: AbortController | undefined;
  let wake: (() => void) | undefined;
  let hiddenTimer: ReturnType<typeof setTimeout> | undefined;
  let paused = false;
  let hurried = false;
  /** There is no line: it broke, or it never stood. */
  let broken = false;

  const sleep = (milliseconds: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  async function once(): Promise<"ended" | "refused"> {
    current = new AbortController();
    const { signal } = current;
    let silence: ReturnType<typeof setTimeout> | undefined;
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => current?.abort(), SILENCE_MS);
    };
    try {
      heard();
      const response = await fetch(url, {
        signal,
        credentials: "same-origin",
        cache: "no-store",
        headers: { Accept: "text/event-stream", ...(lastId ? { "Last-Event-ID": lastId } : {}) },
      });
      if (response.status === 401) {
        announceSessionEnd();
        return "refused";
      }
      if (!response.ok || !response.body) throw new TypeError(`The event stream answered ${response.status}.`);
      if (broken) onReconnect();
      broken = false;
      wait = FIRST_WAIT_MS;
      connectionRestored();
      const parser = new SseParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return "ended";
        heard();
        // Some other request may have failed meanwhile; whatever arrives here says that the server is there.
        connectionRestored();
        for (const raw of parser.push(value)) {
          const event = readEvent(raw.event, raw.data);
          if (event) onEvent(event);
        }
        // Ticks carry a position and no data, so the place is taken from the parser and not from the events.
        if (parser.lastId) lastId = parser.lastId;
      }
    } finally {
      clearTimeout(silence);
    }
  }

  async function run() {
    while (!stopped) {
      if (paused) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      hurried = false;
      const wasBroken = broken;
      try {
        if ((await once()) === "refused") return;
      } catch {
        // Every way a line can break ends here; what to do about it is the same.
      }
      // A line that stood a moment ago may be back at once, so the first break is not told.
      const isTold = wasBroken && broken;
      broken = true;
      if (stopped || paused || hurried) continue;
      // Half of the wait is chance, so that a server that comes back is not met by everyone at once.
      const pause = wait / 2 + Math.random() * (wait / 2);
      if (isTold) connectionLost(Date.now() + pause);
      wait = Math.min(LONGEST_WAIT_MS, wait * 2);
      await sleep(pause);
    }
  }

  const onVisibility = () => {
    clearTimeout(hiddenTimer);
    if (document.visibilityState === "hidden") {
      hiddenTimer = setTimeout(() => {
        paused = true;
        current?.abort();
      }, HIDDEN_MS);
    } else if (paused) {
      paused = false;
      wake?.();
    }
  };
  document.addEventListener("visibilitychange", onVisibility);
  // A line may be dead without having been closed, so it is given up and made anew.
  const retry = () => {
    wait = FIRST_WAIT_MS;
    hurried = true;
    current?.abort();
    wake?.();
  };
  const offRetry = onRetryConnection(retry);
  // Only a reason to look: without any network, a Kontor on this machine is still there.
  window.addEventListener("online", retry);
  window.addEventListener("offline", retry);
  void run();
  return () => {
    stopped = true;
    clearTimeout(hiddenTimer);
    document.removeEventListener("visibilitychange", onVisibility);
    offRetry();
    window.removeEventListener("online", retry);
    window.removeEventListener("offline", retry);
    current?.abort();
    wake?.();
  };
}
