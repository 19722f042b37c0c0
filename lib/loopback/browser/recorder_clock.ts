/**
 * One track's media clock on the recorder's clock. Frames are stamped by when they were captured, not
 * by when they happened to arrive.
 */

/** Warm-up of a microphone's clock, and of a camera's, ms. */
export const soundWarmUpMs = 350;
const pictureWarmUpMs = 500;
/** A jump of the media clock is believed when that many frames in a row say so. */
const jumpFrames = 30;
/** What counts as a jump, ms. */
const jumpMs = 2_000;

/**
 * Maps media time to the recorder's clock by the least delayed arrival of a warm-up (a minimum
 * filter), and keeps that map afterwards.
 */
export class ClockMap {
  #offsetMs = Infinity;
  #firstArrivalMs: number | null = null;
  #ready = false;
  #jumped = 0;

  constructor(private readonly warmUpMs: number) {}

  /** True once the warm-up is over. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Learns of a frame: its media time and when it arrived, both in ms. */
  observe(mediaMs: number, arrivalMs: number): void {
    if (this.#ready) return this.#check(mediaMs, arrivalMs);
    this.#firstArrivalMs ??= arrivalMs;
    this.#offsetMs = Math.min(this.#offsetMs, arrivalMs - mediaMs);
    this.#ready = arrivalMs - this.#firstArrivalMs >= this.warmUpMs;
  }

  /** The recorder's time of a media time, ms. */
  toClock(mediaMs: number): number {
    return mediaMs + this.#offsetMs;
  }

  /** A source that starts over (another camera behind the same track) gets a new map. */
  #check(mediaMs: number, arrivalMs: number): void {
    if (Math.abs(arrivalMs - this.toClock(mediaMs)) < jumpMs) this.#jumped = 0;
    else if (++this.#jumped >= jumpFrames) {
      this.#ready = false;
      this.#firstArrivalMs = null;
      this.#offsetMs = Infinity;
      this.#jumped = 0;
    }
  }
}

/** Unrolls a counter of 32 bits at 90 kHz (RTP, RFC 3550 5.1) into ms without end. */
export class RtpClock {
  #last: number | null = null;
  #ticks = 0;

  /** Media time of an RTP timestamp, ms. */
  toMs(timestamp: number): number {
    if (this.#last !== null) this.#ticks += (timestamp - this.#last) | 0;
    else this.#ticks = timestamp;
    this.#last = timestamp;
    return this.#ticks / 90;
  }
}

/** A camera's clock: the moments of its frames. */
export class CameraClock {
  readonly #map = new ClockMap(pictureWarmUpMs);
  readonly #rtp = new RtpClock();

  /** When a frame that arrived at `nowMs` was captured, ms; null during the warm-up. */
  moment(frame: VideoFrame, nowMs: number): number | null {
    const rtpTimestamp = readRtpTimestamp(frame);
    const mediaMs = rtpTimestamp === undefined
      ? frame.timestamp / 1000
      : this.#rtp.toMs(rtpTimestamp);
    this.#map.observe(mediaMs, nowMs);
    return this.#map.ready ? this.#map.toClock(mediaMs) : null;
  }
}

/** `VideoFrame.metadata()` (WebCodecs' registry of frame metadata), which TypeScript does not know. */
function readRtpTimestamp(frame: VideoFrame): number | undefined {
  const read: unknown = Reflect.get(frame, "metadata");
  if (typeof read !== "function") return undefined;
  const metadata: unknown = read.call(frame);
  if (typeof metadata !== "object" || metadata === null) return undefined;
  const timestamp: unknown = Reflect.get(metadata, "rtpTimestamp");
  return typeof timestamp === "number" ? timestamp : undefined;
}
