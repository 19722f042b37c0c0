/** Errors as answers: every failure becomes one problem+json (RFC 9457) here, and nowhere else. */
import { HTTPException } from "hono/http-exception";
import { z } from "zod";
import { AuthError } from "../auth/mod.ts";
import { ChainError } from "../handover/chains.ts";
import { PlatformError, type PlatformErrorKind } from "../platform/platform.ts";
import { StoreError } from "../store/mod.ts";
import { log } from "../log.ts";

/** What a failed request is answered with. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  /** What failed and what to do about it. */
  detail: z.string(),
  /** Path of the request that failed. */
  instance: z.string(),
  /** The fields that were wrong, for 400. */
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
});
/** What a failed request is answered with. */
export type Problem = z.infer<typeof problemSchema>;

/** A request that cannot be answered as asked; for what no other typed error says. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  constructor(
    readonly status: FailureStatus,
    message: string,
    /** Seconds after which it may work. */
    readonly retryAfterSeconds?: number,
  ) {
    super(message);
  }
}

/** Input that does not fit its schema. (A bare ZodError is a fault of ours, and answered with 500.) */
export class InvalidInputError extends Error {
  override readonly name = "InvalidInputError";
  readonly issues: z.ZodError["issues"];
  constructor(cause: z.ZodError) {
    super("Cannot use this input", { cause });
    this.issues = cause.issues;
  }
}

const titles = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  410: "Gone",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};
/** The statuses that failed requests are answered with. */
export type FailureStatus = keyof typeof titles;

interface Failure {
  status: FailureStatus;
  detail: string;
  errors?: Problem["errors"];
  retryAfterSeconds?: number;
}

const platformStatus: Record<PlatformErrorKind, FailureStatus> = {
  "unauthorized": 502,
  "not-found": 404,
  "conflict": 409,
  "rate-limited": 503,
  "unavailable": 503,
  "timeout": 504,
  "unexpected": 502,
};
/** Seconds after which a platform in trouble is worth another try. */
const PLATFORM_RETRY_SECONDS = 5;
const chainStatus = {
  "not-found": 404,
  "conflict": 409,
  "nobody-in-call": 409,
  "platform": 502,
} as const;
const storeStatus = {
  "not-found": 404,
  "conflict": 409,
  "broken": 500,
  "invalid": 400,
  "version": 500,
} as const;
const authStatus = { "signed-out": 401, "cross-site": 403 } as const;

/** Status and words for any error. Unknown ones say nothing of their inside. */
export function explain(error: unknown): Failure {
  if (error instanceof RequestError) {
    return {
      status: error.status,
      detail: error.message,
      retryAfterSeconds: error.retryAfterSeconds,
    };
  }
  if (error instanceof AuthError) return { status: authStatus[error.kind], detail: error.message };
  if (error instanceof ChainError) {
    const status = error.cause instanceof PlatformError
      ? platformStatus[error.cause.kind]
      : chainStatus[error.kind];
    return { status, detail: error.message };
  }
  if (error instanceof PlatformError) {
    const status = platformStatus[error.kind];
    const retry = status === 503 && { retryAfterSeconds: PLATFORM_RETRY_SECONDS };
    return { status, detail: error.message, ...retry };
  }
  if (error instanceof StoreError) {
    return { status: storeStatus[error.kind], detail: error.message };
  }
  if (error instanceof HTTPException && error.status < 500) {
    return { status: 400, detail: `Cannot use this request: ${error.message}` };
  }
  if (error instanceof InvalidInputError) {
    const errors = error.issues.map((issue) => ({
      field: issue.path.join(".") || "body",
      message: issue.message,
    }));
    const words = errors.map((e) => `${e.field}: ${e.message}`).join("; ");
    return { status: 400, detail: `Cannot use this request: ${words}`, errors };
  }
  return { status: 500, detail: "Cannot answer this request: an error happened here, see the log" };
}

/** Answers a request with the problem that an error is. */
export function problemResponse(error: unknown, request: Request): Response {
  const { pathname } = new URL(request.url);
  const { status, detail, errors, retryAfterSeconds } = explain(error);
  if (status >= 500) {
    log("error", "request failed", {
      method: request.method,
      path: pathname,
      status,
      error: status === 500 ? traceOf(error) : detail,
    });
  }
  const problem: Problem = {
    type: "about:blank",
    title: titles[status],
    status,
    detail,
    instance: pathname,
    ...(errors && { errors }),
  };
  const headers = new Headers({
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  });
  if (retryAfterSeconds) headers.set("retry-after", String(retryAfterSeconds));
  return new Response(JSON.stringify(problem), { status, headers });
}

/** Where an error nobody expected comes from, for the log. */
export function traceOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
