/** One recording: it encodes the composed picture and the mixed sound into a WebM and uploads it. */
import {
  AudioSample,
  AudioSampleSource,
  Output,
  Quality,
  StreamTarget,
  VideoSample,
  VideoSampleSource,
  WebMOutputFormat,
} from "mediabunny";
import { type AudioFeed, mix, sampleRate, toSamples } from "./recorder_audio.ts";
import { Grid } from "./recorder_grid.ts";
import type { RecordingOptions, Tile } from "./recorder_messages.ts";
import { Uploader } from "./recorder_upload.ts";
import type { Ticker } from "./recorder_video.ts";

/** Seconds between two key frames: where a player can enter, and where a seam can lie. */
const keyFrameSeconds = 2;
/** Samples encoded at once: 20 ms, one Opus frame. */
const blockSamples = 960;
/** How long the mix waits for a microphone that is late (a busy machine), ms. */
const patienceMs = 2_000;
/** How far in the past an archive without picture begins: its first sound is surely there, ms. */
const audioLagMs = 200;
/** Pictures that may wait for a busy encoder, at most two seconds; more are dropped and counted. */
const maxWaiting = 60;
/** Memory that they may take, bytes. */
const maxWaitingBytes = 100_000_000;
/** Longest wait for every stream's first picture and sound, ms. */
const assembleMs = 2_500;
/** How long the end of the sound is waited for, ms. */
const tailMs = 1_000;

/** Bits per second of the composed picture: a tenth of a bit a pixel at 30 fps, within bounds. */
function videoBitrate(width: number, height: number): number {
  return Math.min(4_000_000, Math.max(600_000, Math.round(width * height * 30 * 0.13)));
}

/** A recording that runs. */
export class ArchiveRecording {
  tiles: Tile[] = [];
  /** Settles when the file is whole at the platform; the value is the number of dropped frames. */
  readonly finished: Promise<number>;
  readonly #grid: Grid | null;
  readonly #uploader: Uploader;
  readonly #settled = Promise.withResolvers<number>();
  readonly #bornMs = performance.now();
  #output: Output | null = null;
  #video: VideoSampleSource | null = null;
  #audio: AudioSampleSource | null = null;
  #epochMs: number | null = null;
  #mixedTo = 0;
  /** Timestamps of the pictures that the encoder has not delivered yet, seconds. */
  #waiting: number[] = [];
  #dropped = 0;
  #droppedBefore: number;
  /** Nothing later than this belongs to the recording. */
  #endMs = Infinity;
  /** True once nothing is encoded any more. */
  #stopping = false;

  constructor(
    readonly options: RecordingOptions,
    private readonly ticker: Ticker,
    private readonly microphones: ReadonlyMap<string, AudioFeed>,
    private readonly onStarted: (epochMs: number) => void,
  ) {
    this.finished = this.#settled.promise;
    this.#grid = options.hasVideo ? new Grid(options.width, options.height) : null;
    this.#uploader = new Uploader(options.uploadUrl, options.uploadToken);
    this.#uploader.done.catch((error) => this.#settled.reject(error));
    this.#droppedBefore = ticker.dropped;
  }

  /** A moment of the call: its pictures are drawn and encoded. `atMs` is on the recorder's clock. */
  tick(atMs: number): void {
    if (this.#stopping || atMs > this.#endMs) return;
    if (this.#epochMs === null) {
      if (!this.#assembled()) return;
      this.#begin(atMs);
    }
    if (this.#grid === null || this.#video === null || this.#epochMs === null) return;
    const { width, height } = this.#grid.canvas;
    const limit = Math.min(maxWaiting, Math.floor(maxWaitingBytes / (4 * width * height)));
    if (this.#waiting.length >= limit) {
      this.#dropped += 1;
      return;
    }
    this.#grid.draw(this.#pictures());
    const timestamp = (atMs - this.#epochMs) / 1000;
    const sample = new VideoSample(this.#grid.canvas, { timestamp, duration: 1 / 30 });
    this.#waiting.push(timestamp);
    this.#video.add(sample).catch((error) => this.fail(error)).finally(() => sample.close());
  }

  /** Encodes the sound that is there. */
  pump(): void {
    if (this.#endMs !== Infinity) return;
    const nowMs = performance.now();
    if (this.#epochMs === null) {
      if (!this.options.hasVideo && this.#assembled()) this.#begin(nowMs - audioLagMs);
      return;
    }
    this.#mixTo(Math.max(this.#heardTo(nowMs), toSamples(nowMs - patienceMs)));
  }

  /** Ends the recording with the present moment and uploads what is left. */
  async stop(): Promise<void> {
    if (this.#endMs !== Infinity) return;
    const endMs = this.#endMs = performance.now();
    try {
      if (this.#epochMs === null) throw new Error("Record in this page: stopped before it began");
      if (this.#audio !== null) await this.#hearTo(endMs);
      this.#stopping = true;
      await this.#output?.finalize();
      this.#uploader.close();
      await this.#uploader.done;
      this.#settled.resolve(this.#dropped + this.ticker.dropped - this.#droppedBefore);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Gives the recording up. */
  fail(error: unknown): void {
    this.#stopping = true;
    this.#uploader.close();
    this.#settled.reject(error);
    if (this.#output?.state === "started") this.#output.cancel().catch(() => {});
  }

  /** True once everybody who sends something is seen and heard, or was waited for long enough. */
  #assembled(): boolean {
    if (performance.now() - this.#bornMs > assembleMs) return true;
    return this.tiles.every((tile) =>
      (!tile.hasVideo || !this.options.hasVideo || this.#seen(tile.videoFeed)) &&
      (!tile.hasAudio || !this.options.hasAudio || this.#heard(tile.audioFeed))
    );
  }

  #seen(feed: string | null): boolean {
    return feed !== null && (this.ticker.feeds.get(feed)?.shown ?? null) !== null;
  }

  #heard(feed: string | null): boolean {
    return feed !== null && (this.microphones.get(feed)?.end ?? null) !== null;
  }

  /** Media time 0 is `epochMs`. */
  #begin(epochMs: number): void {
    this.#epochMs = epochMs;
    this.#mixedTo = toSamples(epochMs);
    const target = new StreamTarget(
      new WritableStream({ write: ({ data }) => this.#uploader.write(data) }),
    );
    const output = new Output({ format: new WebMOutputFormat({ appendOnly: true }), target });
    if (this.#grid !== null) {
      const { width, height } = this.#grid.canvas;
      this.#video = new VideoSampleSource({
        codec: "vp8",
        quality: new Quality({ bitrate: videoBitrate(width, height) }),
        keyFrameInterval: keyFrameSeconds,
        latencyMode: "realtime",
        // An encoder may skip pictures: one that comes out settles all before it.
        onEncodedPacket: ({ timestamp }) => {
          this.#waiting = this.#waiting.filter((waiting) => waiting > timestamp + 0.000_5);
        },
      });
      output.addVideoTrack(this.#video);
    }
    if (this.options.hasAudio) {
      this.#audio = new AudioSampleSource({
        codec: "opus",
        quality: new Quality({ bitrate: 96_000 }),
      });
      output.addAudioTrack(this.#audio);
    }
    const wallMs = performance.timeOrigin + epochMs;
    this.#output = output;
    output.start().catch((error) => this.fail(error));
    this.onStarted(wallMs);
  }

  #pictures(): { name: string; frame: VideoFrame | null }[] {
    return this.tiles.map((tile) => ({
      name: tile.name,
      frame: tile.hasVideo && tile.videoFeed !== null
        ? this.ticker.feeds.get(tile.videoFeed)?.shown ?? null
        : null,
    }));
  }

  #audible(): AudioFeed[] {
    return this.tiles.flatMap((tile) =>
      tile.hasAudio && tile.audioFeed !== null ? this.microphones.get(tile.audioFeed) ?? [] : []
    );
  }

  /** The position up to which every microphone that delivers has delivered. */
  #heardTo(nowMs: number): number {
    return Math.min(toSamples(nowMs), ...this.#audible().flatMap(({ end }) => end ?? []));
  }

  #mixTo(end: number): void {
    if (this.#audio === null || this.#epochMs === null) return;
    const epoch = toSamples(this.#epochMs);
    const feeds = this.#audible();
    for (; this.#mixedTo + blockSamples <= end; this.#mixedTo += blockSamples) {
      const { left, right } = mix(feeds, this.#mixedTo, blockSamples);
      const data = new Float32Array(2 * blockSamples);
      data.set(left, 0);
      data.set(right, blockSamples);
      const sample = new AudioSample({
        data,
        format: "f32-planar",
        numberOfChannels: 2,
        sampleRate,
        timestamp: (this.#mixedTo - epoch) / sampleRate,
      });
      this.#audio.add(sample).catch((error) => this.fail(error)).finally(() => sample.close());
    }
  }

  /** Mixes up to a moment, waiting a little for its sound to arrive. */
  async #hearTo(endMs: number): Promise<void> {
    const end = toSamples(endMs);
    while (this.#heardTo(performance.now()) < end && performance.now() < endMs + tailMs) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#mixTo(end);
  }
}
