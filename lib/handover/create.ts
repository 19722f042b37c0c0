/** The working {@link Chains}: verbs that wait for their procedure, and the care for what records. */
import type { Chain, Room } from "../recording/model.ts";
import { emptyRecording, type RecordingEvent, type RecordingSettings } from "../recording/state.ts";
import type { RecordingState } from "../recording/state.ts";
import type { Platform } from "../platform/platform.ts";
import type { Store } from "../store/mod.ts";
import { log } from "../log.ts";
import { createAlerting, type TellAlert } from "./alerting.ts";
import { createCare } from "./care.ts";
import { ChainError, type Chains } from "./chains.ts";
import { Changes } from "./changes.ts";
import { type MediaFacts, readMediaFacts } from "./media_facts.ts";
import { roomViewOf } from "./room_view.ts";
import { Runner, type RunnerContext } from "./runner.ts";
import { createSettling } from "./settling.ts";
import { createWatch } from "./watch.ts";

/** Delays of the procedures, as configured. */
export interface HandoverSettings {
  joinTimeoutMs: number;
  /** `SESSION_STOP_DELAY_PRIMARY`: how long previous and interim archive run together. */
  overlapInterimMs: number;
  /** `SESSION_STOP_DELAY_SECONDARY`: how long interim and next archive run together. */
  overlapNextMs: number;
  rotateAfterMinutes: number;
}

/** What {@link createChains} needs; what is optional is given by tests that own time and chance. */
export interface ChainsOptions {
  store: Store;
  platform: Platform;
  settings: HandoverSettings;
  /** How long a process that is gone may keep others from going on, ms; clocks must differ by less. */
  leaseMs?: number;
  now?: () => number;
  sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
  newId?: () => string;
  readFile?: (url: string) => Promise<MediaFacts>;
  /** Where alerts go besides the pages; nowhere by default. */
  tellAlert?: TellAlert;
  /** Told about what went wrong in the background; logged by default. */
  onTrouble?: (action: string, error: unknown) => void;
}

/** Beyond its own waits, a procedure may take this long before its caller is told to look again later. */
const PATIENCE_MS = 90_000;
const POLL_MS = 1_000;
const CLOSE_MS = 3_000;
/** Alerts that are not told by then are told by another process. */
const CLOSE_ALERTS_MS = 500;
/** Long enough for clocks that differ by 5 s. */
const LEASE_MS = 10_000;
const MAX_NAME_LENGTH = 256;

/** Records rooms with this store and platform. Call `close()` in the end. */
export function createChains(options: ChainsOptions): Chains {
  const { store, settings: given } = options;
  const settings: RecordingSettings = {
    joinTimeoutMs: given.joinTimeoutMs,
    overlapInterimMs: given.overlapInterimMs,
    overlapNextMs: given.overlapNextMs,
    rotateAfterMs: given.rotateAfterMinutes * 60_000,
  };
  const context: RunnerContext = {
    store,
    platform: options.platform,
    settings,
    leaseMs: options.leaseMs ?? LEASE_MS,
    now: options.now ?? Date.now,
    sleep: options.sleep ?? sleepFor,
    newId: options.newId ?? (() => crypto.randomUUID()),
    onTrouble: options.onTrouble ?? logTrouble,
  };
  const { now, sleep } = context;
  const alerting = options.tellAlert ? createAlerting(context, options.tellAlert) : null;
  const changes = new Changes();
  const runner = new Runner(context, changes);
  const settling = createSettling(
    context,
    options.readFile ?? readMediaFacts,
    async (room, part) => {
      await runner.apply(room, { type: "measured", part });
    },
  );
  const care = createCare(context, runner, settling, alerting);
  /** News of an archive may have come before it was known to be a part, or to be needed. */
  const lookAgain = (room: string) =>
    void care.hintRoom(room).catch((error) =>
      context.onTrouble(`Look after room "${room}"`, error)
    );
  context.onSaved = (state, before) => {
    alerting?.tell(state);
    if (before.procedure && !state.procedure && state.chain) lookAgain(state.room);
  };
  const watch = createWatch(context, changes, {
    view,
    tend: care.tend,
    kick: (room) => runner.kick(room),
  });
  const patienceMs = PATIENCE_MS + settings.joinTimeoutMs + settings.overlapInterimMs +
    settings.overlapNextMs;

  /** Resolves when `done` answers something; makes sure meanwhile that somebody runs the room. */
  async function waitFor<T>(
    room: string,
    action: string,
    done: (state: RecordingState) => T | null,
  ): Promise<T> {
    const untilMs = now() + patienceMs;
    while (true) {
      const version = changes.version(room);
      const { state } = await store.recordings.get(room);
      if (!state) throw notFound(room);
      const result = done(state);
      if (result !== null) return result;
      if (now() >= untilMs) {
        throw new ChainError(
          "platform",
          `${action} takes longer than ${Math.round(patienceMs / 1000)} s: it is tried on; look ` +
            "at the room's page for how it goes",
        );
      }
      void runner.kick(room);
      const wake = new AbortController();
      await Promise.race([
        changes.after(room, version, wake.signal),
        sleep(Math.min(POLL_MS, Math.max(1, untilMs - now())), wake.signal),
      ]);
      wake.abort();
    }
  }

  /** Waits for a procedure's end; throws what it failed with. */
  async function outcomeOf(room: string, action: string, id: number): Promise<void> {
    const { failure } = await waitFor(room, action, (state) => {
      const outcome = state.outcomes.find((o) => o.id === id);
      if (outcome) return outcome;
      return state.procedure?.id === id ? null : { failure: null };
    });
    if (failure) throw new ChainError(failure.kind, failure.message);
  }

  /** Waits until no procedure runs that `event` would have to wait for, then works it in. */
  async function request(
    room: string,
    action: string,
    event: RecordingEvent,
    mustWait: (state: RecordingState) => boolean,
  ): Promise<RecordingState> {
    while (true) {
      await waitFor(room, action, (state) => mustWait(state) ? null : state);
      const state = await runner.apply(room, event);
      if (!state) throw notFound(room);
      // Between waiting and asking something else may have begun: then wait again.
      if (!mustWait(state) || state.procedure?.kind === event.type) return state;
    }
  }

  const chains: Chains = {
    async start(room, { name, archive }) {
      const action = `Start recording in room "${room}"`;
      if (name.length === 0 || name.length > MAX_NAME_LENGTH) {
        throw new ChainError(
          "conflict",
          `${action}: a name has 1 to ${MAX_NAME_LENGTH} characters`,
        );
      }
      const { strategy } = await prepare(store, room);
      await care.stopStrays(room).catch((error) => context.onTrouble(action, error));
      const chainId = context.newId();
      const state = await request(room, action, {
        type: "start",
        chainId,
        name,
        options: archive,
        strategy,
      }, (s) => s.procedure?.kind === "stop");
      const chain = state.chain;
      if (!chain) throw new ChainError("conflict", `${action}: it was stopped at the same moment`);
      const { procedure } = state;
      if (procedure?.kind === "start") await outcomeOf(room, action, procedure.id);
      return await store.chains.get(chain.id) ?? chain;
    },
    async handOver(room) {
      const action = `Hand over the recording of room "${room}"`;
      const { state: before } = await store.recordings.get(room);
      if (!before?.chain) throw notRecording(action);
      const state = await request(
        room,
        action,
        { type: "handover" },
        (s) => s.procedure?.kind === "start" || s.procedure?.kind === "replace",
      );
      if (!state.chain) throw notRecording(action);
      if (state.procedure?.kind === "stop") {
        throw new ChainError("conflict", `${action}: it is being stopped`);
      }
      if (state.procedure) await outcomeOf(room, action, state.procedure.id);
      return await store.chains.get(state.chain.id) ?? state.chain;
    },
    async stop(room) {
      const action = `Stop recording in room "${room}"`;
      const state = await runner.apply(room, { type: "stop" });
      if (!state) throw notRecording(action);
      if (state.procedure?.kind === "stop") await outcomeOf(room, action, state.procedure.id);
      const ended: Chain | null = state.chain ?? state.lastChain;
      if (!ended) throw notRecording(action);
      const { state: after } = await store.recordings.get(room);
      const last = after?.lastChain?.id === ended.id ? after.lastChain : ended;
      return await store.chains.get(ended.id) ?? last;
    },
    hint: (archiveId) => care.hint(archiveId),
    hintRoom: (room) => care.hintRoom(room),
    hintSession: (sessionId) => care.hintSession(sessionId),
    sweep: () => care.sweep(),
    view,
    watch: watch.watch,
    async close() {
      await runner.close(CLOSE_MS);
      if (alerting) await Promise.race([alerting.idle(), sleep(CLOSE_ALERTS_MS)]);
    },
  };

  async function view(room: string) {
    const { state } = await store.recordings.get(room);
    const parts = state?.chain ? await store.parts.list(state.chain.id) : [];
    const streams = watch.streams(room);
    const known = roomViewOf(room, state, parts, now(), settings);
    return streams === undefined ? known : { ...known, streams };
  }
  return chains;
}

/** The room, once it has a recording state for its sessions. */
async function prepare(store: Store, name: string): Promise<Room> {
  const room = await store.rooms.get(name);
  if (!room) throw notFound(name);
  for (let i = 0; i < 10; i++) {
    const entry = await store.recordings.get(name);
    const current = entry.state?.sessions;
    const { primary, secondary } = room.sessions;
    const same = current?.primary === primary && current.secondary === secondary;
    if (same || entry.state?.chain || entry.state?.procedure) return room;
    const suspects = entry.state?.suspects ?? [];
    const fresh = emptyRecording(name, room.sessions);
    const state = { ...fresh, lastChain: entry.state?.lastChain ?? null, suspects };
    if (await store.recordings.save(entry, { state, chain: null, parts: [] })) return room;
  }
  throw new ChainError("conflict", `Record room "${name}": others kept changing it, try again`);
}

function notFound(room: string): ChainError {
  return new ChainError("not-found", `Record room "${room}": there is no such room`);
}

function notRecording(action: string): ChainError {
  return new ChainError("not-found", `${action}: nothing is being recorded`);
}

function sleepFor(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}

function logTrouble(action: string, error: unknown): void {
  log("warning", action, { error: error instanceof Error ? error.message : String(error) });
}
