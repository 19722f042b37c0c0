/** Watches a storm as it goes: knows what is true, sees what is saved, and compares after every event. */
import { z } from "zod";
import type { RecordingState } from "../../lib/recording/state.ts";
import type { CallWatch } from "./calls.ts";
import type { Asking, TrueArchive } from "./cloud.ts";
import type { Stretch } from "./spans.ts";
import type { Storm } from "./storm.ts";
import { ROOM, SWEEP_MS } from "./world.ts";

/** What takes over is looked at before a stop is decided; what died since cannot be known. */
const LOOK_AGE_MS = 4_500;
/** After a fault, the next try may wait this long. */
const RETRY_MS = 5_000;
/** A process that is gone is replaced when its lease has run out and another one sweeps. */
const TAKEOVER_MS = 45_000;
/** Clocks of processes are wrong by at most this. */
const CLOCK_WRONG_MS = 5_500;
/** A start that takes effect later than this after it was decided is nobody's any more. */
const STALE_START_MS = 10_000;

const leaseSchema = z.object({ owner: z.string(), token: z.number() });

/** Judges one storm while it rages. */
export class Oracle implements CallWatch {
  readonly violations: string[] = [];
  readonly counts: Record<string, number> = {};
  /**
   * When each chain had to be recorded: since its start was confirmed, until Stop was asked for or it
   * failed; Infinity while it records.
   */
  readonly promised = new Map<string, Stretch>();
  /** Times in which not all could be done that had to be done, and it was not the app's fault. */
  readonly unfair: Stretch[] = [];
  /** The recording as it was saved last. */
  state: RecordingState | null = null;
  /** How long another archive must have recorded when one is stopped. */
  leastOverlapMs = 0;
  #lease: z.infer<typeof leaseSchema> | null = null;
  #commands = new Set<{ process: string; command: string }>();
  #lastStopMs = -Infinity;
  #hiddenMs = -Infinity;
  readonly #stopsPressedMs: number[] = [];
  #disturbedUntilMs = -Infinity;

  constructor(readonly storm: Storm) {}

  get #nowMs(): number {
    return this.storm.clock.nowMs;
  }

  note(line: string): void {
    this.storm.note(line);
  }

  mayDie(call: string): void {
    this.storm.events.mayDie(call);
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  violate(text: string): void {
    this.note(`VIOLATION ${text}`);
    this.violations.push(text);
  }

  wentWrong(fromMs: number, toMs: number, how: string, call = ""): void {
    const look = /^(get|list)$/.test(call);
    if (look || how === "list-lags") this.#hiddenMs = toMs;
    // A look that failed is repeated by the next sweep.
    this.unfair.push({ fromMs, toMs: toMs + (look ? SWEEP_MS + RETRY_MS : RETRY_MS) });
  }

  /** A process dies, freezes or is frozen until then. */
  disturbed(untilMs: number): void {
    const toMs = Math.max(this.#nowMs + TAKEOVER_MS, untilMs + SWEEP_MS + RETRY_MS);
    this.unfair.push({ fromMs: this.#nowMs, toMs });
    this.#disturbedUntilMs = Math.max(this.#disturbedUntilMs, toMs);
  }

  /** Something was saved. */
  saved(key: Deno.KvKey, value: unknown): void {
    if (key[0] === "lease" && key[1] === ROOM) return this.#leased(value);
    if (key[0] !== "recording" || key[1] !== ROOM || value === null) return;
    const before = this.state;
    // The very object that the store wrote.
    const state = value as RecordingState;
    this.state = state;
    const { chain, procedure } = state;
    this.note(
      `saved: ${chain?.id ?? "no chain"} ${chain?.state ?? ""} ${procedure?.kind ?? ""} ` +
        `${procedure?.step ?? ""} ${JSON.stringify(state.slots)}`,
    );
    if (chain?.state === "recording" && !this.promised.has(chain.id)) {
      this.promised.set(chain.id, { fromMs: this.#nowMs, toMs: Infinity });
    }
    // What was asked before is not waited for any more.
    if (state.pending?.id !== before?.pending?.id) this.#commands.clear();
    if (before?.chain && (chain?.id !== before.chain.id || chain.state === "stopping")) {
      this.#lastStopMs = this.#nowMs;
    }
    if (before?.chain && chain && before.chain.id !== chain.id) {
      this.violate(`${chain.id} took the place of ${before.chain.id}: two were started at once`);
    }
    for (const [id, promise] of this.promised) {
      const over = chain?.id !== id || chain.state === "stopping" || chain.state === "failed";
      if (over && promise.toMs === Infinity) promise.toMs = this.#stoppedAtMs();
    }
    for (const outcome of state.outcomes) {
      if (before?.outcomes.some((o) => o.id === outcome.id)) continue;
      this.count(`${outcome.kind} ${outcome.failure ? "given up" : "done"}`);
    }
    for (const id of Object.values(state.slots)) {
      if (id !== null && !this.storm.cloud.archives.some((a) => a.id === id)) {
        this.violate(`The recording counts on ${id}, which never existed`);
      }
    }
  }

  #leased(value: unknown): void {
    const before = this.#lease;
    const lease = leaseSchema.parse(value);
    this.#lease = lease;
    if (!before) return;
    if (lease.token < before.token) this.violate("The fencing token went down");
    if (lease.owner === before.owner) return;
    if (lease.token === before.token) this.violate("Two owners have the same fencing token");
    if (this.state?.procedure) this.count("taken over by another process");
  }

  /** Somebody presses Stop. */
  stopPressed(): void {
    this.#stopsPressedMs.push(this.#nowMs);
  }

  /** When Stop was pressed of which the effect is seen now: its process may have been frozen since. */
  #stoppedAtMs(): number {
    const saidMs = (this.state?.chain ?? this.state?.lastChain)?.stopRequestedAtMs ?? this.#nowMs;
    const pressedMs = this.#stopsPressedMs.find((atMs) => atMs >= saidMs - CLOCK_WRONG_MS);
    return Math.min(this.#nowMs, pressedMs ?? this.#nowMs);
  }

  /** A process asks for something; nobody else who is well may ask for the same meanwhile. */
  begins(process: string, command: string): () => void {
    const known = { process, command };
    // Strays may be stopped by anybody.
    const procedural = command.startsWith("start ") ||
      this.state?.tail.some((part) => command === `stop ${part.archiveId}`);
    if (procedural) {
      for (const other of this.#commands) {
        const same = other.command === command && other.process !== process &&
          this.#awake(other.process);
        if (same && !this.#excused()) {
          this.violate(`${process} and ${other.process} both ask at once: ${command}`);
        }
      }
    }
    this.#commands.add(known);
    return () => void this.#commands.delete(known);
  }

  /** An archive starts to exist. */
  starts(archive: TrueArchive): void {
    const { state } = this;
    this.note(`${archive.id} starts on ${archive.sessionId}`);
    if (this.isStray(archive) || this.#excused()) return;
    const kind = state?.procedure?.kind ?? "stop";
    const most = { start: 1, handover: 2, replace: 2, stop: Infinity }[kind];
    // What a look that failed or lagged has hidden is found later, and stopped.
    const hidden = (a: TrueArchive) =>
      this.#nowMs < this.#hiddenMs + SWEEP_MS + RETRY_MS &&
      !state?.tail.some((part) => part.archiveId === a.id);
    const running = this.running().filter((a) => !this.isStray(a) && !hidden(a));
    if (running.length > most) {
      this.violate(`Started twice: ${running.map((a) => a.id).join(", ")} run at once`);
    }
  }

  /** Whether the start that made it took effect when nobody could wait for it any more. */
  isStray(archive: TrueArchive): boolean {
    return archive.late || archive.startMs - archive.askedAtMs > STALE_START_MS ||
      !this.#awake(archive.by);
  }

  /** An archive is about to be stopped by us: something must have recorded beside it. */
  stops(archive: TrueArchive, asking: Asking): void {
    const others = this.running().filter((a) => a !== archive && a.startMs <= this.#nowMs);
    const names = others.map((other) => other.id).join(", ");
    this.note(`${archive.id} is stopped by ${asking.by}; ${names || "nothing"} records`);
    const { chain } = this.state ?? {};
    if (!chain || chain.state !== "recording") return;
    if (others.some((other) => other.startMs <= this.#nowMs - this.leastOverlapMs)) return;
    // Between the decision and its effect, and from the last look to the decision, things may end.
    const sinceMs = asking.askedAtMs - LOOK_AGE_MS;
    const died = this.storm.cloud.archives.some((other) =>
      other.endedBy === "world" && (other.endMs ?? 0) > sinceMs
    );
    if (died || this.#lastStopMs > sinceMs - 15_000) return;
    this.violate(
      others.length > 0
        ? `${archive.id} was stopped too early: ${names} just started`
        : `${archive.id} was stopped while nothing else recorded`,
    );
  }

  running(): TrueArchive[] {
    const { cloud, sessions } = this.storm;
    return [...cloud.running(sessions.primary), ...cloud.running(sessions.secondary)];
  }

  #awake(name: string): boolean {
    return this.storm.processes.some((process) => process.name === name && process.awake);
  }

  /** Shortly after Stop, or while a process was disturbed, two may be at the same. */
  #excused(): boolean {
    return this.#nowMs < Math.max(this.#disturbedUntilMs, this.#lastStopMs + 30_000);
  }
}
