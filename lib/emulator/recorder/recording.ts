/** The recording of one archive: a composed file, or one file for each stream. */
import {
  type Codecs,
  COMPOSED_FILE,
  type FromRecorder,
  type Losses,
  type RecordedStream,
  type RecordingRequest,
} from "../protocol.ts";
import { PLACEHOLDER } from "./compositor.ts";
import type { I420Frame } from "./i420.ts";
import { OutputFile } from "./output_file.ts";
import type { FrameScheduler, TimedFrame } from "./scheduler.ts";
import { type AudioSource, mix, toSamples } from "./tracks.ts";

/** Longest wait for the first frame and audio of every stream, ms: first and later segments. */
const ASSEMBLE_MS = 1_500;
const TAKE_OVER_MS = 500;
/** Longest wait for late audio, ms: a worker that had no turn for two seconds has not read it yet. */
const LATE_AUDIO_MS = 3_000;
/** How far behind the present the mix is while no stream sends audio, ms. */
const SILENCE_LAG_MS = 100;
/** An older frame is not shown, ms. */
const STALE_MS = 1_000;
/** Length of a recording that is stopped as soon as it begins, ms. */
const SHORTEST_MS = 200;

/** How a recording ends, or begins. */
export type Report = Extract<FromRecorder, { type: "started" | "finished" | "failed" }>;

/** What a recording uses of its worker. */
export interface RecordingContext {
  /** The frames and the audio of the sources, by their ids. */
  readonly scheduler: FrameScheduler<I420Frame>;
  readonly audio: ReadonlyMap<string, AudioSource>;
  /** Id of the source that has the media of a stream. */
  sourceIdOf(stream: RecordedStream): string;
  report(recording: Recording, report: Report): void;
}

/** The recording of one archive. It reports its end, or ends by `discard()`. */
export class Recording {
  /** True when nothing more is recorded; the rest may still be uploaded. */
  isOver = false;
  readonly #createdMs = performance.now();
  #framesNotDelivered = 0;
  readonly #files = new Map<string, OutputFile>();
  #stoppedAtMs: number | null = null;
  /** The time that is written: from the start or the last pause on, to the next pause or the end. */
  #fromMs = Infinity;
  #untilMs = Infinity;
  /** Where media time 0 is; pauses move it. */
  #zeroMs = 0;

  /** @param streams in the order of their tiles */
  constructor(
    readonly request: RecordingRequest,
    private streams: readonly RecordedStream[],
    private readonly codecs: Codecs,
    private readonly context: RecordingContext,
  ) {}

  /** Whether the first frame was recorded. */
  get hasStarted(): boolean {
    return this.#fromMs < Infinity;
  }

  /** Frames that are missing so far. */
  get losses(): Losses {
    const dropped = this.#files.values().map(({ framesDropped }) => framesDropped);
    return {
      framesNotDelivered: Math.max(0, this.#framesNotDelivered),
      framesDropped: dropped.reduce((sum, frames) => sum + frames, 0),
    };
  }

  get #isComposed(): boolean {
    return this.request.outputMode === "composed";
  }

  /** Sets the streams, in the order of their tiles. While `paused` nothing is written. */
  setStreams(streams: readonly RecordedStream[], paused: boolean): void {
    if (this.#stoppedAtMs !== null) return;
    this.pump(); // the audio of streams that leave
    this.streams = streams;
    const nowMs = performance.now();
    const pausedMs = nowMs - Math.max(this.#fromMs, this.#untilMs);
    this.#untilMs = paused ? Math.min(this.#untilMs, nowMs) : Infinity;
    if (paused || pausedMs < 0) return; // less than 0: it was not paused, or has not begun
    this.#fromMs = nowMs;
    this.#zeroMs += pausedMs;
  }

  /** Counts frames of a source that the browser did not deliver, if this recording shows it. */
  countMissing(sourceId: string, frames: number): void {
    const isShown = this.request.hasVideo && this.hasStarted && !this.isOver &&
      this.streams.some((each) => each.hasVideo && this.context.sourceIdOf(each) === sourceId);
    if (isShown) this.#framesNotDelivered += frames;
  }

  /** Records the frames of the time `atMs`, from when everything is there. */
  tick(atMs: number): void {
    if (this.isOver) return;
    if (!this.hasStarted) this.#beginIfReady(atMs);
    if (atMs < this.#fromMs || atMs >= this.#untilMs) return;
    for (const [name, streams] of this.#parts()) {
      const file = this.#files.get(name) ?? this.#open(name, streams, atMs);
      if (file && this.request.hasVideo) this.#addFrame(file, streams, atMs);
    }
  }

  /** Records the audio that is there, and ends when it is time; to be called about every 20 ms. */
  pump(): void {
    if (this.isOver) return;
    if (this.#stoppedAtMs !== null) {
      this.#untilMs = Math.max(this.#stoppedAtMs, this.#fromMs + SHORTEST_MS);
    }
    let isComplete = this.context.scheduler.lastTickMs >= this.#untilMs;
    for (const [name, streams] of this.#parts()) {
      const heardTo = this.#heardTo(streams);
      isComplete &&= heardTo >= toSamples(this.#untilMs);
      this.#mix(name, streams, heardTo);
    }
    if (this.#stoppedAtMs !== null && isComplete) void this.#finish();
  }

  /** Records up to the present, or a little if it has not begun, and uploads the rest. */
  stop(): void {
    this.#stoppedAtMs ??= Math.min(performance.now(), this.#untilMs);
    this.pump();
  }

  async #finish(): Promise<void> {
    this.isOver = true;
    try {
      for (const [name, streams] of this.#parts()) this.#mix(name, streams, Infinity);
      await Promise.all(this.#files.values().map((file) => file.finish()));
      const { request: { archiveId }, losses } = this;
      this.context.report(this, { type: "finished", archiveId, losses });
    } catch (error) {
      this.fail(error);
    }
  }

  /** Stops, forgets everything, reports nothing. */
  discard(): void {
    this.isOver = true;
    for (const file of this.#files.values()) file.cancel();
  }

  /** Gives up because of an error. */
  fail(error: unknown): void {
    this.discard();
    const { archiveId } = this.request;
    this.context.report(this, { type: "failed", archiveId, message: String(error) });
  }

  #beginIfReady(atMs: number): void {
    const { request: { archiveId, segment }, codecs } = this;
    const waitMs = segment === 0 ? ASSEMBLE_MS : TAKE_OVER_MS;
    const isLate = performance.now() - this.#createdMs > waitMs;
    if (!isLate && !this.#areReady(this.streams, atMs)) return;
    this.#fromMs = atMs;
    this.#zeroMs = atMs;
    this.context.report(this, { type: "started", archiveId, startedAtMs: atMs, codecs });
  }

  /** Whether the first frame and audio of these streams are there. */
  #areReady(streams: readonly RecordedStream[], atMs: number): boolean {
    const { hasVideo, hasAudio } = this.request;
    return streams.every((stream) =>
      (!hasVideo || !stream.hasVideo || this.#shown(stream, atMs) !== null) &&
      (!hasAudio || !stream.hasAudio ||
        (this.#audioOf(stream)?.start ?? Infinity) <= toSamples(atMs))
    );
  }

  /** The streams of every file that is written now, by its name. */
  #parts(): [file: string, streams: readonly RecordedStream[]][] {
    if (this.#isComposed) return [[COMPOSED_FILE, this.streams]];
    return this.streams.map((stream) => [stream.streamId, [stream]]);
  }

  /** Begins a file; that of a single stream waits for its first frame and audio. */
  #open(name: string, streams: readonly RecordedStream[], atMs: number): OutputFile | null {
    const isLate = this.#isComposed || atMs - this.#fromMs > ASSEMBLE_MS;
    if (!isLate && !this.#areReady(streams, atMs)) return null;
    const [shown] = streams.map((stream) => this.#shown(stream, atMs));
    const size = this.#isComposed ? this.request : shown?.frame ?? PLACEHOLDER;
    const from = toSamples(atMs - this.#zeroMs);
    const onError = (error: unknown) => this.fail(error);
    const file = new OutputFile(name, size, this.codecs, this.request, from, onError);
    this.#files.set(name, file);
    return file;
  }

  /** The frame of a stream that is shown now. */
  #shown(stream: RecordedStream, atMs: number): TimedFrame<I420Frame> | null {
    if (!stream.hasVideo) return null;
    const shown = this.context.scheduler.shown(this.context.sourceIdOf(stream));
    return shown !== null && atMs - shown.atMs < STALE_MS ? shown : null;
  }

  #addFrame(file: OutputFile, streams: readonly RecordedStream[], tickMs: number): void {
    const shown = streams.map((stream) => this.#shown(stream, tickMs));
    // The file of a single stream has its frames at their own times.
    const atMs = this.#isComposed ? tickMs : Math.max(shown[0]?.atMs ?? tickMs, this.#fromMs);
    const tiles = streams.map(({ name }, i) => ({ name, frame: shown[i]?.frame ?? null }));
    file.addFrame(tiles, atMs - this.#zeroMs);
  }

  #audioOf(stream: RecordedStream): AudioSource | null {
    const source = this.context.audio.get(this.context.sourceIdOf(stream));
    return stream.hasAudio && source ? source : null;
  }

  /** The position up to which every stream that delivers audio has delivered. */
  #heardTo(streams: readonly RecordedStream[]): number {
    const nowMs = performance.now();
    const ends = streams.map((stream) => this.#audioOf(stream)?.end ?? -Infinity)
      .filter((end) => end > toSamples(nowMs - LATE_AUDIO_MS));
    return Math.min(toSamples(ends.length > 0 ? nowMs : nowMs - SILENCE_LAG_MS), ...ends);
  }

  /** Adds the audio of a file's streams up to a position. */
  #mix(name: string, streams: readonly RecordedStream[], to: number): void {
    const file = this.#files.get(name);
    if (!file || !this.request.hasAudio) return;
    const from = toSamples(this.#zeroMs) + file.audioEnd;
    const count = Math.min(to, toSamples(this.#untilMs)) - from;
    const sources = streams.flatMap((stream) => this.#audioOf(stream) ?? []);
    if (count > 0) file.addAudio(mix(sources, from, count));
  }
}
