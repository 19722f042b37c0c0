/** Tells the app about every change of an archive, as the cloud does: a signed POST, retried. */
import { SignJWT } from "jose";
import { LIMITS } from "./limits.ts";

/** Where archive callbacks go. */
export interface CallbackOptions {
  url: () => string;
  /** Signs each callback (HS256, with the hash of its body) when given. */
  signatureSecret?: string;
}

/** Delivers callbacks in the background. Delivery and order are not guaranteed: a hint, no more. */
export class Callbacks {
  private readonly stopped = new AbortController();
  private readonly pending = new Set<Promise<void>>();

  constructor(
    private readonly apiKey: string,
    private readonly options: CallbackOptions | undefined,
    private readonly retryMs: readonly number[],
  ) {}

  /** Sends what `body` gives; never throws. */
  send(body: () => unknown): void {
    if (!this.options || this.stopped.signal.aborted) return;
    const delivery: Promise<void> = this.deliver(this.options, body)
      .catch(() => {})
      .finally(() => this.pending.delete(delivery));
    this.pending.add(delivery);
  }

  /** Gives up what was not delivered. */
  async close(): Promise<void> {
    this.stopped.abort();
    await Promise.all(this.pending);
  }

  private async deliver(options: CallbackOptions, make: () => unknown): Promise<void> {
    const body = JSON.stringify(make());
    const headers = new Headers({ "content-type": "application/json" });
    if (options.signatureSecret !== undefined) {
      headers.set("authorization", `Bearer ${await this.signature(body, options.signatureSecret)}`);
    }
    for (const waitMs of [0, ...this.retryMs]) {
      await pause(waitMs, this.stopped.signal);
      if (this.stopped.signal.aborted) return;
      if (await this.post(options.url(), headers, body)) return;
    }
  }

  private async post(url: string, headers: Headers, body: string): Promise<boolean> {
    const timeout = AbortSignal.timeout(LIMITS.callbackTimeoutMs);
    const signal = AbortSignal.any([timeout, this.stopped.signal]);
    try {
      const response = await fetch(url, { method: "POST", headers, body, signal });
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }

  private async signature(body: string, secret: string): Promise<string> {
    const bytes = new TextEncoder().encode(body);
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
    return await new SignJWT({ payload_hash: hash, api_key: this.apiKey })
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setIssuer("Vonage")
      .setIssuedAt()
      .setJti(crypto.randomUUID())
      .sign(new TextEncoder().encode(secret));
  }
}

/** Resolves after `ms`, or at once when `signal` aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
