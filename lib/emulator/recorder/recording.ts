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
import type { Compositor } from "./compositor.ts";
import type { I420Frame } from "./i420.ts";
import { even, type Size } from "./layout.ts";
import { OutputFile } from "./output_file.ts";
import type { FrameScheduler, TimedFrame } from "./scheduler.ts";
import { Upload } from "./upload.ts";

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

/** What a recording uses of its worker. */
export interface RecordingContext {
  scheduler: FrameScheduler<I420Frame>;
  codecs: Codecs;
  /** Where the media of a stream is; null if the page does not have it. */
  mediaOf(stream: RecordedStream): { sourceId: string; audio: AudioSource } | null;
  compositorOf(size: Size): Compositor;
  /** Takes `started`, then `finished` or `failed`. */
  report(message: FromRecorder): void;
}

interface Part {
  name: string;
  file: OutputFile;
  size: Size;
  /** Position up to which audio was mixed. */
  mixedTo: number;
  lastFrameMs: number;
}

/** The recording of one archive. It reports its end, or ends by `discard()`. */
export class Recording {
  readonly #createdMs = performance.now();
  readonly #losses: Losses = { framesNotDelivered: 0, framesDropped: 0 };
  readonly #parts = new Map<string, Part>();
  readonly #started = Promise.withResolvers<void>();
  #startMs: number | null = null;
  #endMs = Infinity;
  #pausedAtMs: number | null = null;
  #resumedAtMs = -Infinity;
  /** Length of all pauses so far. */
  #pausedSamples = 0;
  #droppedAtMs = -Infinity;
  #isOver = false;

  /** @param streams in the order of their tiles */
  constructor(
    readonly request: RecordingRequest,
    public streams: readonly RecordedStream[],
    private readonly context: RecordingContext,
  ) {
    if (this.#isComposed) this.#addPart(COMPOSED_FILE, request, 0);
  }

  get #isComposed(): boolean {
    return this.request.outputMode === "composed";
  }

  /** Whether the first frame was recorded. */
  get hasStarted(): boolean {
    return this.#startMs !== null;
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
    return this.#isOver;
  }

  /** Sets the streams, in the order of their tiles. While `paused` nothing is written. */
  setStreams(streams: readonly RecordedStream[], paused: boolean): void {
    if (this.#endMs !== Infinity) return;
    this.pump(); // the audio of streams that leave
    this.streams = streams;
    if (paused) this.#pausedAtMs ??= performance.now();
    else if (this.#pausedAtMs !== null) this.#resume(this.#pausedAtMs);
  }

  #resume(pausedAtMs: number): void {
    this.#pausedAtMs = null;
    if (this.#startMs === null) return;
    this.#resumedAtMs = performance.now();
    const from = toSamples(Math.max(pausedAtMs, this.#startMs));
    const to = toSamples(this.#resumedAtMs);
    for (const part of this.#parts.values()) {
      this.#mix(part, from);
      part.mixedTo = to;
    }
    this.#pausedSamples += to - from;
  }

  /** Counts frames of a source that the browser did not deliver, if this recording shows it. */
  countMissing(sourceId: string, frames: number): void {
    const isShown = this.hasStarted && this.request.hasVideo && this.#pausedAtMs === null &&
      this.streams.some((stream) =>
        stream.hasVideo && this.context.mediaOf(stream)?.sourceId === sourceId
      );
    if (isShown) this.#losses.framesNotDelivered += frames;
  }

  #countDropped(frames: number): void {
    this.#losses.framesDropped += frames;
    this.#droppedAtMs = performance.now();
  }

  /** Records the frames of the time `atMs`. */
  tick(atMs: number): void {
    if (this.#isOver || !this.request.hasVideo) return;
    this.#beginIfReady(atMs);
    if (!this.#isWritten(atMs)) return;
    for (const part of this.#currentParts(atMs)) this.#addFrame(part, atMs);
  }

  /** Records the audio that is there; to be called about every 20 ms. */
  pump(): void {
    if (this.#isOver || this.#endMs !== Infinity) return;
    const nowMs = performance.now();
    if (!this.request.hasVideo) this.#beginIfReady(nowMs - SILENCE_LAG_MS);
    if (!this.hasStarted) return;
    for (const part of this.#currentParts(nowMs)) {
      const heardTo = Math.max(this.#heardTo(part), toSamples(nowMs - LATE_AUDIO_MS));
      const end = Math.min(heardTo, toSamples(this.#pausedAtMs ?? Infinity));
      this.#mix(part, part.mixedTo + BLOCK * Math.floor((end - part.mixedTo) / BLOCK));
    }
  }

  /** Records up to the present and uploads the rest. */
  async stop(): Promise<void> {
    await this.#started.promise;
    if (this.#endMs !== Infinity) return;
    const endMs = Math.min(performance.now(), this.#pausedAtMs ?? Infinity);
    this.#endMs = Math.max(endMs, (this.#startMs ?? 0) + SHORTEST_MS);
    const end = toSamples(this.#endMs);
    const isComplete = () =>
      (!this.request.hasVideo || this.context.scheduler.lastTickMs >= this.#endMs) &&
      [...this.#parts.values()].every((part) => this.#heardTo(part) >= end);
    while (!isComplete() && performance.now() < this.#endMs + LATE_MS) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      for (const part of this.#parts.values()) this.#mix(part, end);
      const files = await Promise.all(
        Array.from(this.#parts.values(), async ({ name, file }) => ({
          name,
          bytes: await file.finish(),
        })),
      );
      const { archiveId } = this.request;
      this.context.report({ type: "finished", archiveId, losses: this.losses, files });
    } catch (error) {
      this.fail(error);
    }
  }

  /** Stops, forgets everything, reports nothing. */
  discard(): void {
    this.#isOver = true;
    for (const { file } of this.#parts.values()) file.cancel();
  }

  /** Gives up because of an error. */
  fail(error: unknown): void {
    this.discard();
    const { archiveId } = this.request;
    this.context.report({ type: "failed", archiveId, message: String(error) });
  }

  #isWritten(atMs: number): boolean {
    return atMs >= Math.max(this.#startMs ?? Infinity, this.#resumedAtMs) &&
      atMs <= this.#endMs && atMs < (this.#pausedAtMs ?? Infinity);
  }

  #beginIfReady(atMs: number): void {
    if (this.hasStarted) return;
    const { archiveId, segment } = this.request;
    const waitMs = segment === 0 ? ASSEMBLE_MS : TAKE_OVER_MS;
    const isReady = performance.now() - this.#createdMs > waitMs ||
      this.streams.every((stream) => this.#isReady(stream, atMs));
    if (!isReady) return;
    this.#startMs = atMs;
    for (const part of this.#parts.values()) part.mixedTo = toSamples(atMs);
    const { codecs } = this.context;
    this.context.report({ type: "started", archiveId, startedAtMs: atMs, codecs });
    this.#started.resolve();
  }

  /** Whether the first frame and audio of a stream are there. */
  #isReady(stream: RecordedStream, atMs: number): boolean {
    const media = this.context.mediaOf(stream);
    const hasFrame = media !== null && this.context.scheduler.shown(media.sourceId) !== null;
    const hasAudio = (media?.audio.start ?? Infinity) <= toSamples(atMs);
    return (!this.request.hasVideo || !stream.hasVideo || hasFrame) &&
      (!this.request.hasAudio || !stream.hasAudio || hasAudio);
  }

  /** All files; that of an individual stream begins with its first frame and audio. */
  #currentParts(atMs: number): Iterable<Part> {
    if (!this.#isComposed && this.#isWritten(atMs)) {
      const isLate = atMs - (this.#startMs ?? atMs) > ASSEMBLE_MS;
      for (const stream of this.streams) {
        if (this.#parts.has(stream.streamId) || !(isLate || this.#isReady(stream, atMs))) continue;
        this.#addPart(stream.streamId, this.#frameOf(stream, atMs)?.frame ?? DEFAULT_SIZE, atMs);
      }
    }
    return this.#parts.values();
  }

  #addPart(name: string, { width, height }: Size, atMs: number): void {
    const { archiveId, segment, uploadToken, hasAudio, hasVideo } = this.request;
    const size = { width: even(width), height: even(height) };
    const file = new OutputFile({
      codecs: this.context.codecs,
      hasAudio,
      size: hasVideo ? size : null,
      upload: new Upload(uploadPath(archiveId, segment, name), uploadToken),
      onError: (error) => this.fail(error),
      onSkipped: (frames) => this.#countDropped(frames),
    });
    const part = { name, file, size, mixedTo: toSamples(atMs), lastFrameMs: -Infinity };
    this.#parts.set(name, part);
  }

  /** The streams that a file shows. */
  #streamsOf({ name }: Part): readonly RecordedStream[] {
    return this.#isComposed
      ? this.streams
      : this.streams.filter(({ streamId }) => streamId === name);
  }

  #frameOf(stream: RecordedStream, atMs: number): TimedFrame<I420Frame> | null {
    const media = this.context.mediaOf(stream);
    if (!stream.hasVideo || media === null) return null;
    const shown = this.context.scheduler.shown(media.sourceId);
    return shown !== null && atMs - shown.atMs < STALE_MS ? shown : null;
  }

  #addFrame(part: Part, tickMs: number): void {
    const streams = this.#streamsOf(part);
    let atMs = tickMs;
    if (!this.#isComposed) {
      const [stream] = streams;
      if (stream === undefined) return;
      // Every file has its own stream's frames at their own times.
      const shown = this.#frameOf(stream, tickMs);
      const isDue = shown?.isNew ?? tickMs >= part.lastFrameMs + PLACEHOLDER_EVERY_MS;
      if (!isDue && part.lastFrameMs > -Infinity) return;
      atMs = Math.max(shown?.atMs ?? tickMs, this.#startMs ?? tickMs, this.#resumedAtMs);
    }
    if (part.file.isOverloaded) return this.#countDropped(1);
    const tiles = streams.map((stream) => ({
      name: stream.name,
      frame: this.#frameOf(stream, tickMs)?.frame ?? null,
    }));
    part.lastFrameMs = Math.max(atMs, part.lastFrameMs + 1);
    const pausedMs = this.#pausedSamples * 1000 / SAMPLE_RATE;
    const mediaMs = part.lastFrameMs - (this.#startMs ?? 0) - pausedMs;
    part.file.addFrame(this.context.compositorOf(part.size).compose(tiles), mediaMs);
  }

  #audible(part: Part): AudioSource[] {
    return this.#streamsOf(part).flatMap((stream) =>
      stream.hasAudio ? this.context.mediaOf(stream)?.audio ?? [] : []
    );
  }

  /** The position up to which every source that delivers has delivered. */
  #heardTo(part: Part): number {
    const nowMs = performance.now();
    const ends = this.#audible(part)
      .filter(({ lastArrivalMs }) => nowMs - lastArrivalMs < LATE_AUDIO_MS)
      .flatMap(({ end }) => end ?? []);
    return Math.min(toSamples(ends.length > 0 ? nowMs : nowMs - SILENCE_LAG_MS), ...ends);
  }

  #mix(part: Part, to: number): void {
    const hasLeft = !this.#isComposed && this.#streamsOf(part).length === 0;
    if (!this.request.hasAudio || hasLeft) return;
    const zero = toSamples(this.#startMs ?? 0) + this.#pausedSamples;
    const sources = this.#audible(part);
    while (part.mixedTo < to) {
      const count = Math.min(BLOCK, to - part.mixedTo);
      part.file.addAudio(mix(sources, part.mixedTo, count), part.mixedTo - zero);
      part.mixedTo += count;
    }
  }
}
