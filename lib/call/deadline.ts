/** Waiting with an end: the platform's client may simply never answer. */
import { CallError } from "./errors.ts";
import type { ClientFailure } from "./client.ts";

/**
 * Turns a call with a completion callback into a promise that ends within `timeoutMs`. `action` is
 * what a person reads when it does not: "Joining the call"; `remedy` what they can do then.
 */
export function withDeadline<T>(
  action: string,
  timeoutMs: number,
  begin: (done: (error?: ClientFailure) => void) => T,
  remedy = "Check your network and try again.",
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new CallError({
          code: "OT_TIMEOUT",
          text: `${action} took longer than ${Math.round(timeoutMs / 1000)} seconds`,
          remedy,
        }),
      );
    }, timeoutMs);
    let failure: ClientFailure | undefined;
    let answered = false;
    let settle = (error?: ClientFailure) => {
      // Answered before `begin` returned.
      answered = true;
      failure = error;
    };
    try {
      const result = begin((error) => settle(error));
      settle = (error) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(result);
      };
      if (answered) settle(failure);
    } catch (error) {
      clearTimeout(timer);
      reject(error);
    }
  });
}
