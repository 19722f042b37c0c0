/** Chains as records: found by id, room and name. They are made and changed while recording by `recordings`. */
import { type Chain, chainSchema, type Part } from "../recording/model.ts";
import { StoreError } from "./errors.ts";
import { keys } from "./keys.ts";
import { partKeys, type Parts, setPart } from "./parts.ts";
import {
  commit,
  listEntries,
  type Page,
  type PageOptions,
  readMany,
  readRecord,
  type StoreContext,
  untilCommitted,
} from "./records.ts";
import { z } from "zod";

/** The chains of the store. */
export interface ChainRecords {
  /** Throws `conflict` if there is a chain of this id. */
  create(chain: Chain): Promise<Chain>;
  get(id: string): Promise<Chain | null>;
  /** Newest first; of one room, or of exactly one name, or all. */
  list(options?: PageOptions & { room?: string; name?: string }): Promise<Page<Chain>>;
  /**
   * Changes a chain that is not being recorded (its room's recording owns it until then; that throws
   * `conflict`). Throws `not-found`.
   */
  update(id: string, change: (chain: Chain) => Chain): Promise<Chain>;
  /**
   * Adds a part to a chain that is not being recorded, or to a new one, in one atomic. Throws `conflict`
   * if the archive is a part already, or the chain is being recorded or changes meanwhile.
   */
  adopt(chain: Chain, part: Part): Promise<void>;
  /** Deletes a chain, its parts and their lookups; nothing on the platform. Throws `conflict` while it records. */
  delete(id: string): Promise<void>;
}

const LIVE_STATES: ReadonlySet<Chain["state"]> = new Set(["starting", "recording", "stopping"]);
/** Parts deleted in one atomic: three keys each, far below KV's limit of mutations. */
const DELETE_BATCH = 50;

/** Adds the writes of a chain and its secondary keys; `before` is what is stored now. */
export function setChain(
  operation: Deno.AtomicOperation,
  before: Chain | null,
  chain: Chain,
): Deno.AtomicOperation {
  const value = chainSchema.parse(chain);
  operation.set(keys.chain(chain.id), value);
  const moved = !before || before.name !== chain.name || before.room !== chain.room ||
    before.createdAtMs !== chain.createdAtMs;
  if (moved) {
    if (before) { for (const key of keys.chainIndexes(before)) operation.delete(key); }
    for (const key of keys.chainIndexes(chain)) operation.set(key, chain.id);
  }
  return operation;
}

/** The chains in this KV. */
export function createChainRecords(context: StoreContext, parts: Parts): ChainRecords {
  const { kv } = context;

  return {
    async create(chain) {
      const operation = kv.atomic().check({ key: keys.chain(chain.id), versionstamp: null });
      if (!await commit(setChain(operation, null, chain), `Create chain "${chain.name}"`)) {
        throw new StoreError("conflict", `Create chain "${chain.name}": ${chain.id} exists`);
      }
      return chain;
    },
    async get(id) {
      return (await readRecord(context, chainSchema, keys.chain(id))).value;
    },
    async list(options = {}) {
      const prefix = options.name !== undefined
        ? keys.chainsByName(options.name)
        : options.room !== undefined
        ? keys.chainsByRoom(options.room)
        : keys.chainsByTime;
      const page = await listEntries(context, prefix, { ...options, reverse: true });
      const ids = page.items.map((entry) => z.string().catch("").parse(entry.value));
      const chains = await readMany(context, chainSchema, ids.map(keys.chain));
      const items = chains.filter((chain) =>
        (options.name === undefined || chain.name === options.name) &&
        (options.room === undefined || chain.room === options.room)
      );
      return { items, cursor: page.cursor };
    },
    update(id, change) {
      return untilCommitted(`Update chain ${id}`, async () => {
        const { value, versionstamp } = await readRecord(context, chainSchema, keys.chain(id));
        if (!value) throw new StoreError("not-found", `Update chain ${id}: there is no such chain`);
        if (LIVE_STATES.has(value.state)) {
          throw new StoreError(
            "conflict",
            `Update chain ${id}: it is being recorded, stop it first`,
          );
        }
        const chain = chainSchema.parse({ ...change(value), id });
        const operation = kv.atomic().check({ key: keys.chain(id), versionstamp });
        setChain(operation, value, chain);
        return await commit(operation, `Update chain ${id}`) ? { done: chain } : null;
      });
    },
    async adopt(chain, part) {
      const action = `Adopt archive ${part.archiveId} into chain "${chain.name}"`;
      const key = keys.chain(chain.id);
      const { value, versionstamp } = await readRecord(context, chainSchema, key);
      if (value && LIVE_STATES.has(value.state)) {
        throw new StoreError("conflict", `${action}: it is being recorded, stop it first`);
      }
      const operation = kv.atomic()
        .check({ key, versionstamp })
        .check({ key: keys.archive(part.archiveId), versionstamp: null })
        .check({ key: keys.part(chain.id, part.seq), versionstamp: null });
      setPart(setChain(operation, value, chain), part);
      if (!await commit(operation, action)) {
        throw new StoreError(
          "conflict",
          `${action}: it is a part already, or others change it now`,
        );
      }
    },
    async delete(id) {
      const { value: chain, versionstamp } = await readRecord(context, chainSchema, keys.chain(id));
      if (!chain) return;
      if (LIVE_STATES.has(chain.state)) {
        throw new StoreError("conflict", `Delete chain ${id}: it is being recorded, stop it first`);
      }
      // The chain goes last: whoever dies half way leaves a chain that can be deleted again.
      const all = await parts.list(id);
      for (let i = 0; i < all.length; i += DELETE_BATCH) {
        const operation = kv.atomic();
        for (const part of all.slice(i, i + DELETE_BATCH)) {
          for (const key of partKeys(part)) operation.delete(key);
        }
        await commit(operation, `Delete the parts of chain ${id}`);
      }
      const operation = kv.atomic().check({ key: keys.chain(id), versionstamp });
      operation.delete(keys.chain(id));
      for (const key of keys.chainIndexes(chain)) operation.delete(key);
      if (!await commit(operation, `Delete chain ${id}`)) {
        throw new StoreError("conflict", `Delete chain ${id}: it changed meanwhile, try again`);
      }
    },
  };
}
