/**
 * Mistakes put into the app to prove that the oracle sees them. Each is made from outside, by wrapping
 * what a process is given: the product knows nothing of them.
 */
import type { Chains } from "../../lib/handover/mod.ts";
import type { HandoverSettings } from "../../lib/handover/create.ts";
import { type Platform, PlatformError } from "../../lib/platform/platform.ts";
import type { RecordingChange, Store } from "../../lib/store/mod.ts";

/** A mistake, as what it does to what a process is given. */
export interface Plant {
  store?: (store: Store) => Store;
  platform?: (platform: Platform) => Platform;
  chains?: (chains: Chains) => Chains;
  settings?: Partial<HandoverSettings>;
  /** Clients obey the signals only, not the state of the room. */
  clientsTrustSignals?: boolean;
}

/** No mistake at all. */
export const SOUND: Plant = {};

/** Mistakes by name; the oracle must see each within 2,000 storms. */
export const PLANTS: Record<string, Plant> = {
  /** The old archive is stopped when the new one is asked for, not when it is known to record. */
  "stop-before-confirmed": {
    store: changing((change) => {
      const { procedure, pending, slots } = change.state;
      const asked = procedure?.step === "starting-interim" && pending?.issuedBy === 0 &&
        pending.command.do === "start-archive" && slots.main !== null;
      if (!asked || !slots.main) return change;
      const command = { do: "stop-archive" as const, archiveId: slots.main };
      return {
        ...change,
        state: {
          ...change.state,
          slots: { ...slots, main: null, previous: slots.main },
          procedure: { ...procedure, step: "stopping-previous" },
          pending: { ...pending, command },
        },
      };
    }),
  },
  /** The new archive is believed to record without being looked at, and the overlap is left out. */
  "no-overlap": { settings: { overlapInterimMs: 0, overlapNextMs: 0 } },
  /** The archive that takes over is not looked at: whatever has become of it, it is said to record. */
  "no-verification": {
    platform: (platform) => ({
      ...platform,
      getArchive: async (id) => ({ ...await platform.getArchive(id), status: "started" }),
    }),
  },
  /**
   * A process that has lost its lease goes on writing. In the app two guards carry this together:
   * the lease that a save checks, and the version of the state that it must still find (whoever took
   * over has changed it, and answers to commands that are no longer pending are ignored). So both
   * are taken away: the last writer wins.
   */
  "no-fencing": {
    store: (store) => ({
      ...store,
      leases: { ...store.leases, holds: () => Promise.resolve(true) },
      recordings: {
        ...store.recordings,
        save: async (entry, change) => {
          const { versionstamp } = await store.recordings.get(change.state.room);
          return await store.recordings.save({ ...entry, versionstamp }, change);
        },
      },
    }),
  },
  /** Everybody has the lease, always. */
  "no-lease": {
    store: (store) => ({
      ...store,
      leases: {
        ...store.leases,
        acquire: (name, owner, ttlMs, nowMs) =>
          store.leases.acquire(name, owner, ttlMs, nowMs + 1e9),
        holds: () => Promise.resolve(true),
        renew: (lease) => Promise.resolve(lease),
      },
      recordings: {
        ...store.recordings,
        save: (entry, change) => store.recordings.save(entry, change),
      },
    }),
  },
  /** What a lost start has made is not looked for. */
  "no-adoption": {
    platform: (platform) => ({
      ...platform,
      listArchives: () => Promise.resolve({ total: 0, archives: [] }),
    }),
  },
  /** What is decided is saved only when the next thing is decided, that is, after it was done. */
  "save-after-command": {
    store: (store) => {
      let kept: { entry: Awaited<ReturnType<Store["recordings"]["get"]>> } | null = null;
      const { recordings } = store;
      return {
        ...store,
        recordings: {
          ...recordings,
          get: async (room) => kept?.entry ?? await recordings.get(room),
          save: async (entry, change, lease) => {
            if (change.state.pending && !kept) {
              const { versionstamp } = entry;
              kept = { entry: { state: change.state, versionstamp } };
              return kept.entry;
            }
            kept = change.state.pending ? kept : null;
            if (kept) {
              kept.entry = { state: change.state, versionstamp: entry.versionstamp };
              return kept.entry;
            }
            return await recordings.save(entry, change, lease);
          },
        },
      };
    },
  },
  /** Uncovered time is not written down. */
  "no-gap-record": {
    store: (store) => {
      const quiet = changing(({ state, chain, parts }) => ({
        state: { ...state, chain: state.chain && { ...state.chain, gaps: [] } },
        chain: chain && { ...chain, gaps: [] },
        parts,
      }))(store);
      return {
        ...quiet,
        chains: {
          ...quiet.chains,
          update: (id, change) =>
            quiet.chains.update(id, (chain) => ({ ...change(chain), gaps: [] })),
        },
      };
    },
  },
  /** Clients join the secondary session on the signal alone; one that misses it never joins. */
  "edge-triggered-join": { clientsTrustSignals: true },
  /** A start whose answer is lost is sent again at once, as a transport that repeats POSTs does. */
  "double-start": {
    platform: (platform) => ({
      ...platform,
      startArchive: async (sessionId, options) => {
        try {
          return await platform.startArchive(sessionId, options);
        } catch (error) {
          if (!(error instanceof PlatformError) || error.kind !== "unavailable") throw error;
          const multiArchiveTag = `${options.multiArchiveTag ?? ""} again`;
          return await platform.startArchive(sessionId, { ...options, multiArchiveTag });
        }
      },
    }),
  },
  /** An archive that ended by itself is not replaced. */
  "no-replacement": {
    store: (store) => ({
      ...store,
      recordings: {
        ...store.recordings,
        save: (entry, change, lease) =>
          change.state.procedure?.kind === "replace" && entry.state?.procedure === null
            ? Promise.resolve(entry)
            : store.recordings.save(entry, change, lease),
      },
    }),
  },
  /** Nobody goes on with what a dead process began. */
  "no-resumption": {
    chains: (chains) => ({ ...chains, sweep: () => Promise.resolve() }),
  },
  /** The interim archive is made with other options. */
  "forgotten-options": {
    platform: (platform) => ({
      ...platform,
      startArchive: (sessionId, options) =>
        platform.startArchive(
          sessionId,
          sessionId.endsWith("2") ? { ...options, resolution: "640x480" } : options,
        ),
    }),
  },
  /** A stop is believed to have worked, whatever the answer. */
  "stop-not-confirmed": {
    platform: (platform) => ({
      ...platform,
      stopArchive: async (id) => {
        const before = await platform.getArchive(id);
        await platform.stopArchive(id).catch(() => {});
        return { ...before, status: "stopped", reason: "user initiated" };
      },
    }),
  },
};

/** Changes what is saved of a recording. */
function changing(change: (change: RecordingChange) => RecordingChange): (store: Store) => Store {
  return (store) => ({
    ...store,
    recordings: {
      ...store.recordings,
      save: (entry, wanted, lease) => store.recordings.save(entry, change(wanted), lease),
    },
  });
}
