import type { components } from "@/api/generated/schema";

type ProblemBody = components["schemas"]["Problem"];
export type FieldProblem = components["schemas"]["FieldError"];

/** What the server said went wrong. Texts key off `code`; `detail` is for the fold-out. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string | null;
  readonly fields: readonly FieldProblem[];
  readonly retryAfterSeconds: number | null;

  private readonly body: Readonly<Record<string, unknown>>;

  constructor(body: Partial<ProblemBody> & { status: number }, retryAfterSeconds: number | null = null) {
    super(body.title ?? `HTTP ${body.status}`);
    this.body = { ...body };
    this.status = body.status;
    this.code = body.code ?? `http.${body.status}`;
    this.detail = body.detail ?? "";
    this.requestId = body.request_id ?? null;
    this.fields = body.errors ?? [];
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** A further member of the answer, such as the state an account is in. */
  extra(name: string): unknown {
    return this.body[name];
  }

  /** The message for one field of a form, by its name in the request body. */
  field(name: string): FieldProblem | undefined {
    return this.fields.find((entry) => entry.field === name || entry.field === `body.${name}`);
  }
}

/** The person was asked who they are. Whoever gets this one has seen them turn the question down, and says nothing. */
export const PROOF_NEEDED = "auth.proof_needed";

/** No answer at all: the server or the line is away. */
export class Offline extends Error {
  override readonly name = "Offline";
}

export async function problemFrom(response: Response): Promise<Problem> {
  const seconds = Number(response.headers.get("Retry-After"));
  const retryAfter = Number.isFinite(seconds) && seconds > 0 ? seconds : null;
  if (response.headers.get("Content-Type")?.includes("json")) {
    const body = (await response.json().catch(() => ({}))) as Partial<ProblemBody>;
    return new Problem({ ...body, status: response.status }, retryAfter);
  }
  return new Problem({ status: response.status }, retryAfter);
}

export function isProblem(error: unknown, code?: string): error is Problem {
  return error instanceof Problem && (code === undefined || error.code === code);
}
