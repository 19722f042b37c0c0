/** The video platform of a storm, and what is true of it: which archives really recorded when. */
import type { ArchiveStatus } from "../../lib/recording/model.ts";
import {
  type PlatformArchive,
  PlatformError,
  type StartArchiveOptions,
} from "../../lib/platform/platform.ts";
import type { SimClock } from "./clock.ts";
import { Random } from "./random.ts";

/** An archive as it really is. */
export interface TrueArchive {
  readonly id: string;
  readonly sessionId: string;
  readonly options: StartArchiveOptions;
  /** Effective start and end of what it records. */
  readonly startMs: number;
  endMs: number | null;
  endedBy: "us" | "world" | null;
  reason: string;
  /** When its file is ready. */
  availableAtMs: number;
  /** Which process' call made it, and when that was decided. */
  readonly by: string;
  readonly askedAtMs: number;
  /** The call that made it took effect after everybody had given it up. */
  readonly late: boolean;
  /** When the app was first told of its end. */
  toldAtMs: number | null;
}

/** Who asks, and since when. */
export interface Asking {
  by: string;
  askedAtMs: number;
  late: boolean;
}

/** An empty session's archives stop after this. */
const IDLE_MS = 60_000;
const NOBODY: Asking = { by: "", askedAtMs: 0, late: false };

/** The platform behind its door: no call fails here but by its rules. */
export class Cloud {
  readonly archives: TrueArchive[] = [];
  /** Clients that publish now, by session. */
  readonly streams = new Map<string, Set<string>>();
  /** What its clock is wrong by, as `createdAt` shows. */
  createdAtSkewMs = 0;
  onSignal: (sessionId: string, type: string) => void = () => {};
  /** A start takes effect now. */
  onStart: (archive: TrueArchive) => void = () => {};
  /** Just before a stop of ours takes effect. */
  onStop: (archive: TrueArchive, asking: Asking) => void = () => {};
  /** Something has become of an archive that callbacks tell. */
  onNews: (archive: TrueArchive) => void = () => {};
  #sessions = 0;
  readonly #emptySince = new Map<string, number>();

  constructor(readonly clock: SimClock, readonly seed = 1) {}

  running(sessionId: string): TrueArchive[] {
    return this.archives.filter((a) => a.sessionId === sessionId && a.endMs === null);
  }

  publishing(sessionId: string): Set<string> {
    const set = this.streams.get(sessionId) ?? new Set();
    this.streams.set(sessionId, set);
    return set;
  }

  createSession(): string {
    return `session-${++this.#sessions}`;
  }

  find(id: string): TrueArchive {
    const archive = this.archives.find((a) => a.id === id);
    if (!archive) throw new PlatformError("not-found", "read the archive", `No archive ${id}`);
    return archive;
  }

  end(archive: TrueArchive, by: "us" | "world", reason: string): void {
    if (archive.endMs !== null) return;
    const { nowMs } = this.clock;
    // One that ends before its effective start has recorded nothing.
    archive.endMs = Math.max(nowMs, archive.startMs);
    archive.endedBy = by;
    archive.reason = reason;
    archive.availableAtMs = nowMs + Random.of(this.seed, `${archive.id}.file`).int(1000, 6000);
    this.onNews(archive);
    this.clock.at(archive.availableAtMs, () => this.onNews(archive));
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
    return {
      id: archive.id,
      sessionId: archive.sessionId,
      name: archive.options.name,
      status,
      reason: ended ? archive.reason : "",
      createdAtMs: Math.floor((archive.startMs + this.createdAtSkewMs) / 1000) * 1000,
      durationSeconds: Math.floor(lengthMs / 1000),
      sizeBytes: lengthMs,
      hasAudio: archive.options.hasAudio,
      hasVideo: archive.options.hasVideo,
      outputMode: archive.options.outputMode,
      resolution: archive.options.resolution ?? null,
      url: status === "available" ? `sim:${archive.id}` : null,
    };
  }

  /** Newest first, as it was at `atMs`. */
  list(sessionId: string | undefined, count: number, atMs = this.clock.nowMs) {
    const archives = this.archives
      .filter((a) => (!sessionId || a.sessionId === sessionId) && a.startMs <= atMs)
      .map((a) => this.describe(a, atMs)).reverse();
    return { total: archives.length, archives: archives.slice(0, count) };
  }

  async start(
    sessionId: string,
    options: StartArchiveOptions,
    asking: Asking = NOBODY,
  ): Promise<PlatformArchive> {
    if (this.publishing(sessionId).size === 0) {
      throw new PlatformError("not-found", "start an archive", "Nobody is connected");
    }
    const clash = this.running(sessionId).some((a) =>
      (a.options.multiArchiveTag ?? "") === (options.multiArchiveTag ?? "")
    );
    if (clash) throw new PlatformError("conflict", "start an archive", "Already recording");
    const id = `archive-${this.archives.length + 1}`;
    const archive: TrueArchive = {
      id,
      sessionId,
      options,
      startMs: this.clock.nowMs + Random.of(this.seed, `${id}.start`).int(100, 800),
      endMs: null,
      endedBy: null,
      reason: "",
      availableAtMs: Infinity,
      toldAtMs: null,
      ...asking,
    };
    this.archives.push(archive);
    this.onStart(archive);
    this.clock.at(archive.startMs, () => this.onNews(archive));
    await this.clock.sleep(archive.startMs - this.clock.nowMs);
    return this.describe(archive);
  }

  stop(id: string, asking: Asking = NOBODY): PlatformArchive {
    const archive = this.find(id);
    if (archive.endMs !== null) {
      throw new PlatformError("conflict", "stop the archive", "It does not run");
    }
    this.onStop(archive, asking);
    this.end(archive, "us", "user initiated");
    return this.describe(archive);
  }

  /** A client publishes. */
  publish(sessionId: string, clientId: string): void {
    this.publishing(sessionId).add(clientId);
    this.#emptySince.delete(sessionId);
  }

  /** A client publishes no more; false if it did not. Archives of a session that stays empty stop. */
  unpublish(sessionId: string, clientId: string): boolean {
    const publishing = this.publishing(sessionId);
    const didPublish = publishing.delete(clientId);
    if (didPublish && publishing.size === 0) this.#stopIfEmpty(sessionId);
    return didPublish;
  }

  #stopIfEmpty(sessionId: string): void {
    const sinceMs = this.clock.nowMs;
    this.#emptySince.set(sessionId, sinceMs);
    this.clock.at(sinceMs + IDLE_MS, () => {
      if (this.#emptySince.get(sessionId) !== sinceMs) return;
      for (const archive of this.running(sessionId)) this.end(archive, "world", "session ended");
    });
  }
}
