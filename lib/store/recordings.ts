/** The state of each room's recording, saved together with the chain and parts that it changes. */
import type { Chain, Part } from "../recording/model.ts";
import { chainSchema } from "../recording/model.ts";
import { type RecordingState, recordingStateSchema } from "../recording/state.ts";
import { setChain } from "./chains.ts";
import { keys } from "./keys.ts";
import { fence, type Lease } from "./leases.ts";
import { setPart } from "./parts.ts";
import {
  commit,
  listEntries,
  type Page,
  type PageOptions,
  readRecord,
  type StoreContext,
} from "./records.ts";

/** A room's recording as it was read, with the version that a save must still find. */
export interface RecordingEntry {
  state: RecordingState | null;
  versionstamp: string | null;
}

/** What one step changes. */
export interface RecordingChange {
  state: RecordingState;
  /** Chain to write, if it changed. */
  chain: Chain | null;
  /** Parts to write. */
  parts: Part[];
}

/** The recordings of the store. */
export interface Recordings {
  get(room: string): Promise<RecordingEntry>;
  /**
   * Saves a step in one atomic: state, chain, parts and their secondary keys. Answers the new entry, or
   * null if the state changed since `entry` was read or `lease` (when given) is no longer held.
   */
  save(
    entry: RecordingEntry,
    change: RecordingChange,
    lease?: Lease | null,
  ): Promise<RecordingEntry | null>;
  /** Names of the rooms that need looking after: they record, or may have done a moment ago. */
  active(options?: PageOptions): Promise<Page<string>>;
  /** Takes a room off the list of {@link active} ones unless its recording changed since it was read. */
  rest(room: string, entry: RecordingEntry): Promise<void>;
}

/** The recordings in this KV. */
export function createRecordings(context: StoreContext): Recordings {
  const { kv } = context;
  return {
    async get(room) {
      const { value, versionstamp } = await readRecord(
        context,
        recordingStateSchema,
        keys.recording(room),
      );
      return { state: value, versionstamp };
    },
    async save(entry, change, lease = null) {
      const { state, chain, parts } = change;
      const key = keys.recording(state.room);
      const action = `Save the recording of room "${state.room}"`;
      const operation = kv.atomic()
        .check({ key, versionstamp: entry.versionstamp })
        .set(key, state)
        .set(keys.activeRoom(state.room), true);
      if (lease) fence(operation, lease);
      if (chain) {
        const before = await readRecord(context, chainSchema, keys.chain(chain.id));
        setChain(operation, before.value, chain);
      }
      for (const part of parts) setPart(operation, part);
      const versionstamp = await commit(operation, action);
      return versionstamp === null ? null : { state, versionstamp };
    },
    async active(options) {
      const page = await listEntries(context, keys.activeRooms, options);
      return { items: page.items.map((entry) => String(entry.key[1])), cursor: page.cursor };
    },
    async rest(room, entry) {
      const operation = kv.atomic()
        .check({ key: keys.recording(room), versionstamp: entry.versionstamp })
        .delete(keys.activeRoom(room));
      await commit(operation, `Rest room "${room}"`);
    },
  };
}
