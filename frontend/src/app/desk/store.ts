import { useSyncExternalStore } from "react";
import { api, currentCsrfToken, ifMatch, read, windowName } from "@/shared/api/client";
import { isProblem } from "@/shared/api/problem";
import { type Desk, deskOf, emptyDesk, isSameButSheets, merge, splitsAlike, toServer } from "./desk";

const SAVE_AFTER_MS = 800;
const RETRY_MS = 5000;

export interface DeskSource {
  load: () => Promise<{ desk: Desk; version: number }>;
  /** Rejects with a Problem of status 412 when someone else was first. */
  save: (desk: Desk, version: number) => Promise<number>;
}

/** What the strip looks like on this device, saved for the others a moment after each change. */
export class DeskStore {
  #desk: Desk = emptyDesk;
  #base: Desk = emptyDesk;
  #version = 0;
  #loaded = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #saving = false;
  #first: Promise<void> | undefined;
  #listeners = new Set<() => void>();
  readonly #source: DeskSource;

  constructor(source: DeskSource) {
    this.#source = source;
  }

  get desk(): Desk {
    return this.#desk;
  }

  get isLoaded(): boolean {
    return this.#loaded;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Asks once, however many want to know. */
  ensure(): Promise<void> {
    if (this.#loaded) return Promise.resolve();
    this.#first ??= this.load().finally(() => {
      this.#first = undefined;
    });
    return this.#first;
  }

  /** The desk of another session or device; without it one starts with an empty strip. */
  async load(): Promise<void> {
    const { desk, version } = await this.#source.load();
    const weSplit = this.#loaded && !splitsAlike(this.#desk, this.#base);
    this.#desk = this.#loaded ? merge(this.#base, this.#desk, desk) : desk;
    // Taking over what another device did is no change of ours. Without this, two devices with different tabs in
    // front would answer each other's saves for ever.
    const isSettled = isSameButSheets(this.#desk, desk) && (!weSplit || splitsAlike(this.#desk, desk));
    this.#base = isSettled ? this.#desk : desk;
    this.#version = version;
    this.#loaded = true;
    this.#notify();
    this.#plan();
  }

  /** Works without the server too; saving begins once the desk has been loaded. */
  startEmpty(): void {
    this.#loaded = true;
    this.#notify();
  }

  update(change: (desk: Desk) => Desk): void {
    const next = change(this.#desk);
    if (next === this.#desk) return;
    this.#desk = next;
    this.#notify();
    this.#plan();
  }

  /** The stream says that the desk has a new version; our own saves come back this way too. */
  async noticed(version: number | null): Promise<void> {
    if (!this.#loaded || this.#saving || (version !== null && version <= this.#version)) return;
    await this.load().catch(() => {});
  }

  #plan(): void {
    if (!this.#loaded || this.#desk === this.#base) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), SAVE_AFTER_MS);
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#saving || !this.#loaded || this.#desk === this.#base) return;
    this.#saving = true;
    const sent = this.#desk;
    let again = 0;
    try {
      this.#version = await this.#source.save(sent, this.#version);
      this.#base = sent;
    } catch (error) {
      if (isProblem(error) && error.status === 412) {
        await this.load().catch(() => {
          again = RETRY_MS;
        });
      } else if (!isProblem(error)) {
        again = RETRY_MS;
      }
      // A refusal for another reason would only be refused again; the strip works on, unsaved, until the next change.
    } finally {
      this.#saving = false;
    }
    if (again > 0) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.flush(), again);
    } else if (this.#desk !== sent) {
      this.#plan();
    }
  }

  /** On leaving: one request that outlives the page. */
  pending(): { desk: Desk; version: number } | null {
    return this.#loaded && this.#desk !== this.#base ? { desk: this.#desk, version: this.#version } : null;
  }

  reset(): void {
    clearTimeout(this.#timer);
    this.#desk = emptyDesk;
    this.#base = emptyDesk;
    this.#version = 0;
    this.#loaded = false;
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

const server: DeskSource = {
  async load() {
    const { version, ...desk } = await read(api.GET("/api/v1/desk"));
    return { desk: deskOf(desk), version };
  },
  async save(desk, version) {
    const saved = await read(api.PUT("/api/v1/desk", { body: toServer(desk), params: { header: ifMatch(version) } }));
    return saved.version;
  },
};

export const deskStore = new DeskStore(server);

export function useDesk(): Desk {
  return useSyncExternalStore(deskStore.subscribe, () => deskStore.desk);
}

export function useIsDeskLoaded(): boolean {
  return useSyncExternalStore(deskStore.subscribe, () => deskStore.isLoaded);
}

/** The last 800 ms of changes must not die with the window. */
export function saveDeskOnLeave(): () => void {
  const onHide = () => {
    const pending = deskStore.pending();
    if (!pending) return;
    void fetch("/api/v1/desk", {
      method: "PUT",
      keepalive: true,
      credentials: "same-origin",
      headers: {
        "Content-Type": "application/json",
        "X-Kontor-CSRF": currentCsrfToken(),
        "X-Kontor-Client": windowName,
        ...ifMatch(pending.version),
      },
      body: JSON.stringify(toServer(pending.desk)),
    }).catch(() => {});
  };
  addEventListener("pagehide", onHide);
  return () => removeEventListener("pagehide", onHide);
}
