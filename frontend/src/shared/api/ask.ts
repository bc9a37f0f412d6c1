import { api, read } from "./client";

interface Asked {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** One request whose shape is written by hand, for routes that the generated client does not know yet. */
export function ask<T>(method: "get" | "post" | "put" | "patch" | "delete", path: string, asked: Asked = {}) {
  const { query, body, headers, signal } = asked;
  return read(api.request(method, path as never, { params: { query }, body, headers, signal } as never)) as Promise<T>;
}
