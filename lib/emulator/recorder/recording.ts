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
import type { I420Frame, Size } from "./i420.ts";
import { OutputFile } from "./output_file.ts";
import type { FrameScheduler, TimedFrame } from "./scheduler.ts";
import { type AudioSource, mix, SAMPLE_RATE, toSamples } from "./tracks.ts";

/** Longest wait for the first frame and audio of every stream, ms: first and later segments. */
const ASSEMBLE_MS = 1_500;
const TAKE_OVER_MS = 500;
/** Longest wait for late frames and audio at the end, ms. */
const LATE_MS = 300;
/** Longest wait for late audio, ms: a worker that had no turn for two seconds has not read it yet. */
const LATE_AUDIO_MS = 3_000;
/** How far behind the present the mix is while no stream sends audio, ms. */
const SILENCE_LAG_MS = 100;
/** An older frame is not shown, ms. */
const STALE_MS = 1_000;
/** Time between two placeholders in the file of a stream without video, ms. */
const PLACEHOLDER_EVERY_MS = 100;
/** Samples that are encoded at once: 20 ms. */
const BLOCK = 960;
/** Length of a recording that is stopped as soon as it begins, ms. */
const SHORTEST_MS = 200;

/** How a recording ends, or begins. */
export type Report = Extract<FromRecorder, { type: "started" | "finished" | "failed" }>;

/** What a recording uses of its worker. */
export interface RecordingContext {
  readonly scheduler: FrameScheduler<I420Frame>;
  /** Id of the source that has the media of a stream. */
  sourceIdOf(stream: RecordedStream): string;
  audioOf(stream: RecordedStream): AudioSource | null;
  report(recording: Recording, report: Report): void;
}

/** The recording of one archive. It reports its end, or ends by `discard()`. */
export class Recording {
  /** True when nothing more is recorded; the rest may still be uploaded. */
  isOver = false;
  readonly #createdMs = performance.now();
  readonly #losses: Losses = { framesNotDelivered: 0, framesDropped: 0 };
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
    public streams: readonly RecordedStream[],
    private readonly codecs: Codecs,
    private readonly context: RecordingContext,
  ) {}

  /** Whether the first frame was recorded. */
  get hasStarted(): boolean {
    return this.#fromMs < Infinity;
  }

  /** Frames that are missing so far. */
  get losses(): Losses {
    const { framesNotDelivered, framesDropped } = this.#losses;
    return { framesNotDelivered: Math.max(0, framesNotDelivered), framesDropped };
  }

  get #isComposed(): boolean {
    return this.request.outputMode === "composed";
  }

  /** Sets the streams, in the order of their tiles. While `paused` nothing is written. */
  setStreams(streams: readonly RecordedStream[], paused: boolean): void {
    if (this.#stoppedAtMs !== null) return;
    this.pump(); // the audio of streams that leave
    this.streams = streams;
    if (paused) this.#untilMs = Math.min(this.#untilMs, performance.now());
    if (paused || this.#untilMs === Infinity) return;
    const from = toSamples(Math.max(this.#untilMs, this.#fromMs));
    this.#untilMs = Infinity;
    if (!this.hasStarted) return;
    this.#fromMs = performance.now();
    const to = toSamples(this.#fromMs);
    for (const file of this.#files.values()) {
      this.#mix(file, from);
      file.mixedTo = to;
    }
    this.#zeroMs += (to - from) * 1000 / SAMPLE_RATE;
  }

  /** Counts frames of a source that the browser did not deliver, if this recording shows it. */
  countMissing(sourceId: string, frames: number): void {
    const isRecorded = this.#stoppedAtMs !== null || this.#isWritten(performance.now());
    const isShown = this.request.hasVideo &&
      this.streams.some((each) => each.hasVideo && this.context.sourceIdOf(each) === sourceId);
    if (isRecorded && isShown && !this.isOver) this.#losses.framesNotDelivered += frames;
  }

  /** Records the frames of the time `atMs`. */
  tick(atMs: number): void {
    if (this.isOver || !this.request.hasVideo) return;
    this.#beginIfReady(atMs);
    if (!this.#isWritten(atMs)) return;
    for (const file of this.#currentFiles(atMs)) this.#addFrame(file, atMs);
  }

  /** Records the audio that is there, and ends when it is time; to be called about every 20 ms. */
  pump(): void {
    if (this.isOver) return;
    const nowMs = performance.now();
    if (!this.request.hasVideo) this.#beginIfReady(nowMs - SILENCE_LAG_MS);
    if (this.#stoppedAtMs !== null) {
      this.#untilMs = Math.max(this.#stoppedAtMs, this.#fromMs + SHORTEST_MS);
    }
    const end = toSamples(this.#untilMs);
    const files = [...this.#currentFiles(nowMs)];
    for (const file of files) {
      const heardTo = Math.max(this.#heardTo(file), toSamples(nowMs - LATE_AUDIO_MS));
      const blocks = Math.floor((Math.min(heardTo, end) - file.mixedTo) / BLOCK);
      this.#mix(file, file.mixedTo + blocks * BLOCK);
    }
    const isComplete = files.every((file) => this.#heardTo(file) >= end) &&
      (!this.request.hasVideo || this.context.scheduler.lastTickMs >= this.#untilMs);
    const hasEnded = this.#stoppedAtMs !== null && this.hasStarted &&
      (isComplete || nowMs >= this.#untilMs + LATE_MS);
    if (hasEnded) void this.#finish(files);
  }

  /** Records up to the present, or a little if it has not begun, and uploads the rest. */
  stop(): void {
    this.#stoppedAtMs ??= Math.min(performance.now(), this.#untilMs);
    this.pump();
  }

  async #finish(files: readonly OutputFile[]): Promise<void> {
    this.isOver = true;
    try {
      for (const file of files) this.#mix(file, toSamples(this.#untilMs));
      await Promise.all(files.map((file) => file.finish()));
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

  #isWritten(atMs: number): boolean {
    return atMs >= this.#fromMs && atMs < this.#untilMs;
  }

  #beginIfReady(atMs: number): void {
    if (this.hasStarted) return;
    const { request: { archiveId, segment }, codecs } = this;
    const waitMs = segment === 0 ? ASSEMBLE_MS : TAKE_OVER_MS;
    const isReady = performance.now() - this.#createdMs > waitMs ||
      this.streams.every((stream) => this.#isReady(stream, atMs));
    if (!isReady) return;
    this.#fromMs = atMs;
    this.#zeroMs = atMs;
    if (this.#isComposed) this.#addFile(COMPOSED_FILE, this.request, atMs);
    this.context.report(this, { type: "started", archiveId, startedAtMs: atMs, codecs });
  }

  /** Whether the first frame and audio of a stream are there. */
  #isReady(stream: RecordedStream, atMs: number): boolean {
    const { request, context } = this;
    const hasFrame = context.scheduler.shown(context.sourceIdOf(stream)) !== null;
    const hasAudio = (context.audioOf(stream)?.start ?? Infinity) <= toSamples(atMs);
    return (!request.hasVideo || !stream.hasVideo || hasFrame) &&
      (!request.hasAudio || !stream.hasAudio || hasAudio);
  }

  /** All files; that of an individual stream begins with its first frame and audio. */
  #currentFiles(atMs: number): Iterable<OutputFile> {
    if (!this.#isComposed && this.#isWritten(atMs)) {
      const isLate = atMs - this.#fromMs > ASSEMBLE_MS;
      for (const stream of this.streams) {
        if (this.#files.has(stream.streamId) || !(isLate || this.#isReady(stream, atMs))) continue;
        this.#addFile(stream.streamId, this.#shown(stream, atMs)?.frame ?? PLACEHOLDER, atMs);
      }
    }
    return this.#files.values();
  }

  #addFile(name: string, size: Size, atMs: number): void {
    const file = new OutputFile(
      name,
      size,
      this.codecs,
      this.request,
      (error) => this.fail(error),
      (frames) => this.#losses.framesDropped += frames,
    );
    file.mixedTo = toSamples(atMs);
    this.#files.set(name, file);
  }

  /** The streams that a file shows. */
  #streamsOf({ name }: OutputFile): readonly RecordedStream[] {
    return this.streams.filter(({ streamId }) => this.#isComposed || streamId === name);
  }

  /** The frame of a stream that is shown now. */
  #shown(stream: RecordedStream, atMs: number): TimedFrame<I420Frame> | null {
    if (!stream.hasVideo) return null;
    const shown = this.context.scheduler.shown(this.context.sourceIdOf(stream));
    return shown !== null && atMs - shown.atMs < STALE_MS ? shown : null;
  }

  #addFrame(file: OutputFile, tickMs: number): void {
    const streams = this.#streamsOf(file);
    const frames = streams.map((stream) => this.#shown(stream, tickMs));
    let atMs = tickMs;
    if (!this.#isComposed) {
      // Every file has its own stream's frames at their own times.
      const [frame] = frames;
      if (frame === undefined) return; // the stream has left
      const isDue = frame === null
        ? tickMs >= file.lastFrameMs + PLACEHOLDER_EVERY_MS
        : frame.frame !== file.lastFrame;
      if (!isDue) return;
      file.lastFrame = frame?.frame ?? null;
      atMs = Math.max(frame?.atMs ?? tickMs, this.#fromMs);
    }
    const tiles = streams.map(({ name }, i) => ({ name, frame: frames[i]?.frame ?? null }));
    file.lastFrameMs = Math.max(atMs, file.lastFrameMs + 1);
    file.addFrame(tiles, file.lastFrameMs - this.#zeroMs);
  }

  #audible(file: OutputFile): AudioSource[] {
    return this.#streamsOf(file).flatMap((stream) =>
      stream.hasAudio ? this.context.audioOf(stream) ?? [] : []
    );
  }

  /** The position up to which every source that delivers has delivered. */
  #heardTo(file: OutputFile): number {
    const nowMs = performance.now();
    const ends = this.#audible(file)
      .filter(({ lastArrivalMs }) => nowMs - lastArrivalMs < LATE_AUDIO_MS)
      .map(({ end }) => end);
    return Math.min(toSamples(ends.length > 0 ? nowMs : nowMs - SILENCE_LAG_MS), ...ends);
  }

  #mix(file: OutputFile, to: number): void {
    const hasLeft = !this.#isComposed && this.#streamsOf(file).length === 0;
    if (!this.request.hasAudio || hasLeft) return;
    const sources = this.#audible(file);
    while (file.mixedTo < to) {
      const count = Math.min(BLOCK, to - file.mixedTo);
      file.addAudio(mix(sources, file.mixedTo, count), file.mixedTo - toSamples(this.#zeroMs));
      file.mixedTo += count;
    }
  }
}
