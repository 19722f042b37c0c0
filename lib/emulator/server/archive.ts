/** One archive from its first frame to its last byte: its states, its deadlines, who records it. */
import type { ArchiveRecord } from "../../store/mod.ts";
import type { RecordedStream } from "../protocol.ts";
import { brokenMs } from "./archive_files.ts";
import type { Timings } from "./limits.ts";
import type { Elected, Recorder, Report } from "./recorders.ts";

/** The platform's words for why an archive ended. */
export type Reason =
  | "user initiated"
  | "maximum duration exceeded"
  | "maximum idle time exceeded"
  | "session ended"
  | "failure";

/** What an archive needs of its surroundings. */
export interface ArchiveDeps {
  timings: Timings;
  /** The streams of its session now. */
  streams(): RecordedStream[];
  /** Whether nobody is connected to its session. */
  isSessionEmpty(): boolean;
  /** When its session's media server will be replaced, ms since the Unix epoch. */
  rotationAtMs(): number;
  /** Finds another page to record it; null if there is none. */
  elect(segment: number, excluded: ReadonlySet<Recorder>): Promise<Elected | null>;
  /** The record has a new status: save it and notify everyone. */
  statusChanged(): void;
  /** The record has changed otherwise: save it. */
  changed(): void;
  /** Nothing more will be uploaded: make the file. */
  received(): void;
}

type Timer =
  | "empty"
  | "idle"
  | "duration"
  | "total"
  | "rotation"
  | "recovery"
  | "missing"
  | "finish";

/** An archive that records, or whose bytes are still being uploaded. */
export class Archive {
  /** The recorders of the segments; null: gone, or not returned after a restart of the server. */
  readonly #recorders: (Recorder | null)[];
  readonly #timers = new Map<Timer, ReturnType<typeof setTimeout>>();
  #published: boolean;
  #sentStreams = "";
  #isTakingOver = false;
  /** Pages that could not record this archive: they are not asked again. */
  readonly #failed = new Set<Recorder>();
  #isReceived = false;
  #endedAtMs = 0;

  /** `recorder` is null for an archive that an earlier process of the server left. */
  constructor(
    readonly record: ArchiveRecord,
    recorder: Recorder | null,
    private readonly deps: ArchiveDeps,
  ) {
    this.#recorders = record.segments.map(() => recorder);
    this.#published = recorder === null;
    this.#sentStreams = JSON.stringify(deps.streams());
    if (!this.isRunning) this.#finishSoon();
    else this.#limitDuration();
    // After a restart of the server the recorder is expected back, then others may take over.
    if (this.isRunning && !recorder) {
      this.#arm("recovery", deps.timings.recorderGraceMs, () => void this.#takeOver());
    }
  }

  /** Whether it is `started` or `paused`. */
  get isRunning(): boolean {
    return this.record.status === "started" || this.record.status === "paused";
  }

  /** Whether uploads are still accepted. */
  get isReceiving(): boolean {
    return !this.#isReceived;
  }

  /** The page that records now and will go on. */
  get recorder(): Recorder | null {
    const last = this.#recorders.at(-1);
    return this.isRunning && last && !last.isLeaving ? last : null;
  }

  /** Clients or streams have changed: pause, go on, tell the recorder, or end after a while. */
  sessionChanged(publishing: boolean): void {
    if (!this.isRunning) return;
    const { timings } = this.deps;
    if (this.deps.isSessionEmpty()) this.#armOnce("empty", timings.emptyMs, "session ended");
    else this.#disarm("empty");
    if (publishing) this.#disarm("idle");
    else {
      const waitMs = this.#published ? timings.idleMs : timings.firstPublishMs;
      this.#armOnce("idle", waitMs, "maximum idle time exceeded");
    }
    this.#published ||= publishing;
    if (this.#published && publishing !== (this.record.status === "started")) {
      if (publishing) this.#resume();
      else this.#pause();
    }
    this.#sendStreams();
    if (!this.recorder) void this.#takeOver();
  }

  /**
   * A page can record now, or is back. `segment` is the segment of this archive that it says it has;
   * null for none.
   */
  recorderArrived(recorder: Recorder, segment: number | null): void {
    const own = segment === null ? undefined : this.record.segments[segment];
    if (segment === null || own?.recorderId !== recorder.id) {
      if (segment !== null) recorder.send({ type: "discard", archiveId: this.record.id });
      if (this.isRunning && !this.recorder) void this.#takeOver();
      return;
    }
    this.#recorders[segment] = recorder;
    own.complete = false;
    const isCurrent = this.isRunning && segment === this.record.segments.length - 1;
    if (!isCurrent) {
      recorder.send({ type: "stop", archiveId: this.record.id });
      if (!this.isRunning) this.#finishSoon();
      return;
    }
    this.#disarm("recovery");
    this.#disarm("missing");
    this.#sentStreams = "";
    this.#sendStreams();
  }

  /** The page leaves the call, or is gone: another one takes over. */
  recorderLeaves(recorder: Recorder, isGone: boolean): void {
    for (const [i, each] of this.#recorders.entries()) {
      if (each !== recorder) continue;
      if (isGone) {
        this.#recorders[i] = null;
        this.#complete(i);
      }
    }
    const last = this.#recorders.at(-1);
    if (this.isRunning && (last === null || last === recorder)) void this.#takeOver();
  }

  /** A recorder reports on its recording. */
  reported(recorder: Recorder, report: Report): void {
    // Reports are repeated after a lost connection, also to a server that was restarted.
    const index = this.record.segments.findLastIndex(({ recorderId, complete }) =>
      recorderId === recorder.id && !complete
    );
    const segment = this.record.segments[index];
    if (!segment) return;
    if (report.type !== "failed") segment.losses = report.losses;
    if (report.type === "progress") return;
    if (report.type === "failed") this.#failed.add(recorder);
    this.#recorders[index] = null;
    this.#complete(index);
    if (this.isRunning && index === this.record.segments.length - 1) void this.#takeOver();
  }

  /** Bytes came: whoever sends them may have more. */
  uploadCame(): void {
    const { timings } = this.deps;
    if (!this.#timers.has("finish") || Date.now() - this.#endedAtMs > timings.uploadMs) return;
    this.#finishSoon();
  }

  /** Ends it, unless it has ended; its recorder uploads the rest. */
  end(reason: Reason): void {
    if (!this.isRunning) return;
    for (const name of [...this.#timers.keys()]) this.#disarm(name);
    const { record } = this;
    const nowMs = Date.now();
    for (const lull of record.breaks) lull.toMs ??= nowMs;
    record.status = "stopped";
    record.reason = reason;
    record.durationSeconds = Math.max(0, Math.round(this.#recordedMs(nowMs) / 1000));
    this.#endedAtMs = nowMs;
    this.deps.statusChanged();
    for (const [i, { complete }] of record.segments.entries()) {
      const recorder = this.#recorders[i];
      if (!complete) recorder?.send({ type: "stop", archiveId: record.id });
    }
    this.#finishSoon();
  }

  /** No deadline acts any more: another process continues. */
  abandon(): void {
    this.#isReceived = true;
    for (const name of [...this.#timers.keys()]) this.#disarm(name);
  }

  /** Elects another page; the one that records now, if any, is stopped when the other has started. */
  async #takeOver(): Promise<void> {
    if (this.#isTakingOver || this.#timers.has("recovery")) return;
    this.#isTakingOver = true;
    try {
      const index = this.record.segments.length - 1;
      const previous = this.#recorders[index] ?? null;
      const excluded = new Set([...this.#failed, ...(previous ? [previous] : [])]);
      const elected = await this.deps.elect(index + 1, excluded);
      if (!this.isRunning) {
        elected?.recorder.send({ type: "discard", archiveId: this.record.id });
      } else if (elected) {
        this.#disarm("missing");
        this.#addSegment(elected);
      } else if (!this.deps.isSessionEmpty()) {
        this.#armOnce("missing", this.deps.timings.recorderMissingMs, "failure");
      }
      if (this.isRunning) previous?.send({ type: "stop", archiveId: this.record.id });
    } finally {
      this.#isTakingOver = false;
    }
  }

  #addSegment({ recorder, startedAtMs }: Elected): void {
    this.record.segments.push({
      recorderId: recorder.id,
      startedAtMs,
      complete: false,
      losses: { framesNotDelivered: 0, framesDropped: 0 },
    });
    this.#recorders.push(recorder);
    this.deps.changed();
    this.#sentStreams = "";
    this.#sendStreams();
  }

  #pause(): void {
    this.record.breaks.push({ fromMs: Date.now(), toMs: null });
    this.record.status = "paused";
    this.#limitDuration();
    this.deps.statusChanged();
  }

  #resume(): void {
    for (const lull of this.record.breaks) lull.toMs ??= Date.now();
    this.record.status = "started";
    this.#limitDuration();
    this.deps.statusChanged();
  }

  #sendStreams(): void {
    const streams = this.deps.streams();
    const paused = this.record.status === "paused";
    const text = JSON.stringify({ streams, paused });
    if (text === this.#sentStreams || !this.recorder) return;
    this.#sentStreams = text;
    this.recorder.send({ type: "streams", archiveId: this.record.id, streams, paused });
  }

  /** Makes the file once every recorder is done, or nothing has come of them for a while. */
  #finishSoon(): void {
    const { segments } = this.record;
    if (segments.every(({ complete }) => complete)) return this.#receivedAll();
    this.#disarm("finish");
    this.#arm("finish", this.deps.timings.recorderFinishMs, () => this.#receivedAll());
  }

  #complete(index: number): void {
    const segment = this.record.segments[index];
    if (!segment || segment.complete) return;
    segment.complete = true;
    this.deps.changed();
    if (!this.isRunning) this.#finishSoon();
  }

  #receivedAll(): void {
    if (this.#isReceived) return;
    this.#isReceived = true;
    for (const name of [...this.#timers.keys()]) this.#disarm(name);
    for (const segment of this.record.segments) segment.complete = true;
    this.deps.changed();
    this.deps.received();
  }

  /** Time in which somebody published, ms. */
  #recordedMs(untilMs: number): number {
    const startedAtMs = this.record.segments[0]?.startedAtMs ?? untilMs;
    return untilMs - startedAtMs - brokenMs(this.record, untilMs);
  }

  #limitDuration(): void {
    const { timings } = this.deps;
    const nowMs = Date.now();
    const startedAtMs = this.record.segments[0]?.startedAtMs ?? nowMs;
    this.#disarm("duration");
    if (this.record.status === "started") {
      const leftMs = timings.maxDurationMs - this.#recordedMs(nowMs);
      this.#armOnce("duration", leftMs, "maximum duration exceeded");
    }
    this.#armOnce("total", startedAtMs + timings.maxTotalMs - nowMs, "maximum duration exceeded");
    // The platform gives the same reason as for a user's stop.
    this.#armOnce("rotation", this.deps.rotationAtMs() - nowMs, "user initiated");
  }

  #armOnce(name: Timer, ms: number, reason: Reason): void {
    if (!this.#timers.has(name)) this.#arm(name, ms, () => this.end(reason));
  }

  #arm(name: Timer, ms: number, act: () => void): void {
    this.#timers.set(
      name,
      setTimeout(() => {
        this.#timers.delete(name);
        act();
      }, Math.max(0, ms)),
    );
  }

  #disarm(name: Timer): void {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}
