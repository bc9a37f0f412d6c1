import { useSyncExternalStore } from "react";
import { api, read, type Schemas } from "@/shared/api/client";
import { isProblem, Offline, Problem } from "@/shared/api/problem";

export type UploadState = "waiting" | "sending" | "broken" | "done" | "duplicate" | "failed";

/** One file on its way into a project. */
export interface Upload {
  readonly id: number;
  readonly projectId: string;
  readonly name: string;
  readonly bytes: number;
  readonly sent: number;
  readonly state: UploadState;
  readonly error: unknown;
  /** Of a duplicate: what is there already. */
  readonly present: string | null;
}

interface Work {
  readonly file: File;
  /** What the server calls it, once it has begun to take parts. */
  serverId: string | null;
  allowDuplicate: boolean;
  abort: AbortController;
}

/** From here on a file is sent in parts, so that a broken line costs one of them. */
const IN_PARTS_FROM = 4 * 1024 * 1024;
const AT_ONCE = 3;
const LONGEST_PAUSE_MS = 15_000;

let uploads: readonly Upload[] = [];
const works = new Map<number, Work>();
const listeners = new Set<() => void>();
let nextId = 1;

function change(next: readonly Upload[]): void {
  uploads = next;
  for (const listener of listeners) listener();
}

function patch(id: number, values: Partial<Upload>): void {
  change(uploads.map((upload) => (upload.id === id ? { ...upload, ...values } : upload)));
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export function useUploads(): readonly Upload[] {
  return useSyncExternalStore(subscribe, () => uploads);
}

/** For those who are no component. */
export function watchUploads(watch: (uploads: readonly Upload[]) => void): () => void {
  return subscribe(() => watch(uploads));
}

/** Takes files on; they are sent a few at a time, whichever screen one looks at meanwhile. */
export function startUploads(projectId: string, files: readonly File[]): void {
  const added = files.map((file): Upload => {
    const id = nextId++;
    works.set(id, { file, serverId: null, allowDuplicate: false, abort: new AbortController() });
    return {
      id,
      projectId,
      name: file.name,
      bytes: file.size,
      sent: 0,
      state: "waiting",
      error: null,
      present: null,
    };
  });
  change([...uploads, ...added]);
  pump();
}

export function retryUpload(id: number, { allowDuplicate = false } = {}): void {
  const work = works.get(id);
  if (!work) return;
  work.allowDuplicate ||= allowDuplicate;
  work.abort = new AbortController();
  // What the server has of it was meant under the other condition.
  if (allowDuplicate) work.serverId = null;
  patch(id, { state: "waiting", error: null });
  pump();
}

/** Ends it where it is, or takes a finished one off the list. */
export function dropUpload(id: number): void {
  const work = works.get(id);
  work?.abort.abort();
  if (work?.serverId) {
    const params = { path: { upload_id: work.serverId } };
    void api.DELETE("/api/v1/documents/uploads/{upload_id}", { params }).catch(() => {});
  }
  works.delete(id);
  change(uploads.filter((upload) => upload.id !== id));
  pump();
}

export function dropUploads(which: readonly Upload[]): void {
  for (const { id } of which) dropUpload(id);
}

export function clearFinished(): void {
  for (const { id, state } of uploads) if (state === "done") works.delete(id);
  change(uploads.filter(({ state }) => state !== "done"));
}

export const isMoving = ({ state }: Upload) => state === "waiting" || state === "sending" || state === "broken";

function pump(): void {
  const free = AT_ONCE - uploads.filter(({ state }) => state === "sending" || state === "broken").length;
  for (const upload of uploads.filter(({ state }) => state === "waiting").slice(0, Math.max(0, free))) {
    patch(upload.id, { state: "sending" });
    void send(upload);
  }
}

async function send({ id, projectId }: Upload): Promise<void> {
  const work = works.get(id);
  if (!work) return;
  const { signal } = work.abort;
  try {
    if (work.file.size < IN_PARTS_FROM) await patiently(id, signal, () => whole(projectId, work));
    else await inParts(id, projectId, work);
    work.serverId = null;
    patch(id, { state: "done", sent: work.file.size });
  } catch (error) {
    if (signal.aborted) return;
    const isDuplicate = isProblem(error, "document.duplicate");
    const present = error instanceof Problem ? error.extra("document_id") : null;
    patch(id, {
      state: isDuplicate ? "duplicate" : "failed",
      error,
      present: typeof present === "string" ? present : null,
    });
  } finally {
    pump();
  }
}

async function whole(projectId: string, work: Work): Promise<void> {
  const form = new FormData();
  form.append("file", work.file, work.file.name);
  const query = { project_id: projectId, allow_duplicate: work.allowDuplicate };
  await read(
    api.POST("/api/v1/documents/upload", {
      params: { query },
      body: form as never,
      bodySerializer: (body: unknown) => body as FormData,
      signal: work.abort.signal,
    }),
  );
}

async function inParts(id: number, projectId: string, work: Work): Promise<void> {
  const { file, abort } = work;
  const { signal } = abort;
  let at: Schemas["UploadRead"];
  if (work.serverId === null) {
    const body = {
      project_id: projectId,
      name: file.name,
      bytes: file.size,
      media_type: file.type || "application/octet-stream",
      tags: [],
      allow_duplicate: work.allowDuplicate,
    };
    at = await patiently(id, signal, () => read(api.POST("/api/v1/documents/uploads", { body, signal })));
    work.serverId = at.id;
  } else {
    at = await where(id, work);
  }
  const params = { path: { upload_id: at.id } };
  // Parts that take about a second show progress on slow lines and cost little on fast ones.
  let size = Math.min(1024 * 1024, at.part_bytes);
  while (at.received < file.size) {
    const start = at.received;
    const began = performance.now();
    const part = file.slice(start, start + size);
    at = await patiently(id, signal, () => sendPart(params.path.upload_id, start, part, signal)).catch(
      async (error: unknown) => {
        // The part arrived and its answer did not: the server says where to go on.
        if (isProblem(error, "document.upload_elsewhere")) return where(id, work);
        throw error;
      },
    );
    // Whoever takes a part and has no more than before would be offered it for ever.
    if (at.received === start) throw new Problem({ status: 502, code: "blobs.upload_lost" });
    patch(id, { sent: at.received, state: "sending" });
    const quick = performance.now() - began < 500;
    size = Math.min(at.part_bytes, quick ? size * 2 : size);
  }
  await patiently(id, signal, () => read(api.POST("/api/v1/documents/uploads/{upload_id}/finish", { params, signal })));
}

function where(id: number, work: Work): Promise<Schemas["UploadRead"]> {
  const { signal } = work.abort;
  const params = { path: { upload_id: work.serverId as string } };
  return patiently(id, signal, () => read(api.GET("/api/v1/documents/uploads/{upload_id}", { params, signal })));
}

function sendPart(upload_id: string, start: number, part: Blob, signal: AbortSignal): Promise<Schemas["UploadRead"]> {
  return read(
    api.PATCH("/api/v1/documents/uploads/{upload_id}", {
      params: { path: { upload_id }, header: { "upload-offset": start } },
      headers: { "Content-Type": "application/octet-stream" },
      body: part as never,
      bodySerializer: (body: unknown) => body as Blob,
      signal,
    }),
  );
}

/** A line that breaks is waited for, however long; every other failure is the file's own. */
async function patiently<T>(id: number, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  for (let pause = 1000; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 2)) {
    try {
      const result = await run();
      if (uploads.some((upload) => upload.id === id && upload.state === "broken")) patch(id, { state: "sending" });
      return result;
    } catch (error) {
      const seconds = error instanceof Problem && error.status === 429 ? (error.retryAfterSeconds ?? 2) : null;
      if (signal.aborted || (!(error instanceof Offline) && seconds === null)) throw error;
      patch(id, { state: "broken" });
      await sleep(seconds === null ? pause : seconds * 1000, signal);
    }
  }
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const wake = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", wake, { once: true });
    globalThis.addEventListener?.("online", wake, { once: true });
  });
}
