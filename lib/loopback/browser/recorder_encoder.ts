/**
 * Composes and encodes pictures. Recordings that show the same share one encoder: two that overlap in
 * a handover cost no more than one, and hold the very same pictures.
 */
import { Grid, type Picture } from "./recorder_grid.ts";

/** Time between two key frames: where a player can enter, and where a seam can lie, ms. */
const keyFrameEveryMs = 2_000;
/** Pictures that may wait for a busy encoder; more are dropped. */
const maxWaiting = 240;
/** Memory that they may take, bytes. */
const maxWaitingBytes = 100_000_000;

/** A picture that came out of an encoder. */
export interface EncodedPicture {
  chunk: EncodedVideoChunk;
  decoderConfig: VideoDecoderConfig | undefined;
}

/** Who takes an encoder's pictures. */
export interface PictureTaker {
  /** Called for every picture asked for, in order; null for one that was skipped. */
  take(atMs: number, picture: EncodedPicture | null): void;
  fail(error: unknown): void;
}

function toMicroseconds(ms: number): number {
  return Math.round(ms * 1000);
}

/** Bits per second of the composed picture: about an eighth of a bit a pixel, within bounds. */
function bitrate(width: number, height: number): number {
  return Math.min(4_000_000, Math.max(600_000, Math.round(width * height * 30 * 0.13)));
}

/** One composed picture, encoded once for all who show the same. */
export class PictureEncoder {
  readonly #grid: Grid;
  readonly #encoder: VideoEncoder;
  readonly #limit: number;
  #waiting: { atMs: number; takers: PictureTaker[] }[] = [];
  #keyFrameAtMs = -Infinity;
  #decoderConfig: VideoDecoderConfig | undefined;

  constructor(width: number, height: number) {
    this.#grid = new Grid(width, height);
    const { width: composedWidth, height: composedHeight } = this.#grid;
    this.#limit = Math.min(
      maxWaiting,
      Math.floor(maxWaitingBytes / (1.5 * composedWidth * composedHeight)),
    );
    this.#encoder = new VideoEncoder({
      output: (chunk, metadata) => this.#deliver(chunk, metadata?.decoderConfig),
      error: (error) => this.#fail(error),
    });
    this.#encoder.configure({
      codec: "vp8",
      width: composedWidth,
      height: composedHeight,
      bitrate: bitrate(composedWidth, composedHeight),
      framerate: 30,
      latencyMode: "realtime",
    });
  }

  /**
   * Encodes the pictures of one moment for `takers`; `fresh` if one of them has none yet, and so
   * needs a key frame. False if the encoder is too far behind: then nobody gets anything.
   */
  encode(atMs: number, pictures: Picture[], takers: PictureTaker[], fresh: boolean): boolean {
    if (this.#waiting.length >= this.#limit || this.#encoder.state !== "configured") return false;
    const keyFrame = fresh || atMs - this.#keyFrameAtMs >= keyFrameEveryMs;
    if (keyFrame) this.#keyFrameAtMs = atMs;
    const frame = this.#grid.compose(pictures, atMs);
    this.#waiting.push({ atMs, takers });
    this.#encoder.encode(frame, { keyFrame });
    frame.close();
    return true;
  }

  /** Resolves when everything asked for so far was delivered. */
  async flush(): Promise<void> {
    const last = this.#waiting.at(-1);
    if (this.#encoder.state === "configured") await this.#encoder.flush();
    if (last !== undefined) this.#settleBefore(toMicroseconds(last.atMs) + 1);
  }

  /** Ends the encoder; what waits is delivered first. */
  async close(): Promise<void> {
    await this.flush().catch((error) => this.#fail(error));
    if (this.#encoder.state !== "closed") this.#encoder.close();
  }

  #deliver(chunk: EncodedVideoChunk, decoderConfig: VideoDecoderConfig | undefined): void {
    this.#decoderConfig = decoderConfig ?? this.#decoderConfig;
    // An encoder may skip pictures: one that comes out settles all before it.
    this.#settleBefore(chunk.timestamp);
    const asked = this.#waiting.shift();
    if (asked === undefined) return;
    const picture = { chunk, decoderConfig: this.#decoderConfig };
    for (const taker of asked.takers) taker.take(asked.atMs, picture);
  }

  #settleBefore(timestamp: number): void {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      if (toMicroseconds(first.atMs) >= timestamp) return;
      this.#waiting.shift();
      for (const taker of first.takers) taker.take(first.atMs, null);
    }
  }

  #fail(error: unknown): void {
    for (const taker of new Set(this.#waiting.flatMap(({ takers }) => takers))) taker.fail(error);
    this.#waiting = [];
  }
}

/** A recording that takes composed pictures. */
export interface ComposedRecording extends PictureTaker {
  readonly width: number;
  readonly height: number;
  /** What it shows now, tile by tile. */
  pictures(): Picture[];
  /** A picture was asked for: it or its absence will be taken later. */
  expect(atMs: number): void;
  /** A picture could not be asked for: the encoder is too far behind. */
  drop(): void;
}

/** Finds out at every tick which recordings show the same, and encodes that once. */
export class Studio {
  readonly #encoders = new Map<ComposedRecording, PictureEncoder>();
  /** Recordings without a picture of their encoder yet: they need a key frame first. */
  readonly #fresh = new Set<ComposedRecording>();

  /** Composes one moment for everybody. */
  compose(atMs: number, recordings: ComposedRecording[]): void {
    const claimed = new Set<PictureEncoder>();
    for (const members of Map.groupBy(recordings, sceneOf).values()) {
      const [first] = members;
      if (first === undefined) continue;
      const encoder = members.map((member) => this.#encoders.get(member))
        .find((known) => known !== undefined && !claimed.has(known)) ??
        new PictureEncoder(first.width, first.height);
      claimed.add(encoder);
      for (const member of members) this.#assign(member, encoder);
      const fresh = members.some((member) => this.#fresh.has(member));
      const asked = encoder.encode(atMs, first.pictures(), members, fresh);
      for (const member of members) {
        if (asked) this.#fresh.delete(member);
        if (asked) member.expect(atMs);
        else member.drop();
      }
    }
  }

  /** A recording ends: resolves when all its pictures were delivered. */
  async leave(recording: ComposedRecording): Promise<void> {
    const encoder = this.#encoders.get(recording);
    this.#encoders.delete(recording);
    this.#fresh.delete(recording);
    if (encoder === undefined) return;
    await (this.#uses(encoder) ? encoder.flush() : encoder.close());
  }

  #assign(recording: ComposedRecording, encoder: PictureEncoder): void {
    const previous = this.#encoders.get(recording);
    if (previous === encoder) return;
    this.#encoders.set(recording, encoder);
    this.#fresh.add(recording);
    if (previous !== undefined && !this.#uses(previous)) void previous.close();
  }

  #uses(encoder: PictureEncoder): boolean {
    return [...this.#encoders.values()].includes(encoder);
  }
}

/** Names what a recording shows: equal for recordings whose pictures are the same. */
function sceneOf(recording: ComposedRecording): string {
  const tiles = recording.pictures().map(({ name, feed, planes }) =>
    planes === null ? name : [feed]
  );
  return JSON.stringify([recording.width, recording.height, tiles]);
}
