/** Signals that one client sends, until the platform has answered each. */
import type { ClientMessage } from "../protocol.ts";
import { ClientError } from "./errors.ts";
import { deadline } from "./promise.ts";

/** Longest wait for a signal's confirmation, ms. */
const answerTimeoutMs = 10_000;

/** The signals of this client that wait for their answer. */
export class Signals {
  readonly #waiting = new Map<number, (error: string | null) => void>();
  #next = 0;

  constructor(private readonly send: (message: ClientMessage) => boolean) {}

  /**
   * Sends a signal to everybody, or to one connection.
   * @throws {ClientError} when the platform refuses it or does not answer in 10 s.
   */
  async add(type: string, data: string, to: string | null): Promise<void> {
    const id = this.#next++;
    const result = Promise.withResolvers<string | null>();
    this.#waiting.set(id, result.resolve);
    try {
      const sent = this.send({ type: "signal", id, signalType: type, data, to });
      if (!sent) throw new ClientError("OT_NOT_CONNECTED", "Send a signal: not connected");
      const error = await deadline(result.promise, answerTimeoutMs, "Send a signal: no answer");
      if (error !== null) {
        throw new ClientError("OT_UNEXPECTED_SERVER_RESPONSE", `Send a signal: ${error}`);
      }
    } finally {
      this.#waiting.delete(id);
    }
  }

  /** Takes the platform's answer. */
  answered(id: number, error: string | null): void {
    this.#waiting.get(id)?.(error);
  }

  /** No answer can come any more. */
  failAll(why: string): void {
    for (const done of this.#waiting.values()) done(why);
  }
}
