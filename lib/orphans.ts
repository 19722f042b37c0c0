/**
 * Archives of our sessions that no chain owns: what a start that was given up made after all, or what
 * somebody recorded by other means. They are found, stopped, or adopted into a chain.
 */
import { type Platform, type PlatformArchive, PlatformError } from "./platform/platform.ts";
import { keptContinuity, updatedGaps } from "./recording/coverage.ts";
import { isRunning } from "./recording/draft.ts";
import { CLOCK_TOLERANCE_MS } from "./recording/machine.ts";
import type { Chain, Lane, Part, Room } from "./recording/model.ts";
import { type Store, StoreError } from "./store/mod.ts";

/** What finding and taking in orphans needs. */
interface Context {
  store: Store;
  platform: Platform;
  /** The time, where it is not the machine's. */
  now?: () => number;
}

/** An archive of a room's session that no chain owns. */
export interface Orphan {
  archive: PlatformArchive;
  room: string;
  lane: Lane;
}

/** Orphans are looked for among the sessions of this many rooms. */
const MAX_ROOMS = 1_000;
/** Chains of a room that are looked through for one that an archive belongs to by time. */
const MAX_CHAINS = 100;
/** There is nothing to keep of archives in these statuses. */
const NOTHING_LEFT: ReadonlySet<string> = new Set(["deleted", "expired", "failed"]);

/** Which of these archives are orphans, in the given order. */
export async function orphansAmong(
  context: Context,
  archives: readonly PlatformArchive[],
): Promise<Orphan[]> {
  const candidates = archives.filter((archive) => !NOTHING_LEFT.has(archive.status));
  if (candidates.length === 0) return [];
  const owned = await context.store.parts.owned(candidates.map((archive) => archive.id));
  const unowned = candidates.filter((archive) => !owned.has(archive.id));
  if (unowned.length === 0) return [];
  const places = await sessionsOf(context.store);
  const found = await Promise.all(unowned.map(async (archive) => {
    const place = places.get(archive.sessionId);
    if (!place || await isExpected(context, place.room, archive)) return [];
    return [{ archive, room: place.room, lane: place.lane }];
  }));
  return found.flat();
}

/**
 * Stops an orphan that records.
 *
 * @throws {StoreError} `not-found` if the archive is of no session of ours; `conflict` if it is part of
 * a recording, or may yet become one
 * @throws {PlatformError} if it cannot be stopped
 */
export async function stopOrphan(context: Context, archiveId: string): Promise<PlatformArchive> {
  const { archive } = await requireOrphan(context, archiveId, "Stop");
  return isRunning(archive.status) ? await context.platform.stopArchive(archiveId) : archive;
}

/**
 * Takes an orphan that has ended into the chain that was being recorded under its name at its time,
 * else into a chain of its own. Answers that chain.
 *
 * @throws {StoreError} as {@link stopOrphan}; `conflict` also while it records
 */
export async function adoptOrphan(context: Context, archiveId: string): Promise<Chain> {
  const { archive, room, lane } = await requireOrphan(context, archiveId, "Adopt");
  const failed = `Adopt the archive "${archive.name}"`;
  if (isRunning(archive.status)) {
    throw new StoreError("conflict", `${failed}: it still records, stop it first`);
  }
  const known = await chainAround(context.store, room, archive);
  const chain = known ?? ownChain(room, archive);
  const parts = await context.store.parts.list(chain.id);
  const seq = 1 + parts.reduce((last, part) => Math.max(last, part.seq), -1);
  const part = partOf(chain.id, seq, lane, archive);
  const gaps = updatedGaps(chain.gaps, [...parts, part], recordedUntilMs(chain));
  const adopting = { ...chain, gaps };
  const continuity = keptContinuity(adopting, [...parts, part]);
  const adopted = { ...adopting, continuity };
  await context.store.chains.adopt(adopted, part);
  return adopted;
}

async function requireOrphan(context: Context, id: string, verb: string): Promise<Orphan> {
  const failed = `${verb} the archive ${id}`;
  const archive = await context.platform.getArchive(id).catch((error) => {
    if (!(error instanceof PlatformError && error.kind === "not-found")) throw error;
    throw new StoreError("not-found", `${failed}: there is no such archive`, { cause: error });
  });
  const [orphan] = await orphansAmong(context, [archive]);
  if (orphan) return orphan;
  if (await context.store.parts.byArchive(id)) {
    throw new StoreError("conflict", `${failed}: it is part of a recording already`);
  }
  if (NOTHING_LEFT.has(archive.status)) {
    throw new StoreError("conflict", `${failed}: it is ${archive.status}`);
  }
  if ((await sessionsOf(context.store)).has(archive.sessionId)) {
    throw new StoreError(
      "conflict",
      `${failed}: the recording that runs may take it in, try again in a few minutes`,
    );
  }
  throw new StoreError("not-found", `${failed}: it was recorded in no room of this app`);
}

/** Whose session is whose. */
async function sessionsOf(store: Store): Promise<Map<string, { room: string; lane: Lane }>> {
  const places = new Map<string, { room: string; lane: Lane }>();
  let cursor: string | null = null;
  do {
    const page: { items: Room[]; cursor: string | null } = await store.rooms.list({
      cursor,
      limit: 100,
    });
    for (const { name, sessions } of page.items) {
      places.set(sessions.primary, { room: name, lane: "primary" });
      places.set(sessions.secondary, { room: name, lane: "secondary" });
    }
    cursor = page.cursor;
  } while (cursor !== null && places.size < 2 * MAX_ROOMS);
  return places;
}

/** Whether a start of this app may have made it a moment ago: then its chain takes it in by itself. */
async function isExpected(
  { store, now = Date.now }: Context,
  room: string,
  archive: PlatformArchive,
): Promise<boolean> {
  const { state } = await store.recordings.get(room);
  return (state?.suspects ?? []).some((start) =>
    start.untilMs > now() && start.name === archive.name &&
    archive.createdAtMs >= start.sinceMs - CLOCK_TOLERANCE_MS
  );
}

/** The chain of this room that was being recorded, under the same name and in the same way, meanwhile. */
async function chainAround(
  store: Store,
  room: string,
  archive: PlatformArchive,
): Promise<Chain | null> {
  const { items } = await store.chains.list({ room, limit: MAX_CHAINS });
  const found = items.find((chain) =>
    chain.name === archive.name && chain.options.outputMode === archive.outputMode &&
    archive.createdAtMs >= chain.createdAtMs - CLOCK_TOLERANCE_MS &&
    archive.createdAtMs <= (recordedUntilMs(chain) ?? Infinity)
  );
  if (found && found.stoppedAtMs === null) {
    throw new StoreError(
      "conflict",
      `Adopt the archive "${archive.name}": the recording it belongs to still runs, stop it first`,
    );
  }
  return found ?? null;
}

function recordedUntilMs(chain: Chain): number | null {
  return chain.stopRequestedAtMs ?? chain.stoppedAtMs;
}

/** A chain for one archive. Its id follows from the archive, so adopting twice makes one. */
function ownChain(room: string, archive: PlatformArchive): Chain {
  const { hasAudio, hasVideo, outputMode, createdAtMs } = archive;
  const endMs = createdAtMs + archive.durationSeconds * 1000;
  return {
    id: `adopted-${archive.id}`,
    room,
    name: archive.name || "Untitled",
    options: { hasAudio, hasVideo, outputMode },
    strategy: "dual-session",
    state: "stopped",
    createdAtMs,
    stopRequestedAtMs: endMs,
    stoppedAtMs: endMs,
    gaps: [],
  };
}

function partOf(chainId: string, seq: number, lane: Lane, archive: PlatformArchive): Part {
  const durationMs = archive.durationSeconds * 1000;
  return {
    chainId,
    seq,
    archiveId: archive.id,
    sessionId: archive.sessionId,
    lane,
    status: archive.status,
    reason: archive.reason,
    startedAtMs: archive.createdAtMs,
    startSource: "platform",
    startUncertaintyMs: 1_000,
    endedAtMs: archive.createdAtMs + durationMs,
    durationMs,
    sizeBytes: archive.sizeBytes,
    nudgeMs: 0,
  };
}
