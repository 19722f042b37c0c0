/** Reports every change of an archive to the app, as the cloud does: a signed POST, with retries. */
import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
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
  readonly #closing = new AbortController();

  /** `retryMs` has the pause before each attempt after the first. */
  constructor(
    private readonly apiKey: string,
    private readonly options: CallbackOptions | undefined,
    private readonly retryMs: readonly number[],
  ) {}

  /** Sends `body` as JSON; never throws. */
  send(body: unknown): void {
    if (!this.options || this.#closing.signal.aborted) return;
    // It fails only where it is given up because the emulator closes.
    this.#deliver(this.options, JSON.stringify(body)).catch(() => {});
  }

  /** Gives up on what was not delivered. */
  close(): void {
    this.#closing.abort();
  }

  async #deliver({ url, signatureSecret }: CallbackOptions, body: string): Promise<void> {
    const headers = new Headers({ "content-type": "application/json" });
    if (signatureSecret !== undefined) {
      headers.set("authorization", `Bearer ${await this.#sign(body, signatureSecret)}`);
    }
    const closing = this.#closing.signal;
    for (const waitMs of [0, ...this.retryMs]) {
      await setTimeout(waitMs, undefined, { signal: closing });
      const signal = AbortSignal.any([AbortSignal.timeout(LIMITS.callbackTimeoutMs), closing]);
      const post = async () => {
        const response = await fetch(url(), { method: "POST", headers, body, signal });
        await response.body?.cancel();
        return response.ok;
      };
      // A receiver that cannot be reached is tried again, as one that refuses.
      if (await post().catch(() => false)) return;
    }
  }

  async #sign(body: string, secret: string): Promise<string> {
    const payload_hash = createHash("sha256").update(body).digest("hex");
    const claims = { iss: "Vonage", jti: crypto.randomUUID(), api_key: this.apiKey, payload_hash };
    return await new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "JWT" }).setIssuedAt()
      .sign(new TextEncoder().encode(secret));
  }
}
