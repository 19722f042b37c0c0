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
    readonly status: 400 | 404 | 409 | 410 | 413 | 415 | 429 | 503,
    message: string,
    /** Seconds after which it may work. */
    readonly retryAfterSeconds?: number,
  ) {
    super(message);
  }
}

interface Failure {
  status: number;
  detail: string;
  errors?: Problem["errors"];
  retryAfterSeconds?: number;
}

const platformFailures: Record<PlatformErrorKind, { status: number; remedy: string }> = {
  "unauthorized": { status: 502, remedy: "check API_KEY and API_SECRET" },
  "not-found": { status: 404, remedy: "it may have been deleted or have expired" },
  "conflict": { status: 409, remedy: "reload to see its present state" },
  "rate-limited": { status: 503, remedy: "try again in a few seconds" },
  "unavailable": { status: 503, remedy: "the video platform cannot be reached, try again" },
  "timeout": { status: 504, remedy: "the video platform did not answer in time, try again" },
  "unexpected": { status: 502, remedy: "the video platform answered something unexpected" },
};
const chainStatus = { "not-found": 404, "conflict": 409, "nobody-in-call": 409, "platform": 502 };
const storeStatus = { "not-found": 404, "conflict": 409, "broken": 500, "invalid": 400 };
const authStatus = { "signed-out": 401, "cross-site": 403 };

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
      ? platformFailures[error.cause.kind].status
      : chainStatus[error.kind];
    return { status, detail: error.message };
  }
  if (error instanceof PlatformError) {
    const { status, remedy } = platformFailures[error.kind];
    return {
      status,
      detail: `${error.message}: ${remedy}`,
      retryAfterSeconds: status === 503 ? 5 : undefined,
    };
  }
  if (error instanceof StoreError) {
    return { status: storeStatus[error.kind], detail: error.message };
  }
  if (error instanceof HTTPException && error.status < 500) {
    return { status: error.status, detail: `Cannot use this request: ${error.message}` };
  }
  if (error instanceof z.ZodError) {
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
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
  const problem: Problem = {
    type: "about:blank",
    title: titles[status] ?? "Error",
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

const titles: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  410: "Gone",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};
