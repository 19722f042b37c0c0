/**
 * One call of the OpenTok server SDK as a promise that always settles.
 *
 * The SDK reports a request that got no answer by handing `null` for the response to callbacks that
 * read `response.status`: they throw inside the SDK's own promise, nobody is called back, and the
 * unhandled rejection ends the process. It also hides the HTTP status, never times out and may call
 * back twice. All its requests go through one function, which this module wraps, before the SDK's
 * other modules bind it: a missing response becomes one with status 0, a throwing callback becomes a
 * failure, and the status is noted for the caller.
 */
import http from "node:http";
import https from "node:https";
// @ts-types="./sdk_transport.d.ts"
import transport, { type SdkRequest } from "opentok/lib/api.js";

// Deno repeats a request, a POST too, whose kept-alive connection was cut before the answer: the repeat
// of a start that took effect reads as a conflict. So every request of the SDK, the only user of these
// agents, has a connection of its own (measured with Deno 2.9.6).
http.globalAgent = new http.Agent({ keepAlive: false });
https.globalAgent = new https.Agent({ keepAlive: false });

/** What became of a request, as far as the transport knows. */
export interface Outcome {
  /** HTTP status; 0 where no whole answer arrived. */
  status: number;
  /** The wait the platform asked for with a 429 or 503, in ms, or null. */
  retryAfterMs: number | null;
  error: unknown;
  /** What the SDK handed to the callback after the error. */
  values: unknown[];
  timedOut: boolean;
}

interface Pending {
  status: number;
  retryAfterMs: number | null;
  /** The failure as the transport saw it; the SDK wraps some in text. */
  cause: unknown;
  fail(error: unknown): void;
}

/** The call whose request the SDK is building: the SDK calls its transport synchronously. */
let current: Pending | null = null;

const NO_RESPONSE = { status: 0, headers: { get: () => null } };
const send = transport.api;
transport.api = (request: SdkRequest) => {
  const pending = current;
  send({
    ...request,
    callback(error, body, response) {
      if (pending) {
        pending.status = response?.status ?? 0;
        pending.cause = error;
        pending.retryAfterMs = parseRetryAfterMs(response?.headers.get("retry-after"));
      }
      try {
        request.callback(error, body, response ?? NO_RESPONSE);
      } catch (thrown) {
        pending?.fail(error ?? thrown);
      }
    },
  });
};

function parseRetryAfterMs(header: string | null | undefined): number | null {
  if (!header) return null;
  const seconds = Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}

/**
 * Runs `invoke` with a callback and resolves with what came of it, at most `deadlineMs` later. Only
 * the first answer counts. Never rejects.
 */
export function callSdk(
  invoke: (done: (error: unknown, ...values: unknown[]) => void) => void,
  deadlineMs: number,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const settle = (error: unknown, values: unknown[], timedOut = false) => {
      clearTimeout(timer);
      const { status, retryAfterMs, cause } = pending;
      resolve({ status, retryAfterMs, error: cause ?? error, values, timedOut });
    };
    const timer = setTimeout(() => settle(new Error("No answer in time"), [], true), deadlineMs);
    const pending: Pending = {
      status: 0,
      retryAfterMs: null,
      cause: null,
      fail: (error) => settle(error, []),
    };
    current = pending;
    try {
      invoke((error, ...values) => settle(error ?? null, values));
    } catch (error) {
      settle(error, []);
    } finally {
      current = null;
    }
  });
}
