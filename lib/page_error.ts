/** Errors that end in a page: which status they get, and what the reader may be told. */
import { HttpError } from "fresh";
import { AuthError } from "./auth/mod.ts";
import { ChainError } from "./handover/chains.ts";
import { PlatformError } from "./platform/platform.ts";
import { StoreError } from "./store/errors.ts";

/** An error whose message is written for the reader of the page. */
export class PageError extends HttpError {
  override readonly name = "PageError";
}

const STATUS = {
  auth: { "signed-out": 403, forbidden: 403, "cross-site": 403 },
  chain: { "not-found": 404, conflict: 409, "nobody-in-call": 409, platform: 503 },
  store: { "not-found": 404, conflict: 409, broken: 500, invalid: 400 },
} as const;

/**
 * The page error for what a service threw; null for what nobody expected. Platform errors keep their
 * words for the log (`cause`): they may name addresses that are no reader's business.
 */
export function toPageError(error: unknown): HttpError | null {
  if (error instanceof HttpError) return error;
  if (error instanceof AuthError) {
    return new PageError(STATUS.auth[error.kind], error.message, { cause: error });
  }
  if (error instanceof ChainError) {
    const status = STATUS.chain[error.kind];
    return status === 503
      ? new HttpError(status, undefined, { cause: error })
      : new PageError(status, error.message, { cause: error });
  }
  if (error instanceof StoreError) {
    const status = STATUS.store[error.kind];
    return status === 500
      ? new HttpError(status, undefined, { cause: error })
      : new PageError(status, error.message, { cause: error });
  }
  if (error instanceof PlatformError) {
    if (error.kind === "not-found") {
      return new PageError(404, "The video platform has no such archive", { cause: error });
    }
    if (error.kind === "rate-limited") return new HttpError(429, undefined, { cause: error });
    return new HttpError(503, undefined, { cause: error });
  }
  return null;
}
