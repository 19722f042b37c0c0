/**
 * The only code that touches Deno KV. One atomic per change, with version checks, a record and its secondary
 * keys together; everything read is parsed.
 */
import { dirname } from "node:path";
import { type ChainRecords, createChainRecords } from "./chains.ts";
import { createLeases, type Leases } from "./leases.ts";
import { createEmulatorRecords, type EmulatorRecords } from "./emulator.ts";
import { createParts, type Parts } from "./parts.ts";
import { createRecordings, type Recordings } from "./recordings.ts";
import { commit, type OnBroken, type StoreContext } from "./records.ts";
import { StoreError } from "./errors.ts";
import { keys } from "./keys.ts";
import { createRooms, type Rooms } from "./rooms.ts";
import { createValues, type Values } from "./values.ts";

export { StoreError, type StoreErrorKind } from "./errors.ts";
export type { ChainRecords } from "./chains.ts";
export type { Lease, Leases } from "./leases.ts";
export { streamContentSchema } from "./emulator.ts";
export type {
  ArchiveRecord,
  ConnectionRecord,
  EmulatorRecords,
  SessionRecord,
  StreamRecord,
} from "./emulator.ts";
export type { Parts, UnsettledPart } from "./parts.ts";
export type { RecordingChange, RecordingEntry, Recordings } from "./recordings.ts";
export type { OnBroken, Page, PageOptions } from "./records.ts";
export type { Rooms } from "./rooms.ts";
export type { Values } from "./values.ts";

/** Raised whenever records of an earlier version cannot be read any more. */
const STORE_VERSION = 2;

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
  readonly emulator: EmulatorRecords;
  close(): void;
}

/**
 * Opens the store at `path`: a file, `":memory:"`, or undefined for the host's own database (Deno
 * Deploy). `onBroken` is told about records that do not parse; by default they are logged.
 *
 * @throws {StoreError} `version` when another version of Gapless wrote it.
 */
export async function openStore(
  path: string | undefined,
  options: { onBroken?: OnBroken } = {},
): Promise<Store> {
  const kv = await Deno.openKv(path);
  try {
    await checkVersion(kv, path);
  } catch (error) {
    kv.close();
    throw error;
  }
  return storeOn(kv, options);
}

/** Marks an empty database as ours. */
async function checkVersion(kv: Deno.Kv, path: string | undefined): Promise<void> {
  const { value, versionstamp } = await kv.get(keys.version);
  if (value === STORE_VERSION) return;
  const isEmpty = (await kv.list({ prefix: [] }, { limit: 1 }).next()).done;
  if (versionstamp !== null || !isEmpty) {
    const remedy = path === undefined
      ? "Assign an empty database"
      : `Move the folder "${dirname(path)}" away`;
    throw new StoreError(
      "version",
      `Cannot open the database: another version of Gapless wrote it. ${remedy} and start again`,
    );
  }
  const operation = kv.atomic().check({ key: keys.version, versionstamp: null });
  await commit(operation.set(keys.version, STORE_VERSION), "Mark the database");
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
    emulator: createEmulatorRecords(context),
    close: () => kv.close(),
  };
}
