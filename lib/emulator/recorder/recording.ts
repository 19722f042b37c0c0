/** The recording of one archive: a composed file, or one file for each stream. */
import {
  type Codecs,
  COMPOSED_FILE,
  type FromRecorder,
  type Losses,
  type RecordedStream,
  type RecordingRequest,
  uploadPath,
} from "../protocol.ts";
import { type AudioSource, mix, SAMPLE_RATE, toSamples } from "./audio_source.ts";
import { Compositor, even } from "./compositor.ts";
import type { I420Frame, Size } from "./i420.ts";
import { OutputFile } from "./output_file.ts";
import type { FrameScheduler, TimedFrame } from "./scheduler.ts";

/** Longest wait for the first frame and audio of every stream, ms: first and later segments. */
const ASSEMBLE_MS = 1_500;
const TAKE_OVER_MS = 500;
/** Longest wait for late frames and audio at the end, ms. */
const LATE_MS = 300;
/**
 * Longest wait for late audio before silence is mixed, ms: a worker that had no turn for a second or two
 * has not read yet what arrived meanwhile. {@link AudioSource} keeps a little more.
 */
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
/** The machine counts as overloaded for so long after a dropped frame, ms. */
const OVERLOADED_MS = 3_000;
/** Size of a stream's file whose video is off when it begins. */
const DEFAULT_SIZE: Size = { width: 640, height: 480 };

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

interface Part {
  name: string;
  file: OutputFile;
  compositor: Compositor;
  /** Position up to which audio was mixed. */
  mixedTo: number;
  lastFrameMs: number;
}

/** The recording of one archive. It reports its end, or ends by `discard()`. */
export class Recording {
  readonly #createdMs = performance.now();
  readonly #started = Promise.withResolvers<void>();
  readonly #losses: Losses = { framesNotDelivered: 0, framesDropped: 0 };
  readonly #parts = new Map<string, Part>();
  #state: "running" | "stopping" | "over" = "running";
  /** The time that is written: from the start or the last pause on, to the next pause or the end. */
  #fromMs = Infinity;
  #untilMs = Infinity;
  /** Where media time 0 is; pauses move it. */
  #zeroMs = 0;
  #droppedAtMs = -Infinity;

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

  /** True while frames are dropped because the machine does not keep up. */
  get isOverloaded(): boolean {
    return performance.now() - this.#droppedAtMs < OVERLOADED_MS;
  }

  /** True when nothing more is recorded; the rest may still be uploaded. */
  get isOver(): boolean {
    return this.#state === "over";
  }

  get #isComposed(): boolean {
    return this.request.outputMode === "composed";
  }

  /** Sets the streams, in the order of their tiles. While `paused` nothing is written. */
  setStreams(streams: readonly RecordedStream[], paused: boolean): void {
    if (this.#state !== "running") return;
    this.pump(); // the audio of streams that leave
    this.streams = streams;
    if (paused) this.#untilMs = Math.min(this.#untilMs, performance.now());
    else if (this.#untilMs < Infinity) this.#resume();
  }

  #resume(): void {
    const from = toSamples(Math.max(this.#untilMs, this.#fromMs));
    this.#untilMs = Infinity;
    if (!this.hasStarted) return;
    this.#fromMs = performance.now();
    const to = toSamples(this.#fromMs);
    for (const part of this.#parts.values()) {
      this.#mix(part, from);
      part.mixedTo = to;
    }
    this.#zeroMs += (to - from) * 1000 / SAMPLE_RATE;
  }

  /** Counts frames of a source that the browser did not deliver, if this recording shows it. */
  countMissing(sourceId: string, frames: number): void {
    const isRecorded = this.#state === "stopping" || this.#isWritten(performance.now());
    const isShown = this.request.hasVideo &&
      this.streams.some((each) => each.hasVideo && this.context.sourceIdOf(each) === sourceId);
    if (isRecorded && isShown) this.#losses.framesNotDelivered += frames;
  }

  /** Records the frames of the time `atMs`. */
  tick(atMs: number): void {
    if (this.isOver || !this.request.hasVideo) return;
    this.#beginIfReady(atMs);
    if (!this.#isWritten(atMs)) return;
    for (const part of this.#currentParts(atMs)) this.#addFrame(part, atMs);
  }

  /** Records the audio that is there; to be called about every 20 ms. */
  pump(): void {
    if (this.#state !== "running") return;
    const nowMs = performance.now();
    if (!this.request.hasVideo) this.#beginIfReady(nowMs - SILENCE_LAG_MS);
    if (!this.hasStarted) return;
    for (const part of this.#currentParts(nowMs)) {
      const heardTo = Math.max(this.#heardTo(part), toSamples(nowMs - LATE_AUDIO_MS));
      const end = Math.min(heardTo, toSamples(this.#untilMs));
      this.#mix(part, part.mixedTo + BLOCK * Math.floor((end - part.mixedTo) / BLOCK));
    }
  }

  /** Records up to the present and uploads the rest. */
  async stop(): Promise<void> {
    await this.#started.promise;
    if (this.#state !== "running") return;
    this.#state = "stopping";
    const untilMs = Math.min(performance.now(), this.#untilMs);
    this.#untilMs = Math.max(untilMs, this.#fromMs + SHORTEST_MS);
    const end = toSamples(this.#untilMs);
    const isComplete = () =>
      (!this.request.hasVideo || this.context.scheduler.lastTickMs >= this.#untilMs) &&
      [...this.#parts.values()].every((part) => this.#heardTo(part) >= end);
    while (!isComplete() && performance.now() < this.#untilMs + LATE_MS) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (this.isOver) return;
    this.#state = "over";
    try {
      const parts = [...this.#parts.values()];
      for (const part of parts) this.#mix(part, end);
      await Promise.all(parts.map(({ file }) => file.finish()));
      const { request: { archiveId }, losses } = this;
      this.context.report(this, { type: "finished", archiveId, losses });
    } catch (error) {
      this.fail(error);
    }
  }

  /** Stops, forgets everything, reports nothing. */
  discard(): void {
    this.#state = "over";
    for (const { file } of this.#parts.values()) file.cancel();
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
    if (this.#isComposed) this.#addPart(COMPOSED_FILE, this.request, atMs);
    this.context.report(this, { type: "started", archiveId, startedAtMs: atMs, codecs });
    this.#started.resolve();
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
  #currentParts(atMs: number): Iterable<Part> {
    if (!this.#isComposed && this.#isWritten(atMs)) {
      const isLate = atMs - this.#fromMs > ASSEMBLE_MS;
      for (const stream of this.streams) {
        if (this.#parts.has(stream.streamId) || !(isLate || this.#isReady(stream, atMs))) continue;
        this.#addPart(stream.streamId, this.#shown(stream, atMs)?.frame ?? DEFAULT_SIZE, atMs);
      }
    }
    return this.#parts.values();
  }

  #addPart(name: string, { width, height }: Size, atMs: number): void {
    const { archiveId, segment, uploadToken, hasAudio, hasVideo } = this.request;
    const size = { width: even(width), height: even(height) };
    const file = new OutputFile({
      codecs: this.codecs,
      hasAudio,
      size: hasVideo ? size : null,
      path: uploadPath(archiveId, segment, name),
      token: uploadToken,
      onError: (error) => this.fail(error),
      onDropped: (frames) => {
        this.#losses.framesDropped += frames;
        this.#droppedAtMs = performance.now();
      },
    });
    const compositor = new Compositor(size);
    const mixedTo = toSamples(atMs);
    this.#parts.set(name, { name, file, compositor, mixedTo, lastFrameMs: -Infinity });
  }

  /** The streams that a file shows. */
  #streamsOf({ name }: Part): readonly RecordedStream[] {
    return this.streams.filter(({ streamId }) => this.#isComposed || streamId === name);
  }

  /** The frame of a stream that is shown now. */
  #shown(stream: RecordedStream, atMs: number): TimedFrame<I420Frame> | null {
    if (!stream.hasVideo) return null;
    const shown = this.context.scheduler.shown(this.context.sourceIdOf(stream));
    return shown !== null && atMs - shown.atMs < STALE_MS ? shown : null;
  }

  #addFrame(part: Part, tickMs: number): void {
    const streams = this.#streamsOf(part);
    const frames = streams.map((stream) => this.#shown(stream, tickMs));
    let atMs = tickMs;
    if (!this.#isComposed) {
      // Every file has its own stream's frames at their own times.
      const [frame] = frames;
      if (frame === undefined) return; // the stream has left
      const isDue = frame?.isNew ?? tickMs >= part.lastFrameMs + PLACEHOLDER_EVERY_MS;
      if (!isDue && part.lastFrameMs > -Infinity) return;
      atMs = Math.max(frame?.atMs ?? tickMs, this.#fromMs);
    }
    const tiles = streams.map(({ name }, i) => ({ name, frame: frames[i]?.frame ?? null }));
    part.lastFrameMs = Math.max(atMs, part.lastFrameMs + 1);
    part.file.addFrame(part.compositor.compose(tiles), part.lastFrameMs - this.#zeroMs);
  }

  #audible(part: Part): AudioSource[] {
    return this.#streamsOf(part).flatMap((stream) =>
      stream.hasAudio ? this.context.audioOf(stream) ?? [] : []
    );
  }

  /** The position up to which every source that delivers has delivered. */
  #heardTo(part: Part): number {
    const nowMs = performance.now();
    const ends = this.#audible(part)
      .filter(({ lastArrivalMs }) => nowMs - lastArrivalMs < LATE_AUDIO_MS)
      .map(({ end }) => end);
    return Math.min(toSamples(ends.length > 0 ? nowMs : nowMs - SILENCE_LAG_MS), ...ends);
  }

  #mix(part: Part, to: number): void {
    const hasLeft = !this.#isComposed && this.#streamsOf(part).length === 0;
    if (!this.request.hasAudio || hasLeft) return;
    const sources = this.#audible(part);
    while (part.mixedTo < to) {
      const count = Math.min(BLOCK, to - part.mixedTo);
      part.file.addAudio(mix(sources, part.mixedTo, count), part.mixedTo - toSamples(this.#zeroMs));
      part.mixedTo += count;
    }
  }
}
