/** Small values that others keep here: keys made once, counters that expire, links. */
import type { z } from "zod";
import { keys } from "./keys.ts";
import {
  commit,
  listEntries,
  type Page,
  type PageOptions,
  parseOrReport,
  readRecord,
  type StoreContext,
  untilCommitted,
} from "./records.ts";
import { StoreError } from "./errors.ts";

/** Small values by key; every read names the schema it must fit. */
export interface Values {
  get<T>(key: readonly string[], schema: z.ZodType<T>): Promise<T | null>;
  set(key: readonly string[], value: unknown, options?: { expireInMs?: number }): Promise<void>;
  /** Sets a value unless there is one; answers the one that is kept. Two processes agree. */
  createOnce<T>(key: readonly string[], schema: z.ZodType<T>, value: T): Promise<T>;
  /** Replaces a value by what `change` makes of it, in one atomic; `null` deletes it. */
  update<T>(
    key: readonly string[],
    schema: z.ZodType<T>,
    change: (value: T | null) => T | null,
    options?: { expireInMs?: number },
  ): Promise<T | null>;
  delete(key: readonly string[]): Promise<void>;
  /** The values under a prefix by key (the whole key is answered); broken ones are reported and left out. */
  list<T>(
    prefix: readonly string[],
    schema: z.ZodType<T>,
    options?: PageOptions,
  ): Promise<Page<{ key: string[]; value: T }>>;
}

/** The values in this KV. */
export function createValues(context: StoreContext): Values {
  const { kv } = context;
  const expiry = (options?: { expireInMs?: number }) =>
    options?.expireInMs === undefined ? {} : { expireIn: options.expireInMs };

  const values: Values = {
    async get(key, schema) {
      return (await readRecord(context, schema, keys.values(key))).value;
    },
    async set(key, value, options) {
      const operation = kv.atomic().set(keys.values(key), value, expiry(options));
      await commit(operation, `Set value ${key.join("/")}`);
    },
    async createOnce(key, schema, value) {
      const kept = await values.update(key, schema, (before) => before ?? value);
      if (kept === null) {
        throw new StoreError("invalid", `Create value ${key.join("/")}: it is null`);
      }
      return kept;
    },
    update(key, schema, change, options) {
      const full = keys.values(key);
      return untilCommitted(`Update value ${key.join("/")}`, async () => {
        const { value, versionstamp } = await readRecord(context, schema, full);
        const changed = change(value);
        const operation = kv.atomic().check({ key: full, versionstamp });
        if (changed === null) operation.delete(full);
        else operation.set(full, changed, expiry(options));
        return await commit(operation, `Update value ${key.join("/")}`) ? { done: changed } : null;
      });
    },
    async delete(key) {
      await commit(kv.atomic().delete(keys.values(key)), `Delete value ${key.join("/")}`);
    },
    async list(prefix, schema, options) {
      const page = await listEntries(context, keys.values(prefix), options);
      const items = [];
      for (const entry of page.items) {
        const value = parseOrReport(context, schema, entry.key, entry);
        if (value !== null) items.push({ key: entry.key.slice(1).map(String), value });
      }
      return { items, cursor: page.cursor };
    },
  };
  return values;
}
