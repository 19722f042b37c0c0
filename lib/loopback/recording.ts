/** One archive from the moment it records until its file is whole. */
import type { Client } from "./hub.ts";
import type { ArchiveRecord } from "../store/mod.ts";
import type { Timings } from "./limits.ts";

/** The platform's words for why an archive ended. */
export type Reason =
  | "user initiated"
  | "maximum duration exceeded"
  | "maximum idle time exceeded"
  | "session ended"
  | "failure";

/** What a recording tells its owner. */
export interface RecordingEvents {
  /** The record has a new status: keep it, and tell everybody. */
  changed(record: ArchiveRecord): void;
  /** Nothing more will come of the recorder: keep that, and make the file. */
  received(record: ArchiveRecord): void;
}

type Timer = "empty" | "idle" | "duration" | "grace" | "finish";

/** The states and deadlines of one archive; it never touches a file or the store itself. */
export class Recording {
  /** Resolves when the recorder has nothing more to give; no chunk is taken after that. */
  readonly whole: Promise<void>;
  /** Resolves once it is known whether the recorder of an earlier process's archive comes back. */
  readonly settled: Promise<void>;
  private readonly wholeNow: () => void;
  private readonly settle: () => void;
  private readonly timers = new Map<Timer, ReturnType<typeof setTimeout>>();
  private published: boolean;
  private sealed = false;
  private abandoned = false;

  /** @param recorder null when an earlier process of this server knew it */
  constructor(
    readonly record: ArchiveRecord,
    private recorder: Client | null,
    private readonly timings: Timings,
    private readonly events: RecordingEvents,
  ) {
    const whole = Promise.withResolvers<void>();
    const settled = Promise.withResolvers<void>();
    this.whole = whole.promise;
    this.wholeNow = whole.resolve;
    this.settled = settled.promise;
    this.settle = settled.resolve;
    this.published = recorder === null;
    if (recorder) {
      this.settle();
      this.limitDuration();
    } else if (record.whole) this.seal();
    else {
      if (!this.running) this.settle();
      this.awaitRecorder();
    }
  }

  /** Whether it is `started` or `paused`. */
  get running(): boolean {
    return this.record.status === "started" || this.record.status === "paused";
  }

  /** Whether chunks are still welcome. */
  get open(): boolean {
    return !this.sealed;
  }

  /** What the recorder's token says about it, or "". */
  get recorderData(): string {
    return this.recorder?.data ?? "";
  }

  /** Whether this page records it. */
  isBy(client: Client): boolean {
    return this.recorder === client;
  }

  /**
   * A page that lost its socket says that it records on, or that it has more to give of what was
   * stopped meanwhile. It is believed if it knows the epoch, which nobody but the recorder was told,
   * and nobody else records.
   */
  resume(client: Client, epochMs: number): boolean {
    const { record } = this;
    if (this.sealed || (this.recorder && this.recorder.token !== client.token)) return false;
    if (record.sessionId !== client.sessionId || record.epochMs !== epochMs) return false;
    this.recorder = client;
    this.disarm("grace");
    this.settle();
    if (this.running) this.limitDuration();
    else this.finishBy(client);
    return true;
  }

  /** The recorder says that it has given everything. */
  recorderDone(): void {
    this.end("failure");
    this.seal();
  }

  /**
   * The recorder's socket is gone. `returns`: it said that it comes back. The last client's going
   * does not end an archive, {@link sessionChanged} gives it a minute.
   */
  recorderLeft(returns: boolean, sessionEmpty: boolean): void {
    this.recorder = null;
    // A page that has left may still upload what it recorded until the stop.
    if (returns || !this.running) return this.awaitRecorder();
    if (!sessionEmpty) this.end("failure");
  }

  /** A chunk came: whoever sends it may have more. */
  chunkCame(): void {
    const { record, timings } = this;
    if (this.running || Date.now() - record.updatedAtMs > timings.uploadMs) return;
    if (this.timers.has("grace")) this.awaitRecorder();
    else if (this.timers.has("finish")) {
      this.arm("finish", timings.recorderFinishMs, () => this.seal());
    }
  }

  /** Somebody came, left, published or unpublished: pause, go on, or end after a while. */
  sessionChanged(empty: boolean, publishing: boolean): void {
    const { timings, record } = this;
    // While clients are coming back, who is not here yet is no news.
    if (!this.running || this.timers.has("grace")) return;
    if (empty) this.arm("empty", timings.emptyMs, () => this.end("session ended"));
    else {
      this.disarm("empty");
      // Somebody is here, but not the page that recorded: let the app start another archive.
      if (!this.recorder) return this.end("failure");
    }
    if (publishing) this.disarm("idle");
    else if (!this.timers.has("idle")) {
      const waitMs = this.published ? timings.idleMs : timings.firstPublishMs;
      this.arm("idle", waitMs, () => this.end("maximum idle time exceeded"));
    }
    this.published ||= publishing;
    const status = publishing ? "started" : "paused";
    if (record.status === status || !this.published) return;
    record.status = status;
    this.events.changed(record);
  }

  /** Ends it, unless it has ended: the recorder is told to stop and has a while to give the rest. */
  end(reason: Reason): void {
    if (!this.running) return;
    const { record, recorder } = this;
    // Stopped while its recorder is on its way back: what that has must not be lost.
    const returning = this.timers.has("grace");
    for (const name of [...this.timers.keys()]) this.disarm(name);
    this.settle();
    record.status = "stopped";
    record.reason = reason;
    record.durationSeconds = Math.max(0, Math.round((Date.now() - record.epochMs) / 1000));
    this.events.changed(record);
    if (recorder) this.finishBy(recorder);
    else if (returning) this.awaitRecorder();
    else this.seal();
  }

  /** No deadline acts any more: another process goes on with it. */
  abandon(): void {
    this.abandoned = true;
    this.settle();
    for (const name of [...this.timers.keys()]) this.disarm(name);
  }

  private seal(): void {
    if (this.sealed) return;
    this.sealed = true;
    this.record.whole = true;
    for (const name of [...this.timers.keys()]) this.disarm(name);
    this.wholeNow();
    this.settle();
    this.events.received(this.record);
  }

  /** Has the recorder stop, and give what it has left. */
  private finishBy(recorder: Client): void {
    recorder.send({ type: "stop-recording", archiveId: this.record.id });
    this.arm("finish", this.timings.recorderFinishMs, () => this.seal());
  }

  private awaitRecorder(): void {
    this.disarm("finish");
    const { recorderGraceMs, recorderFinishMs } = this.timings;
    this.arm("grace", this.running ? recorderGraceMs : recorderFinishMs, () => {
      if (!this.running) return this.seal();
      this.end("failure");
    });
  }

  private limitDuration(): void {
    const leftMs = this.record.epochMs + this.timings.maxDurationMs - Date.now();
    this.arm("duration", leftMs, () => this.end("maximum duration exceeded"));
  }

  private arm(name: Timer, ms: number, act: () => void): void {
    this.disarm(name);
    if (this.abandoned) return;
    const fire = () => {
      this.timers.delete(name);
      act();
    };
    this.timers.set(name, setTimeout(fire, Math.max(0, ms)));
  }

  private disarm(name: Timer): void {
    clearTimeout(this.timers.get(name));
    this.timers.delete(name);
  }
}
