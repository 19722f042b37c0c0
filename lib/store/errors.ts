/**
 * Why the store could not do what was asked: `not-found`, `conflict` (someone else changed it, or it
 * is in use), `broken` (the stored record does not parse), `invalid` (the request itself is wrong, or
 * the record would exceed Deno KV's limits), `version` (another version of Gapless wrote the database).
 */
export type StoreErrorKind = "not-found" | "conflict" | "broken" | "invalid" | "version";

/** A failed action of the store. The message names the action and the key or value it failed on. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  constructor(readonly kind: StoreErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
  }
}
