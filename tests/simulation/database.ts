/**
 * The database of a storm. With a real Deno KV in memory behind it, that decides every commit, and a
 * mirror of what it has accepted answers the reads (a read across threads costs more than all else in
 * a storm); `compare` holds the mirror against the real contents. Without one the mirror decides, by
 * the same rules: the real one must never have decided otherwise, and a test holds whole histories of
 * both against each other. So thousands of storms take minutes.
 */
import assert from "node:assert/strict";
import { turn } from "./clock.ts";

/** What stands between a process and the database. */
export interface Gate {
  /** May delay an operation, or never let it be answered. */
  pass<T>(operation: () => Promise<T>): Promise<T>;
  /** Whether this commit meets another writer who was faster. */
  commitFails(): boolean;
}

/** Nothing stands between. */
export const OPEN_GATE: Gate = { pass: (operation) => operation(), commitFails: () => false };

type Mutation = { key: Deno.KvKey; value: unknown; remove: boolean };
type Entry = Deno.KvEntry<unknown>;

/** Deno KV, one operation at a time in the order they are asked for. */
export class SimDatabase {
  /** Told about every change, in order; a deleted value is null. */
  onChange: (key: Deno.KvKey, value: unknown) => void = () => {};
  #mirror = new Map<string, Entry>();
  #last: Promise<void> = Promise.resolve();
  #open = 0;
  #commits = 0;

  constructor(readonly kv: Deno.Kv | null) {}

  get busy(): boolean {
    return this.#open > 0;
  }

  /** Resolves when what is under way now is done. */
  done(): Promise<void> {
    return this.#last;
  }

  /** The database as one process sees it. */
  asSeenThrough(gate: Gate): Deno.Kv {
    const read = <T>(look: () => T) => gate.pass(() => this.#run(() => Promise.resolve(look())));
    const seen: Partial<Deno.Kv> = {
      get: <T>(key: Deno.KvKey) => read(() => this.#get<T>(key)),
      getMany: ((keys: Deno.KvKey[]) => read(() => keys.map((key) => this.#get(key)))) as Deno.Kv[
        "getMany"
      ],
      list:
        ((selector: Deno.KvListSelector, options?: Deno.KvListOptions) =>
          listed(() => read(() => this.#list(selector, options)))) as Deno.Kv["list"],
      delete: async (key) => {
        const remove = [{ key, value: null, remove: true }];
        await gate.pass(() => this.#run(() => this.#commit([], remove)));
      },
      atomic: () => this.#atomic(gate),
    };
    return seen as Deno.Kv;
  }

  /** Throws unless the mirror and the real database hold the same. */
  async compare(): Promise<void> {
    await this.#last;
    if (!this.kv) return;
    const real = await Array.fromAsync(this.kv.list<unknown>({ prefix: [] }));
    assert.deepEqual(this.#sorted(), real);
  }

  /** Empties the real database for the next storm. */
  async clear(): Promise<void> {
    await this.#last;
    if (!this.kv) return;
    const keys = this.#sorted().map((entry) => entry.key);
    for (let i = 0; i < keys.length; i += 100) {
      const operation = this.kv.atomic();
      for (const key of keys.slice(i, i + 100)) operation.delete(key);
      await operation.commit();
    }
    this.#mirror.clear();
  }

  #run<T>(operation: () => Promise<T>): Promise<T> {
    this.#open++;
    const result = this.#last.then(operation);
    const over = () => void this.#open--;
    this.#last = result.then(over, over);
    return result;
  }

  #get<T>(key: Deno.KvKey): Deno.KvEntryMaybe<T> {
    const entry = this.#mirror.get(nameOf(key)) as Deno.KvEntry<T> | undefined;
    return entry ?? { key, value: null, versionstamp: null };
  }

  #list(selector: Deno.KvListSelector, options: Deno.KvListOptions = {}): Entry[] {
    if (!("prefix" in selector) || "start" in selector || "end" in selector) {
      throw new Error("List the mirror: only prefixes are known here");
    }
    const { prefix } = selector;
    const { limit = Infinity, reverse = false, cursor } = options;
    const found = this.#sorted().filter(({ key }) =>
      key.length > prefix.length && prefix.every((piece, i) => piece === key[i])
    );
    if (reverse) found.reverse();
    const from = cursor ? found.findIndex(({ key }) => nameOf(key) === cursor) + 1 : 0;
    return found.slice(from, from + limit);
  }

  #sorted(): Entry[] {
    return [...this.#mirror.values()].sort((a, b) => compareKeys(a.key, b.key));
  }

  #atomic(gate: Gate): Deno.AtomicOperation {
    const checks: Deno.AtomicCheck[] = [];
    const mutations: Mutation[] = [];
    const operation: Partial<Deno.AtomicOperation> = {
      check(...more) {
        checks.push(...more);
        return operation as Deno.AtomicOperation;
      },
      set(key, value) {
        mutations.push({ key, value: frozenCopy(value), remove: false });
        return operation as Deno.AtomicOperation;
      },
      delete(key) {
        mutations.push({ key, value: null, remove: true });
        return operation as Deno.AtomicOperation;
      },
      commit: () =>
        gate.pass(() =>
          gate.commitFails()
            ? Promise.resolve({ ok: false as const })
            : this.#run(() => this.#commit(checks, mutations))
        ),
    };
    return operation as Deno.AtomicOperation;
  }

  async #commit(
    checks: Deno.AtomicCheck[],
    mutations: Mutation[],
  ): Promise<Deno.KvCommitResult | Deno.KvCommitError> {
    const ok = checks.every(({ key, versionstamp }) =>
      (this.#mirror.get(nameOf(key))?.versionstamp ?? null) === versionstamp
    );
    // How long it really takes must not matter: by then, all that does not wait for it has gone on.
    const [versionstamp] = await Promise.all([this.#decided(ok, checks, mutations), turn()]);
    if (versionstamp === null) return { ok: false };
    for (const { key, value, remove } of mutations) {
      const name = nameOf(key);
      if (remove) this.#mirror.delete(name);
      else this.#mirror.set(name, { key, value, versionstamp });
      this.onChange(key, value);
    }
    return { ok: true, versionstamp };
  }

  /** Commits; the new versionstamp, or null where a check does not hold, as `expected` said. */
  async #decided(
    expected: boolean,
    checks: Deno.AtomicCheck[],
    mutations: Mutation[],
  ): Promise<string | null> {
    if (!this.kv) return expected ? String(++this.#commits).padStart(20, "0") : null;
    const operation = this.kv.atomic().check(...checks);
    for (const { key, value, remove } of mutations) {
      if (remove) operation.delete(key);
      else operation.set(key, value);
    }
    const result = await operation.commit();
    if (result.ok !== expected) {
      throw new Error(`Commit: Deno KV says ${result.ok}, its mirror ${expected}`);
    }
    return result.ok ? result.versionstamp : null;
  }
}

function listed(look: () => Promise<Entry[]>): Deno.KvListIterator<unknown> {
  const iterator = Object.assign(entries(), { cursor: "" });
  async function* entries(): AsyncGenerator<Entry, undefined> {
    // One batch is one operation, as in the real database.
    for (const entry of await look()) {
      iterator.cursor = nameOf(entry.key);
      yield entry;
    }
  }
  return iterator;
}

function nameOf(key: Deno.KvKey): string {
  return JSON.stringify(key);
}

/** Deno KV sorts the strings of a key before its numbers. */
function compareKeys(a: Deno.KvKey, b: Deno.KvKey): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]];
    if (x === y) continue;
    if (typeof x === "number" && typeof y === "number") return x - y;
    if (typeof x === "string" && typeof y === "string") return x < y ? -1 : 1;
    return typeof x === "string" ? -1 : 1;
  }
  return a.length - b.length;
}

/** A copy of plain data that nobody can change: all who read it share it. */
function frozenCopy(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy));
  const copy: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) copy[name] = frozenCopy(inner);
  return Object.freeze(copy);
}
