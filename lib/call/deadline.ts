/** Waiting with an end: the platform's client may simply never answer. */
import type { ClientFailure } from "./client.ts";
import { CallError, problemOf } from "./errors.ts";

/** How long a step may take, and what a person reads when it took longer. */
export interface Limit {
  /** "Joining the call". */
  action: string;
  ms: number;
  /** What can be done then, a whole sentence. */
  remedy?: string;
  /** Aborted, it ends the wait at once: the step was called off. */
  signal?: AbortSignal;
}

/** The outcome of `work`, or a {@link CallError} when `limit` ends the wait. */
export async function within<T>(limit: Limit, work: Promise<T>): Promise<T> {
  const { action, ms, remedy = "Check your network and try again.", signal } = limit;
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const text = `${action} took longer than ${Math.round(ms / 1000)} seconds`;
    reject(new CallError({ code: "OT_TIMEOUT", text, remedy }));
  }, ms);
  const callOff = () => reject(calledOff());
  signal?.addEventListener("abort", callOff);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", callOff);
  }
}

/** {@link within} for a call with a completion callback; answers what `begin` returned. */
export async function withDeadline<T>(
  limit: Limit,
  begin: (done: (error?: ClientFailure) => void) => T,
): Promise<T> {
  if (limit.signal?.aborted) throw calledOff();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const begun = begin((error) => error ? reject(error) : resolve());
  await within(limit, promise);
  return begun;
}

const calledOff = () => new CallError(problemOf("OT_CANCEL"));
