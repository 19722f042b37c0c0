/** Looking after what records: archives that ended by themselves, starts that were lost, handovers due. */
import { isRunning } from "../recording/draft.ts";
import { CLOCK_TOLERANCE_MS } from "../recording/machine.ts";
import type { ArchiveFacts, RecordingState } from "../recording/state.ts";
import { type PlatformArchive, PlatformError } from "../platform/platform.ts";
import type { Alerting } from "./alerting.ts";
import type { Runner, RunnerContext } from "./runner.ts";
import type { Settling } from "./settling.ts";

/** Looks after rooms. Nothing here throws for what a platform answers: it is told and tried again. */
export interface Care {
  /** Reads an archive and acts on what is new. */
  hint(archiveId: string): Promise<void>;
  /** Looks after a room, if anything records there. Told often, it looks once a second. */
  hintRoom(room: string): Promise<void>;
  /** Looks after the active room of this session, if there is one. */
  hintSession(sessionId: string): Promise<void>;
  /** Looks at what records in one room, resumes its procedure, hands over when it is due. */
  tend(room: string): Promise<void>;
  /** Stops what starts that were given up have made in the meantime; their sessions are free then. */
  stopStrays(room: string): Promise<void>;
  /** Looks after every active room, then after ended archives. */
  sweep(): Promise<void>;
}

/** A sweep does not wait longer than this for the procedures it resumed; they go on. */
const SWEEP_LIMIT_MS = 45_000;
/** Nor does who tells of a room or a session. */
const HINT_LIMIT_MS = 5_000;
/** Hints come from anybody in the call: the next look waits this long after the last. */
const LOOK_PAUSE_MS = 1_000;
const LIST_COUNT = 20;
const ACTIVE_PAGE = 100;

/** Care for the rooms of this store. */
export function createCare(
  context: RunnerContext,
  runner: Runner,
  settling: Settling,
  alerting: Alerting | null,
): Care {
  const { store, platform, now, onTrouble } = context;

  /** Reads an archive; one that is not found is told as deleted. */
  async function read(archiveId: string, sessionId: string): Promise<ArchiveFacts> {
    try {
      return await platform.getArchive(archiveId);
    } catch (error) {
      if (!(error instanceof PlatformError && error.kind === "not-found")) throw error;
      return {
        id: archiveId,
        sessionId,
        name: "",
        status: "deleted",
        reason: "not found on the platform",
        createdAtMs: 0,
        durationSeconds: 0,
        sizeBytes: 0,
      };
    }
  }

  async function tend(room: string): Promise<void> {
    let entry = await store.recordings.get(room);
    if (entry.state?.procedure) {
      const run = runner.kick(room);
      // The procedure may take long. Meanwhile the main archive may end unheard, and an archive that a
      // lagging list did not show may turn up.
      await readParts(entry.state);
      await findStrays(entry.state);
      await run;
      // What recorded when it began may have ended meanwhile.
      entry = await store.recordings.get(room);
    }
    const { state } = entry;
    if (state) alerting?.tell(state);
    if (state?.procedure) return;
    // Lists fail too: that must not keep anybody from looking at what is to record.
    await stopStrays(room).catch((error) => onTrouble(`Stop strays in room "${room}"`, error));
    if (!state?.chain) {
      const watchful = state?.suspects.some((s) => s.untilMs > now());
      const told = !state || !alerting || alerting.toldAll(state);
      if (!watchful && told) await store.recordings.rest(room, entry);
      return;
    }
    // One that ended is replaced before anything else is asked, which may fail.
    if (await readParts(state)) return await runner.kick(room);
    await findStrays(state);
    await runner.apply(room, { type: "tick" });
    await runner.kick(room);
  }

  /** Reads the parts that run and notes what is new; true if one has ended and is being replaced. */
  async function readParts({ room, tail, procedure }: RecordingState): Promise<boolean> {
    for (const part of tail.filter((p) => p.endedAtMs === null)) {
      const archive = await read(part.archiveId, part.sessionId)
        .catch((error) => onTrouble(`Look at archive ${part.archiveId}`, error));
      const after = archive && await runner.apply(room, { type: "seen", archive });
      if (!procedure && after?.procedure) return true;
    }
    return false;
  }

  /** Tells the recording of archives that its lost starts have made. */
  async function findStrays({ room, chain, sessions }: RecordingState): Promise<void> {
    if (!chain) return;
    const starts = [{ name: chain.name, sinceMs: chain.createdAtMs }];
    try {
      for await (const archive of strays(sessions, starts)) {
        await runner.apply(room, { type: "seen", archive });
      }
    } catch (error) {
      onTrouble(`Look for strays in room "${room}"`, error);
    }
  }

  /**
   * Running archives of the room's sessions that were started like this but are no part of a chain. Those of
   * one session come before the other session's list is asked for, which may fail.
   */
  async function* strays(
    sessions: RecordingState["sessions"],
    starts: { name: string; sinceMs: number }[],
  ): AsyncGenerator<PlatformArchive> {
    for (const sessionId of [sessions.primary, sessions.secondary]) {
      const { archives } = await platform.listArchives({ sessionId, count: LIST_COUNT });
      for (const archive of archives) {
        const fits = isRunning(archive.status) &&
          starts.some((start) =>
            archive.name === start.name && archive.createdAtMs >= start.sinceMs - CLOCK_TOLERANCE_MS
          );
        if (fits && !await store.parts.byArchive(archive.id)) yield archive;
      }
    }
  }

  /** What a lost start made after it was given up records for nobody, unless the chain can use it. */
  async function stopStrays(room: string): Promise<void> {
    const { state, versionstamp } = await store.recordings.get(room);
    const starts = state?.suspects.filter((s) => s.untilMs > now()) ?? [];
    if (!state || state.procedure || starts.length === 0) return;
    for await (const archive of strays(state.sessions, starts)) {
      const { chain } = state;
      const usable = chain !== null && archive.name === chain.name &&
        archive.createdAtMs >= chain.createdAtMs - CLOCK_TOLERANCE_MS;
      if (usable) continue;
      // Meanwhile a chain may have begun whose archive this is.
      if ((await store.recordings.get(room)).versionstamp !== versionstamp) return;
      await platform.stopArchive(archive.id);
    }
  }

  async function* activeRooms(): AsyncGenerator<string> {
    let cursor: string | null = null;
    do {
      const page: { items: string[]; cursor: string | null } = await store.recordings.active({
        cursor,
        limit: ACTIVE_PAGE,
      });
      yield* page.items;
      cursor = page.cursor;
    } while (cursor !== null);
  }

  async function activeRoomOf(sessionId: string): Promise<string | null> {
    for await (const room of activeRooms()) {
      const { state } = await store.recordings.get(room);
      if (state && Object.values(state.sessions).includes(sessionId)) return room;
    }
    return null;
  }

  /** Waits for work that may go on after the limit. */
  async function upTo(limitMs: number, work: Promise<unknown>): Promise<void> {
    const limit = new AbortController();
    await Promise.race([work, context.sleep(limitMs, limit.signal)]);
    limit.abort();
  }
  /** By room: the look that goes on or was a moment ago, and the one that waits for it. */
  const looks = new Map<string, { over: Promise<void>; next: Promise<void> | null }>();

  /** Looks after a room now, or once more after the look that may have missed what is told. */
  function look(room: string): Promise<void> {
    const last = looks.get(room);
    if (last) return last.next ??= last.over.then(() => look(room));
    const done = tend(room).catch((error) => onTrouble(`Look after room "${room}"`, error));
    const over = done.then(() => context.sleep(LOOK_PAUSE_MS)).then(() => {
      looks.delete(room);
    });
    looks.set(room, { over, next: null });
    return done;
  }

  return {
    tend,
    stopStrays,
    async hintSession(sessionId) {
      const room = await activeRoomOf(sessionId);
      if (room !== null) await upTo(HINT_LIMIT_MS, look(room));
    },
    async hintRoom(room) {
      const { state } = await store.recordings.get(room);
      if (state?.chain || state?.procedure) await upTo(HINT_LIMIT_MS, look(room));
    },
    async hint(archiveId) {
      const part = await store.parts.byArchive(archiveId);
      if (!part) return;
      const chain = await store.chains.get(part.chainId);
      if (part.endedAtMs !== null || !chain) return await settling.settle(part);
      const archive = await read(archiveId, part.sessionId);
      await runner.apply(chain.room, { type: "seen", archive });
      void runner.kick(chain.room);
    },
    async sweep() {
      const tending: Promise<void>[] = [];
      for await (const room of activeRooms()) {
        tending.push(tend(room).catch((error) => onTrouble(`Look after room "${room}"`, error)));
      }
      await upTo(SWEEP_LIMIT_MS, Promise.all(tending));
      await settling.sweep();
    },
  };
}
