/** Functions with a `.promise` twin, as OpenTok.js has them. */

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
