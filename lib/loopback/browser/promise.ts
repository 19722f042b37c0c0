/** Calls as OpenTok.js has them: with a callback, with a `.promise` twin, with a time limit. */
import { ClientError } from "./errors.ts";

/** Attaches the promise-returning form of a function to it. */
export function withPromise<F extends object, P>(call: F, promise: P): F & { promise: P } {
  return Object.assign(call, { promise });
}

/** Calls back as OpenTok.js does: without arguments when it worked, else with the error. */
export function settle<T>(
  promise: Promise<T>,
  callback: ((error?: Error) => void) | undefined,
): void {
  promise.then(() => callback?.(), (error) => callback?.(error));
}

/**
 * Bounds a wait.
 * @throws {ClientError} `OT_TIMEOUT` after `limitMs`.
 */
export function deadline<T>(promise: Promise<T>, limitMs: number, message: string): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => limit.reject(new ClientError("OT_TIMEOUT", `${message} in ${limitMs / 1000} s`)),
    limitMs,
  );
  return Promise.race([promise, limit.promise]).finally(() => clearTimeout(timer));
}
