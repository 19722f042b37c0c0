import type { ArchiveStatus } from "../../lib/recording/model.ts";
import {
  type Platform,
  type PlatformArchive,
  PlatformError,
  type PlatformErrorKind,
  type StartArchiveOptions,
} from "../../lib/platform/platform.ts";
import type { SimClock } from "./clock.ts";
import type { Random } from "./random.ts";

/** An archive as it really is. */
export interface TrueArchive {
  id: string;
  sessionId: string;
  options: StartArchiveOptions;
  /** Effective start and end of what it records. */
  startMs: number;
  endMs: number | null;
  endedBy: "us" | "world" | null;
  reason: string;
  /** The call that made it took effect after everybody had given it up. */
  late: boolean;
  /** When its file is ready. */
  availableAtMs: number;
}

/** How the cloud misbehaves; probabilities of one call. */
export interface PlatformFaults {
  refused: number;
  brokenBefore: number;
  answerLost: number;
  slow: number;
  hung: number;
  hungWithEffect: number;
  lateEffect: number;
  listLagMs: number;
  createdAtSkewMs: number;
}

export const NO_FAULTS: PlatformFaults = {
  refused: 0,
  brokenBefore: 0,
  answerLost: 0,
  slow: 0,
  hung: 0,
  hungWithEffect: 0,
  lateEffect: 0,
  listLagMs: 0,
  createdAtSkewMs: 0,
};

const DEADLINE_MS = 15_000;

/** The cloud, and what is true of it. */
export class SimPlatform {
  readonly archives: TrueArchive[] = [];
  /** Streams published now: session -> client ids. */
  readonly streams = new Map<string, Set<string>>();
  readonly injected = new Map<string, number>();
  faults: PlatformFaults = NO_FAULTS;
  onSignal: (sessionId: string, type: string) => void = () => {};
  /** Every call and how it went. */
  onCall: (line: string) => void = () => {};
  /** Just before a stop of ours takes effect. */
  onStop: (archive: TrueArchive, askedAtMs: number) => void = () => {};
  #count = 0;
  #late = false;

  constructor(readonly clock: SimClock, readonly random: Random) {}

  running(sessionId: string): TrueArchive[] {
    const { nowMs } = this.clock;
    return this.archives.filter((a) =>
      a.sessionId === sessionId && (a.endMs === null || a.endMs > nowMs)
    );
  }

  publishing(sessionId: string): Set<string> {
    const set = this.streams.get(sessionId) ?? new Set();
    this.streams.set(sessionId, set);
    return set;
  }

  end(archive: TrueArchive, by: "us" | "world", reason: string): void {
    const { nowMs } = this.clock;
    if (archive.endMs !== null) return;
    archive.endMs = nowMs;
    archive.endedBy = by;
    archive.reason = reason;
    archive.availableAtMs = nowMs + this.random.int(1000, 6000);
  }

  describe(archive: TrueArchive, atMs = this.clock.nowMs): PlatformArchive {
    const ended = archive.endMs !== null && archive.endMs <= atMs;
    const paused = this.publishing(archive.sessionId).size === 0;
    const status: ArchiveStatus = !ended
      ? (paused ? "paused" : "started")
      : archive.availableAtMs <= atMs
      ? "available"
      : "stopped";
    const lengthMs = ended && archive.endMs !== null ? archive.endMs - archive.startMs : 0;
    const createdAtMs = Math.floor((archive.startMs + this.faults.createdAtSkewMs) / 1000) * 1000;
    return {
      id: archive.id,
      sessionId: archive.sessionId,
      name: archive.options.name,
      status,
      reason: ended ? archive.reason : "",
      createdAtMs,
      durationSeconds: Math.floor(lengthMs / 1000),
      sizeBytes: lengthMs,
      hasAudio: archive.options.hasAudio,
      hasVideo: archive.options.hasVideo,
      outputMode: archive.options.outputMode,
      resolution: archive.options.resolution ?? null,
      url: status === "available" ? `sim:${archive.id}` : null,
    };
  }

  /** The platform as a process calls it, through its own gate. */
  asSeenThrough(pass: <T>(operation: () => Promise<T>) => Promise<T>): Platform {
    const call = <T>(action: string, effect: () => T | Promise<T>) =>
      pass(() => this.#call(action, effect));
    return {
      apiKey: "sim",
      createToken: () => "token",
      createSession: () => call("create a session", () => `session-${++this.#count}`),
      startArchive: (sessionId, options) =>
        call("start an archive", () => this.#start(sessionId, options)),
      stopArchive: (id) => {
        const askedAtMs = this.clock.nowMs;
        return call("stop the archive", () => this.#stop(id, askedAtMs));
      },
      getArchive: (id) => call("read the archive", () => this.describe(this.#find(id))),
      listArchives: ({ sessionId, count = 50 }) =>
        call("list archives", () => {
          const atMs = this.clock.nowMs - this.random.int(0, this.faults.listLagMs);
          const archives = this.archives
            .filter((a) => (!sessionId || a.sessionId === sessionId) && a.startMs <= atMs)
            .map((a) => this.describe(a, atMs)).reverse().slice(0, count);
          return { total: archives.length, archives };
        }),
      deleteArchive: () => call("delete the archive", () => {}),
      signal: (sessionId, { type }) => call("signal", () => this.onSignal(sessionId, type)),
      listStreams: (sessionId) =>
        call(
          "list streams",
          () =>
            [...this.publishing(sessionId)].map((id) => ({ id, name: id, videoType: "camera" })),
        ),
    };
  }

  async #call<T>(action: string, effect: () => T | Promise<T>): Promise<T> {
    const askedAtMs = this.clock.nowMs;
    const tell = (how: string) =>
      this.onCall(`${action}: ${how} after ${this.clock.nowMs - askedAtMs} ms`);
    try {
      const result = await this.#answer(action, effect);
      tell("done");
      return result;
    } catch (error) {
      tell(error instanceof PlatformError ? error.kind : "broken");
      throw error;
    }
  }

  async #answer<T>(action: string, effect: () => T | Promise<T>): Promise<T> {
    const { clock, random, faults } = this;
    const fail = (kind: PlatformErrorKind, why: string): never => {
      throw new PlatformError(kind, action, `${action}: ${why}`);
    };
    await clock.sleep(random.int(20, 150));
    if (this.#happens("refused", faults.refused)) fail("rate-limited", "too many requests");
    if (this.#happens("brokenBefore", faults.brokenBefore)) fail("unavailable", "no answer");
    if (this.#happens("slow", faults.slow)) await clock.sleep(random.int(1000, 8000));
    if (this.#happens("hung", faults.hung)) {
      await clock.sleep(DEADLINE_MS);
      fail("timeout", "no answer in time");
    }
    if (this.#happens("lateEffect", faults.lateEffect)) {
      clock.at(clock.nowMs + random.int(DEADLINE_MS, DEADLINE_MS + 10_000), () => {
        this.#late = true;
        // A refusal reaches nobody any more.
        try {
          Promise.resolve(effect()).catch(() => {});
        } catch (error) {
          if (!(error instanceof PlatformError)) throw error;
        }
        this.#late = false;
      });
      await clock.sleep(DEADLINE_MS);
      fail("timeout", "no answer in time");
    }
    const result = await effect();
    if (this.#happens("hungWithEffect", faults.hungWithEffect)) {
      await clock.sleep(DEADLINE_MS);
      fail("timeout", "no answer in time");
    }
    await clock.sleep(random.int(20, 150));
    if (this.#happens("answerLost", faults.answerLost)) fail("unavailable", "the answer was lost");
    return result;
  }

  #happens(name: string, probability: number): boolean {
    if (probability === 0 || !this.random.chance(probability)) return false;
    this.injected.set(name, (this.injected.get(name) ?? 0) + 1);
    return true;
  }

  #find(id: string): TrueArchive {
    const archive = this.archives.find((a) => a.id === id);
    if (!archive) throw new PlatformError("not-found", "read the archive", `No archive ${id}`);
    return archive;
  }

  #start(sessionId: string, options: StartArchiveOptions): Promise<PlatformArchive> {
    if (this.publishing(sessionId).size === 0) {
      throw new PlatformError("not-found", "start an archive", "Nobody is connected");
    }
    const others = this.running(sessionId);
    const clash = others.some((a) =>
      (a.options.multiArchiveTag ?? "") === (options.multiArchiveTag ?? "")
    );
    if (clash) throw new PlatformError("conflict", "start an archive", "Already recording");
    const startMs = this.clock.nowMs + this.random.int(100, 800);
    const archive: TrueArchive = {
      id: `archive-${++this.#count}`,
      sessionId,
      options,
      startMs,
      endMs: null,
      endedBy: null,
      reason: "",
      late: this.#late,
      availableAtMs: Infinity,
    };
    this.archives.push(archive);
    return this.clock.sleep(startMs - this.clock.nowMs).then(() => this.describe(archive));
  }

  #stop(id: string, askedAtMs: number): PlatformArchive {
    const archive = this.#find(id);
    if (archive.endMs !== null) {
      throw new PlatformError("conflict", "stop the archive", "It does not run");
    }
    this.onStop(archive, askedAtMs);
    this.end(archive, "us", "user initiated");
    return this.describe(archive);
  }
}
