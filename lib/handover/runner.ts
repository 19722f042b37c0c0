/**
 * Runs the procedures of rooms: saves each state before its command is carried out, under a lease
 * with fencing, so that exactly one process runs a room and any other can go on from what is saved.
 */
import { next } from "../recording/machine.ts";
import type {
  Answer,
  Command,
  RecordingEvent,
  RecordingSettings,
  RecordingState,
} from "../recording/state.ts";
import type { Platform } from "../platform/platform.ts";
import type { Lease, RecordingEntry, Store } from "../store/mod.ts";
import { traced } from "../trace.ts";
import { execute } from "./commands.ts";
import { Changes } from "./changes.ts";

/** A running lease is renewed when this much of it is over. */
const RENEW_AT = 1 / 5;
/** How often the saved state is looked at for what other processes did to it. */
const POLL_MS = 1_000;
/** A decision older than this was not carried out by whom it was made for. */
const STALE_MS = 2_000;
/** Who wakes up this much later than planned was frozen, or starved of the processor. */
const FROZEN_MS = POLL_MS + 1_000;
const MAX_SAVE_ATTEMPTS = 50;
/** The answer to a command that nobody waits for any more. */
const GONE: Answer = {
  ok: false,
  certain: false,
  kind: "lost",
  message: "The process that asked is gone",
};

/** What a runner works with. */
export interface RunnerContext {
  store: Store;
  platform: Platform;
  settings: RecordingSettings;
  /** A lease that is not renewed ends after this; then another process goes on. */
  leaseMs: number;
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  newId(): string;
  onTrouble(action: string, error: unknown): void;
  /** Told of every state that was saved, and of the one before it. */
  onSaved?(state: RecordingState, before: RecordingState): void;
}

/** Runs rooms in this process. */
export class Runner {
  readonly #owner: string;
  readonly #runs = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();

  constructor(readonly context: RunnerContext, readonly changes: Changes) {
    this.#owner = context.newId();
  }

  /** Works an event into the room's state. The command that may follow is left to {@link kick}. */
  async apply(room: string, event: RecordingEvent): Promise<RecordingState | null> {
    return (await this.#apply(room, () => event, null))?.state ?? null;
  }

  /** Runs the room's procedure, if there is one and no other process does; resolves when it rests. */
  kick(room: string): Promise<void> {
    const running = this.#runs.get(room);
    if (running) return running;
    const run = this.#run(room)
      .catch((error) => this.context.onTrouble(`Run the recording of room "${room}"`, error))
      .finally(() => this.#runs.delete(room));
    this.#runs.set(room, run);
    return run;
  }

  /** Stops running: waits for the command that is out, at most `limitMs`, and gives the leases back. */
  async close(limitMs: number): Promise<void> {
    this.#closing.abort();
    this.changes.notifyAll();
    const limit = new AbortController();
    await Promise.race([
      Promise.all(this.#runs.values()),
      this.context.sleep(limitMs, limit.signal),
    ]);
    limit.abort();
  }

  async #run(room: string): Promise<void> {
    const { store, leaseMs, now } = this.context;
    if (this.#closing.signal.aborted) return;
    let lease = await store.leases.acquire(room, this.#owner, leaseMs, now());
    while (lease && !this.#closing.signal.aborted) {
      lease = await this.#renewed(lease);
      if (!lease) return;
      const version = this.changes.version(room);
      const entry = await store.recordings.get(room);
      const { state } = entry;
      if (!state?.procedure) break;
      const { pending } = state;
      if (!pending) {
        const wakeAtMs = state.procedure.wakeAtMs ?? 0;
        if (now() >= wakeAtMs) {
          if (!await this.#apply(room, () => ({ type: "tick" }), lease)) return;
        } else await this.#wait(room, version, wakeAtMs - now());
      } else if (pending.issuedBy === 0 && !this.#isStale(pending)) {
        lease = await this.#carryOut(room, entry, lease);
      } else {
        // Another process began or decided it and is gone: how things are now has to be looked up.
        lease = await this.#answered(room, pending.id, GONE, lease);
      }
    }
    if (lease) await store.leases.release(lease);
  }

  /** Claims the pending command in the saved state, then carries it out. Null if the lease was lost. */
  async #carryOut(room: string, entry: RecordingEntry, held: Lease): Promise<Lease | null> {
    const { store, now } = this.context;
    const pending = entry.state?.pending;
    if (!entry.state || !pending) return held;
    const claimed = { ...pending, issuedBy: held.token };
    const change = { state: { ...entry.state, pending: claimed }, chain: null, parts: [] };
    if (!await store.recordings.save(entry, change, held)) {
      return await store.leases.holds(held) ? held : null;
    }
    // Frozen until the lease ran out: another process may have gone on, so this one must not.
    if (now() >= held.expiresAtMs) return null;
    if (this.#isStale(pending)) return await this.#answered(room, pending.id, GONE, held);

    let answer: Answer | null = null;
    // An answer that waited because this process was frozen may not be true any more.
    let freshUntilMs = Infinity;
    let frozen = false;
    const executing = this.#traced(room, entry.state, pending.command).then((result) => {
      answer = result;
      freshUntilMs = now() + FROZEN_MS;
      this.changes.notify(room);
      return result;
    });
    let lease: Lease | null = held;
    while (answer === null && !this.#closing.signal.aborted) {
      const version = this.changes.version(room);
      const aliveMs = now();
      if (answer === null) await this.#wait(room, version, POLL_MS);
      lease = await this.#renewed(lease);
      const current = await store.recordings.get(room);
      if (!lease || current.state?.pending?.id !== pending.id) {
        // Something more urgent came, or another process took over. What the answer says is still news.
        const late = executing.then((result) => this.#late(room, pending.id, result));
        late.catch((error) =>
          this.context.onTrouble(`Note a late answer in room "${room}"`, error)
        );
        return lease;
      }
      if (now() - aliveMs > FROZEN_MS) {
        frozen = true;
        break;
      }
    }
    const result = answer ?? await executing;
    return await this.#answered(room, pending.id, result, lease, frozen ? -Infinity : freshUntilMs);
  }

  /** Works in an answer, or that there is none where it is too old; null if the lease was lost. */
  async #answered(
    room: string,
    id: number,
    answer: Answer,
    lease: Lease | null,
    freshUntilMs = Infinity,
  ): Promise<Lease | null> {
    const event = (): RecordingEvent => {
      const isFresh = this.context.now() <= freshUntilMs;
      return { type: "answer", id, answer: isFresh ? answer : GONE };
    };
    return await this.#apply(room, event, lease) ? lease : null;
  }

  /** A stop was right when it was decided; later, what was to take over may have ended. */
  #isStale({ command, decidedAtMs }: NonNullable<RecordingState["pending"]>): boolean {
    return command.do === "stop-archive" && this.context.now() - decidedAtMs > STALE_MS;
  }

  /** Carries out a command as a span of telemetry that says which step it is. */
  #traced(room: string, { procedure }: RecordingState, command: Command): Promise<Answer> {
    const { kind = "", step = "", attempt = 1 } = procedure ?? {};
    const attributes = {
      "gapless.room": room,
      "gapless.command": command.do,
      "gapless.attempt": attempt,
    };
    return traced(`${kind}: ${step}`, attributes, async (note) => {
      const answer = await execute(command, this.context);
      note({ "gapless.outcome": answer.ok ? "ok" : answer.kind });
      return answer;
    });
  }

  async #late(room: string, id: number, answer: Answer): Promise<void> {
    await this.#answered(room, id, answer, null);
    await this.kick(room);
  }

  /**
   * Saves what the event leads to; tried again while others change the state meanwhile. Null if there
   * is no recording, or `lease` was given and is lost.
   */
  async #apply(
    room: string,
    event: () => RecordingEvent,
    lease: Lease | null,
  ): Promise<RecordingEntry | null> {
    const { store, settings, now } = this.context;
    for (let i = 0; i < MAX_SAVE_ATTEMPTS; i++) {
      const entry = await store.recordings.get(room);
      if (!entry.state) return null;
      const transition = next(entry.state, event(), now(), settings);
      if (JSON.stringify(transition.state) === JSON.stringify(entry.state)) return entry;
      const saved = await store.recordings.save(entry, transition, lease);
      if (saved) {
        this.changes.notify(room);
        this.context.onSaved?.(transition.state, entry.state);
        return saved;
      }
      if (lease && !await store.leases.holds(lease)) return null;
    }
    throw new Error(`Save the recording of room "${room}": others kept changing it`);
  }

  async #renewed(lease: Lease | null): Promise<Lease | null> {
    const { store, leaseMs, now } = this.context;
    if (!lease || lease.expiresAtMs - now() > leaseMs * (1 - RENEW_AT)) return lease;
    return await store.leases.renew(lease, leaseMs, now());
  }

  /** Waits for `ms`, for a change after `version` made in this process, or to look at what others did. */
  async #wait(room: string, version: number, ms: number): Promise<void> {
    const wake = new AbortController();
    await Promise.race([
      this.changes.after(room, version, wake.signal),
      this.context.sleep(Math.min(ms, POLL_MS), wake.signal),
    ]);
    wake.abort();
  }
}
