/** Refusals of the loopback platform, as OpenTok's REST API words them. */
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** A refused call: `status` is the HTTP status, `message` goes into the answer's body. */
export class LoopbackError extends Error {
  override readonly name = "LoopbackError";
  constructor(readonly status: ContentfulStatusCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
