/** How every record is read, listed and written: parsed with its schema, and reported if it is broken. */
import type { z } from "zod";
import { StoreError } from "./errors.ts";

/** One page of a list; `cursor` continues it, null at its end. */
export interface Page<T> {
  items: T[];
  cursor: string | null;
}

/** Which page of a list: `limit` is 1 to 100, `cursor` the one a previous page gave. */
export interface PageOptions {
  cursor?: string | null;
  limit?: number;
}

/** Told about every stored record that does not parse; lists go on without it. */
export type OnBroken = (error: StoreError) => void;

/** What each part of the store works with. */
export interface StoreContext {
  kv: Deno.Kv;
  onBroken: OnBroken;
}

/** A parsed record and the version it was read at (null: it does not exist). */
export interface Versioned<T> {
  value: T | null;
  versionstamp: string | null;
}

/** How often a change is tried again when another writer was faster. */
export const MAX_COMMIT_ATTEMPTS = 20;
/** Deno KV on a file fails at once with this message while another process writes to it. */
const LOCKED = "database is locked";
/** Such a commit is tried again for about 3 s. */
const MAX_LOCKED_TRIES = 60;
const MAX_LOCKED_PAUSE_MS = 100;
/** Deno KV reads at most this many keys at once. */
const GET_MANY_LIMIT = 10;

/** Parses what was read; throws {@link StoreError} `broken` that names the key. */
export function parseRecord<T>(
  schema: z.ZodType<T>,
  key: Deno.KvKey,
  entry: Deno.KvEntryMaybe<unknown>,
): Versioned<T> {
  if (entry.versionstamp === null) return { value: null, versionstamp: null };
  const parsed = schema.safeParse(entry.value);
  if (parsed.success) return { value: parsed.data, versionstamp: entry.versionstamp };
  throw new StoreError(
    "broken",
    `Read record ${showKey(key)}: it does not have the expected shape (${
      parsed.error.issues.map((i) => `${i.path.join(".")}: ${i.message}`).join("; ")
    })`,
    { cause: parsed.error },
  );
}

/** Reads one record. */
export async function readRecord<T>(
  context: StoreContext,
  schema: z.ZodType<T>,
  key: Deno.KvKey,
): Promise<Versioned<T>> {
  return parseRecord(schema, key, await context.kv.get(key));
}

/** Reads many records in the given order; missing and broken ones are left out, broken ones reported. */
export async function readMany<T>(
  context: StoreContext,
  schema: z.ZodType<T>,
  keys: Deno.KvKey[],
): Promise<T[]> {
  const values: T[] = [];
  for (let i = 0; i < keys.length; i += GET_MANY_LIMIT) {
    const batch = keys.slice(i, i + GET_MANY_LIMIT);
    const entries = await context.kv.getMany(batch);
    for (const entry of entries) {
      const value = parseOrReport(context, schema, entry.key, entry);
      if (value !== null) values.push(value);
    }
  }
  return values;
}

/** Parses, or reports and answers null. */
export function parseOrReport<T>(
  context: StoreContext,
  schema: z.ZodType<T>,
  key: Deno.KvKey,
  entry: Deno.KvEntryMaybe<unknown>,
): T | null {
  try {
    return parseRecord(schema, key, entry).value;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    context.onBroken(error);
    return null;
  }
}

/** One page of the entries under a prefix, unparsed. Throws `invalid` for a cursor we did not give. */
export async function listEntries(
  context: StoreContext,
  prefix: Deno.KvKey,
  options: PageOptions & { reverse?: boolean } = {},
): Promise<Page<Deno.KvEntry<unknown>>> {
  const limit = Math.min(Math.max(Math.trunc(options.limit ?? 50), 1), 100);
  const iterator = context.kv.list<unknown>({ prefix }, {
    limit: limit + 1,
    reverse: options.reverse ?? false,
    ...(options.cursor ? { cursor: options.cursor } : {}),
  });
  const items: Deno.KvEntry<unknown>[] = [];
  try {
    while (items.length < limit) {
      const { done, value } = await iterator.next();
      if (done) return { items, cursor: null };
      items.push(value);
    }
    const cursor = iterator.cursor;
    return { items, cursor: (await iterator.next()).done ? null : cursor };
  } catch (error) {
    if (!options.cursor) throw error;
    throw new StoreError("invalid", `List ${showKey(prefix)}: "${options.cursor}" is no cursor`, {
      cause: error,
    });
  }
}

/**
 * Commits; answers the new versionstamp, or null if a check did not hold. Throws `invalid` where a
 * value or key exceeds KV's limits, `conflict` where another process locks the database for seconds.
 */
export async function commit(
  operation: Deno.AtomicOperation,
  action: string,
): Promise<string | null> {
  for (let tries = 1;; tries++) {
    try {
      const result = await operation.commit();
      return result.ok ? result.versionstamp : null;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      const isLocked = error.message.includes(LOCKED);
      if (isLocked && tries < MAX_LOCKED_TRIES) await lockedPause(tries);
      else {
        const kind = isLocked ? "conflict" : "invalid";
        throw new StoreError(kind, `${action}: ${error.message}`, { cause: error });
      }
    }
  }
}

/** Waits, at random, so that processes that failed together do not try together again. */
function lockedPause(tries: number): Promise<void> {
  const mostMs = Math.min(20 * tries, MAX_LOCKED_PAUSE_MS);
  return new Promise((resolve) => setTimeout(resolve, Math.random() * mostMs));
}

/** Repeats `attempt` until it commits (it answers null when another writer was faster). */
export async function untilCommitted<T>(
  action: string,
  attempt: () => Promise<{ done: T } | null>,
): Promise<T> {
  for (let i = 0; i < MAX_COMMIT_ATTEMPTS; i++) {
    const result = await attempt();
    if (result) return result.done;
  }
  throw new StoreError("conflict", `${action}: others kept changing it, try again`);
}

/** A key as people may read it. */
export function showKey(key: Deno.KvKey): string {
  return key.map(String).join("/");
}
