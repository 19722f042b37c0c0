/**
 * The only code that touches Deno KV. One atomic per change, with version checks, a record and its secondary
 * keys together; everything read is parsed.
 */
import { type ChainRecords, createChainRecords } from "./chains.ts";
import { createLeases, type Leases } from "./leases.ts";
import { createLoopbackRecords, type LoopbackRecords } from "./loopback.ts";
import { createParts, type Parts } from "./parts.ts";
import { createRecordings, type Recordings } from "./recordings.ts";
import type { OnBroken, StoreContext } from "./records.ts";
import { createRooms, type Rooms } from "./rooms.ts";
import { createValues, type Values } from "./values.ts";

export { StoreError, type StoreErrorKind } from "./errors.ts";
export type { ChainRecords } from "./chains.ts";
export type { Lease, Leases } from "./leases.ts";
export type { ArchiveRecord, LoopbackRecords, SessionRecord } from "./loopback.ts";
export type { Parts, UnsettledPart } from "./parts.ts";
export type { RecordingChange, RecordingEntry, Recordings } from "./recordings.ts";
export type { OnBroken, Page, PageOptions } from "./records.ts";
export type { Rooms } from "./rooms.ts";
export type { Values } from "./values.ts";

/** Everything the app keeps. */
export interface Store {
  /** The database itself, for tests that put records there which no verb would write. */
  readonly kv: Deno.Kv;
  readonly rooms: Rooms;
  readonly chains: ChainRecords;
  readonly parts: Parts;
  readonly recordings: Recordings;
  readonly leases: Leases;
  readonly values: Values;
  readonly loopback: LoopbackRecords;
  close(): void;
}

/**
 * Opens the store at `path`: a file, `":memory:"`, or undefined for the host's own database (Deno
 * Deploy). `onBroken` is told about records that do not parse; by default they are logged.
 */
export async function openStore(
  path: string | undefined,
  options: { onBroken?: OnBroken } = {},
): Promise<Store> {
  return storeOn(await Deno.openKv(path), options);
}

/** The store on a KV that is already open. */
export function storeOn(kv: Deno.Kv, options: { onBroken?: OnBroken } = {}): Store {
  // deno-lint-ignore no-console -- the log is where a broken record is reported by default
  const onBroken = options.onBroken ?? ((error) => console.warn(error.message));
  const context: StoreContext = { kv, onBroken };
  const parts = createParts(context);
  return {
    kv,
    rooms: createRooms(context),
    chains: createChainRecords(context, parts),
    parts,
    recordings: createRecordings(context),
    leases: createLeases(context),
    values: createValues(context),
    loopback: createLoopbackRecords(context),
    close: () => kv.close(),
  };
}
