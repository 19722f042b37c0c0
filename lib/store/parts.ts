/** Parts of chains, the way from an archive to its part, and the list of parts that may still change. */
import { type Part, partSchema } from "../recording/model.ts";
import { z } from "zod";
import { StoreError } from "./errors.ts";
import { keys } from "./keys.ts";
import {
  commit,
  listEntries,
  type Page,
  type PageOptions,
  parseOrReport,
  readMany,
  readRecord,
  type StoreContext,
  untilCommitted,
} from "./records.ts";

const placeSchema = z.object({ chainId: z.string(), seq: z.number().int().nonnegative() });
/** Where an archive is a part. */
export type PartPlace = z.infer<typeof placeSchema>;

/** How far the news of a part's archive is: see {@link Parts.unsettled}. */
const unsettledSchema = z.object({ fileAttempts: z.number().int().nonnegative() });

/** A part that may still change, and how often reading its file was tried. */
export interface UnsettledPart {
  part: Part;
  fileAttempts: number;
}

/** The parts of the store. */
export interface Parts {
  /** All parts of a chain, in order. */
  list(chainId: string): Promise<Part[]>;
  get(chainId: string, seq: number): Promise<Part | null>;
  /** The part that an archive is, or null: then no chain owns it. */
  byArchive(archiveId: string): Promise<Part | null>;
  /** Which of these archives are parts of chains. */
  owned(archiveIds: readonly string[]): Promise<Set<string>>;
  /**
   * Changes a part that has ended. `settled: true` says its archive will not change any more;
   * `fileAttempts` counts tries to read its file. Throws `not-found`.
   */
  update(
    chainId: string,
    seq: number,
    change: (part: Part) => Part,
    note?: { settled?: boolean; fileAttempts?: number },
  ): Promise<Part>;
  /** Parts whose archive may still change (`stopped` becomes `available` and so on). */
  unsettled(options?: PageOptions): Promise<Page<UnsettledPart>>;
}

/** A chain longer than this is not shown whole (a part a minute for a week). */
const MAX_PARTS = 10_000;

/** Every key of a part: its record, its lookup, its place among the unsettled. */
export function partKeys(part: Part): Deno.KvKey[] {
  return [
    keys.part(part.chainId, part.seq),
    keys.archive(part.archiveId),
    keys.unsettledPart(part.chainId, part.seq),
  ];
}

/** Adds the writes of a part as the recording knows it. */
export function setPart(operation: Deno.AtomicOperation, part: Part): Deno.AtomicOperation {
  const { chainId, seq } = part;
  return operation
    .set(keys.part(chainId, seq), partSchema.parse(part))
    .set(keys.archive(part.archiveId), { chainId, seq })
    .set(keys.unsettledPart(chainId, seq), { fileAttempts: 0 });
}

/** The parts in this KV. */
export function createParts(context: StoreContext): Parts {
  const { kv } = context;
  const get = async (chainId: string, seq: number) =>
    (await readRecord(context, partSchema, keys.part(chainId, seq))).value;

  return {
    get,
    async list(chainId) {
      const parts: Part[] = [];
      const entries = kv.list<unknown>({ prefix: keys.parts(chainId) }, { limit: MAX_PARTS });
      for await (const entry of entries) {
        const part = parseOrReport(context, partSchema, entry.key, entry);
        if (part) parts.push(part);
      }
      return parts;
    },
    async byArchive(archiveId) {
      const place = await readRecord(context, placeSchema, keys.archive(archiveId));
      return place.value ? await get(place.value.chainId, place.value.seq) : null;
    },
    async owned(archiveIds) {
      const found = await Promise.all(archiveIds.map(async (id) => {
        const { versionstamp } = await kv.get(keys.archive(id));
        return versionstamp === null ? [] : [id];
      }));
      return new Set(found.flat());
    },
    update(chainId, seq, change, note = {}) {
      const key = keys.part(chainId, seq);
      return untilCommitted(`Update part ${seq} of chain ${chainId}`, async () => {
        const { value, versionstamp } = await readRecord(context, partSchema, key);
        if (!value) {
          throw new StoreError(
            "not-found",
            `Update part ${seq}: chain ${chainId} has no such part`,
          );
        }
        const part = partSchema.parse({ ...change(value), chainId, seq });
        const operation = kv.atomic().check({ key, versionstamp }).set(key, part);
        if (note.settled) {
          operation.delete(keys.unsettledPart(chainId, seq));
        } else if (note.fileAttempts !== undefined) {
          operation.set(keys.unsettledPart(chainId, seq), { fileAttempts: note.fileAttempts });
        }
        return await commit(operation, `Update part ${seq} of chain ${chainId}`)
          ? { done: part }
          : null;
      });
    },
    async unsettled(options) {
      const page = await listEntries(context, keys.unsettled, options);
      const notes = page.items.flatMap((entry) => {
        const note = parseOrReport(context, unsettledSchema, entry.key, entry);
        const place = placeSchema.safeParse({ chainId: entry.key[1], seq: entry.key[2] });
        return note && place.success ? [{ ...note, ...place.data }] : [];
      });
      const parts = await readMany(
        context,
        partSchema,
        notes.map(({ chainId, seq }) => keys.part(chainId, seq)),
      );
      const items = parts.map((part): UnsettledPart => ({
        part,
        fileAttempts: notes.find((n) => n.chainId === part.chainId && n.seq === part.seq)
          ?.fileAttempts ?? 0,
      }));
      return { items, cursor: page.cursor };
    },
  };
}
