/** One recording: it encodes the composed picture and the mixed sound into a WebM and uploads it. */
import {
  AudioSample,
  AudioSampleSource,
  EncodedPacket,
  EncodedVideoPacketSource,
  Output,
  Quality,
  StreamTarget,
  WebMOutputFormat,
} from "mediabunny";
import { type AudioFeed, mix, sampleRate, toSamples } from "./recorder_audio.ts";
import type { ComposedRecording, EncodedPicture, Studio } from "./recorder_encoder.ts";
import type { Picture } from "./recorder_grid.ts";
import type { RecordingOptions, Tile } from "./recorder_messages.ts";
import { Uploader } from "./recorder_upload.ts";
import type { Ticker } from "./recorder_ticker.ts";

/** Samples encoded at once: 20 ms, one Opus frame. */
const blockSamples = 960;
/** How long the mix waits for a microphone that is late (a busy machine), ms. */
const patienceMs = 2_000;
/** How far in the past an archive without picture begins: its first sound is surely there, ms. */
const audioLagMs = 200;
/** Longest wait for every stream's first picture and sound, ms. */
const assembleMs = 3_000;
/** How long the last pictures and sound are waited for, ms; longer while late ones keep coming. */
const tailMs = 2_000;
const backlogMs = 12_000;

/** A recording that runs. */
export class ArchiveRecording implements ComposedRecording {
  tiles: Tile[] = [];
  /** Settles when the file is whole at the platform; the value is the number of dropped frames. */
  readonly finished: Promise<number>;
  readonly #uploader: Uploader;
  readonly #settled = Promise.withResolvers<number>();
  readonly #bornMs = performance.now();
  #output: Output | null = null;
  #video: EncodedVideoPacketSource | null = null;
  #audio: AudioSampleSource | null = null;
  #epochMs: number | null = null;
  #mixedTo = 0;
  /** Pictures in the order of their moments, with those that came out of an encoder. */
  #expected: { atMs: number; picture: EncodedPicture | null | undefined }[] = [];
  #dropped = 0;
  #droppedBefore: number;
  /** Nothing later than this belongs to the recording. */
  #endMs = Infinity;
  /** True once nothing is encoded any more. */
  #stopping = false;

  constructor(
    readonly options: RecordingOptions,
    private readonly ticker: Ticker,
    private readonly studio: Studio,
    private readonly microphones: ReadonlyMap<string, AudioFeed>,
    private readonly onStarted: (epochMs: number) => void,
  ) {
    this.finished = this.#settled.promise;
    this.#uploader = new Uploader(options.uploadUrl, options.uploadToken);
    this.#uploader.done.catch((error) => this.#settled.reject(error));
    this.#droppedBefore = ticker.dropped;
  }

  /** Width of the picture asked for, pixels. */
  get width(): number {
    return this.options.width;
  }

  /** Height of the picture asked for, pixels. */
  get height(): number {
    return this.options.height;
  }

  /** A moment of the call, on the recorder's clock; true if a picture of it is wanted. */
  tick(atMs: number): boolean {
    if (this.#stopping || atMs > this.#endMs || !this.options.hasVideo) return false;
    if (this.#epochMs === null && this.#assembled(atMs)) this.#begin(atMs);
    return this.#video !== null;
  }

  /** A picture will come, or turn out to be skipped. */
  expect(atMs: number): void {
    this.#expected.push({ atMs, picture: undefined });
  }

  /** The encoder is too far behind. */
  drop(): void {
    this.#dropped += 1;
  }

  /** Takes a picture; encoders may deliver out of step, the file is written in order. */
  take(atMs: number, picture: EncodedPicture | null): void {
    const asked = this.#expected.find((each) => each.atMs === atMs);
    if (asked !== undefined) asked.picture = picture;
    for (let next = this.#expected[0]; next !== undefined; next = this.#expected[0]) {
      if (next.picture === undefined) return;
      this.#expected.shift();
      if (next.picture === null) this.#dropped += 1;
      else this.#write(next.atMs, next.picture);
    }
  }

  /** What is shown now. */
  pictures(): Picture[] {
    return this.tiles.map(({ name, hasVideo, videoFeed }) => ({
      name,
      feed: videoFeed,
      planes: hasVideo && videoFeed !== null
        ? this.ticker.feeds.get(videoFeed)?.shown ?? null
        : null,
    }));
  }

  /** Encodes the sound that is there. */
  pump(): void {
    if (this.#endMs !== Infinity) return;
    const nowMs = performance.now();
    if (this.#epochMs === null) {
      const atMs = nowMs - audioLagMs;
      if (!this.options.hasVideo && this.#assembled(atMs)) this.#begin(atMs);
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
      await this.#waitFor(endMs);
      this.#stopping = true;
      await this.studio.leave(this);
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
    this.studio.leave(this).catch(() => {}); // its failure is what brought us here
    this.#uploader.close();
    this.#settled.reject(error);
    if (this.#output?.state === "started") this.#output.cancel().catch(() => {});
  }

  /** True once everybody who sends something is seen and heard at `atMs`, or was waited for long enough. */
  #assembled(atMs: number): boolean {
    if (performance.now() - this.#bornMs > assembleMs) return true;
    return this.tiles.every((tile) =>
      (!tile.hasVideo || !this.options.hasVideo || this.#seen(tile.videoFeed)) &&
      (!tile.hasAudio || !this.options.hasAudio || this.#heard(tile.audioFeed, atMs))
    );
  }

  #seen(feed: string | null): boolean {
    return feed !== null && (this.ticker.feeds.get(feed)?.shown ?? null) !== null;
  }

  #heard(feed: string | null, atMs: number): boolean {
    const start = feed === null ? null : this.microphones.get(feed)?.start ?? null;
    return start !== null && start <= toSamples(atMs);
  }

  /** Media time 0 is `epochMs`. */
  #begin(epochMs: number): void {
    this.#epochMs = epochMs;
    this.#mixedTo = toSamples(epochMs);
    const target = new StreamTarget(
      new WritableStream({ write: ({ data }) => this.#uploader.write(data) }),
    );
    const output = new Output({ format: new WebMOutputFormat({ appendOnly: true }), target });
    if (this.options.hasVideo) {
      this.#video = new EncodedVideoPacketSource("vp8");
      output.addVideoTrack(this.#video);
    }
    if (this.options.hasAudio) {
      this.#audio = new AudioSampleSource({
        codec: "opus",
        quality: new Quality({ bitrate: 96_000 }),
      });
      output.addAudioTrack(this.#audio);
    }
    this.#output = output;
    output.start().catch((error) => this.fail(error));
    this.onStarted(performance.timeOrigin + epochMs);
  }

  #write(atMs: number, { chunk, decoderConfig }: EncodedPicture): void {
    if (this.#video === null || this.#epochMs === null) return;
    const data = new Uint8Array(chunk.byteLength);
    chunk.copyTo(data);
    const timestamp = (atMs - this.#epochMs) / 1000;
    const packet = new EncodedPacket(data, chunk.type, timestamp, 1 / 30);
    this.#video.add(packet, { decoderConfig }).catch((error) => this.fail(error));
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

  /** Takes what belongs to the time up to a moment, waiting a little for it to arrive. */
  async #waitFor(endMs: number): Promise<void> {
    const end = toSamples(endMs);
    const complete = () =>
      (this.#audio === null || this.#heardTo(performance.now()) >= end) &&
      (this.#video === null || !this.ticker.isBehind(endMs));
    const limitMs = () => endMs + (this.ticker.isBehind(endMs) ? backlogMs : tailMs);
    while (!complete() && performance.now() < limitMs()) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      this.ticker.look();
    }
    this.#mixTo(end);
  }
}
