/**
 * Mistakes put into the app to prove that the oracle sees them. Each is made from outside, by wrapping
 * what a process is given: the product knows nothing of them.
 */
import type { Chains } from "../../lib/handover/mod.ts";
import type { HandoverSettings } from "../../lib/handover/create.ts";
import { type Platform, PlatformError } from "../../lib/platform/platform.ts";
import type { ChainRecords, Leases, RecordingEntry, Recordings } from "../../lib/store/mod.ts";

/** A mistake: what it puts in the place of some of what a process is given. */
export interface Plant {
  recordings?: (recordings: Recordings) => Partial<Recordings>;
  chainRecords?: (chains: ChainRecords) => Partial<ChainRecords>;
  leases?: (leases: Leases) => Partial<Leases>;
  platform?: (platform: Platform) => Partial<Platform>;
  chains?: Partial<Chains>;
  settings?: Partial<HandoverSettings>;
  /** Clients obey the signals only, not the state of the room. */
  clientsTrustSignals?: boolean;
}

/** Mistakes by name; the oracle must see each within 2,000 storms. */
export const PLANTS: Record<string, Plant> = {
  /** The old archive is stopped when the new one is asked for, not when it is known to record. */
  "stop-before-confirmed": {
    recordings: ({ save }) => ({
      save(entry, change, lease) {
        const { procedure, pending, slots } = change.state;
        const asked = procedure?.step === "starting-interim" && pending?.issuedBy === 0 &&
          pending.command.do === "start-archive";
        if (!asked || !slots.main) return save(entry, change, lease);
        const command = { do: "stop-archive" as const, archiveId: slots.main };
        const state = {
          ...change.state,
          slots: { ...slots, main: null, previous: slots.main },
          procedure: { ...procedure, step: "stopping-previous" as const },
          pending: { ...pending, command },
        };
        return save(entry, { ...change, state }, lease);
      },
    }),
  },
  /** The new archive is believed to record without being looked at, and the overlap is left out. */
  "no-overlap": { settings: { overlapInterimMs: 0, overlapNextMs: 0 } },
  /** The archive that takes over is not looked at: whatever has become of it, it is said to record. */
  "no-verification": {
    platform: ({ getArchive }) => ({
      getArchive: async (id) => ({ ...await getArchive(id), status: "started" }),
    }),
  },
  /**
   * A process that has lost its lease goes on writing. In the app two guards carry this together:
   * the lease that a save checks, and the version of the state that it must still find (whoever took
   * over has changed it, and answers to commands that are no longer pending are ignored). So both
   * are taken away: the last writer wins.
   */
  "no-fencing": {
    leases: () => ({ holds: () => Promise.resolve(true) }),
    recordings: ({ get, save }) => ({
      save: async (entry, change) => {
        const { versionstamp } = await get(change.state.room);
        return await save({ ...entry, versionstamp }, change);
      },
    }),
  },
  /** Everybody has the lease, always. */
  "no-lease": {
    leases: ({ acquire }) => ({
      acquire: (name, owner, ttlMs, nowMs) => acquire(name, owner, ttlMs, nowMs + 1e9),
      holds: () => Promise.resolve(true),
      renew: (lease) => Promise.resolve(lease),
    }),
    recordings: ({ save }) => ({ save: (entry, change) => save(entry, change) }),
  },
  /** What a lost start has made is not looked for. */
  "no-adoption": {
    platform: () => ({ listArchives: () => Promise.resolve({ total: 0, archives: [] }) }),
  },
  /** What is decided is saved only when the next thing is decided, that is, after it was done. */
  "save-after-command": {
    recordings: ({ get, save }) => {
      let kept: RecordingEntry | null = null;
      return {
        get: async (room) => kept ?? await get(room),
        save: async (entry, change, lease) => {
          const { state } = change;
          kept = state.pending ? { state, versionstamp: entry.versionstamp } : null;
          return kept ?? await save(entry, change, lease);
        },
      };
    },
  },
  /** Uncovered time is not written down. */
  "no-gap-record": {
    recordings: ({ save }) => ({
      save: (entry, { state, chain, parts }, lease) => {
        const quiet = { ...state, chain: state.chain && { ...state.chain, gaps: [] } };
        return save(entry, { state: quiet, chain: chain && { ...chain, gaps: [] }, parts }, lease);
      },
    }),
    chainRecords: ({ update }) => ({
      update: (id, change) => update(id, (chain) => ({ ...change(chain), gaps: [] })),
    }),
  },
  /** Clients join the secondary session on the signal alone; one that misses it never joins. */
  "edge-triggered-join": { clientsTrustSignals: true },
  /** A start whose answer is lost is sent again at once, as a transport that repeats POSTs does. */
  "double-start": {
    platform: ({ startArchive }) => ({
      startArchive: async (sessionId, options) => {
        try {
          return await startArchive(sessionId, options);
        } catch (error) {
          if (!(error instanceof PlatformError) || error.kind !== "unavailable") throw error;
          const multiArchiveTag = `${options.multiArchiveTag ?? ""} again`;
          return await startArchive(sessionId, { ...options, multiArchiveTag });
        }
      },
    }),
  },
  /** An archive that ended by itself is not replaced. */
  "no-replacement": {
    recordings: ({ save }) => ({
      save: (entry, change, lease) =>
        change.state.procedure?.kind === "replace" && entry.state?.procedure === null
          ? Promise.resolve(entry)
          : save(entry, change, lease),
    }),
  },
  /** Nobody goes on with what a dead process began. */
  "no-resumption": { chains: { sweep: () => Promise.resolve() } },
  /** The interim archive is made with other options. */
  "forgotten-options": {
    platform: ({ startArchive }) => ({
      startArchive: (sessionId, options) =>
        startArchive(
          sessionId,
          sessionId.endsWith("2") ? { ...options, resolution: "640x480" } : options,
        ),
    }),
  },
  /** A stop is believed to have worked, whatever the answer. */
  "stop-not-confirmed": {
    platform: ({ getArchive, stopArchive }) => ({
      stopArchive: async (id) => {
        const before = await getArchive(id);
        await stopArchive(id).catch(() => {});
        return { ...before, status: "stopped", reason: "user initiated" };
      },
    }),
  },
};
