/** The video of one stream: reads the frames of its track and passes them to the scheduler. */
import { ClockMap, HoleCounter, RtpClock } from "./clock.ts";
import { copyFrame, type I420Frame } from "./i420.ts";

/** Warm-up of a camera's clock, ms. */
const WARM_UP_MS = 500;
/** The same where a recording has to go on at once. */
const URGENT_WARM_UP_MS = 120;

/** What becomes of a stream's frames. */
export interface VideoSourceEvents {
  /** A frame that was captured at `atMs` of the worker's clock. */
  onFrame(frame: I420Frame, atMs: number): void;
  /** Frames that the browser did not deliver. */
  onMissing(frames: number): void;
}

/** The video of one stream. Its track may change. */
export class VideoSource {
  #clock = new ClockMap(WARM_UP_MS);
  #rtp = new RtpClock();
  #holes = new HoleCounter();
  #reader: ReadableStreamDefaultReader<unknown> | null = null;
  #width = 0;

  constructor(private readonly events: VideoSourceEvents) {}

  /** Reads this track from now on; with the first usable clock map if that `isUrgent`. */
  read(readable: ReadableStream<unknown>, isUrgent: boolean): void {
    this.close();
    this.#clock = new ClockMap(isUrgent ? URGENT_WARM_UP_MS : WARM_UP_MS);
    this.#rtp = new RtpClock();
    this.#holes = new HoleCounter();
    const reader = readable.getReader();
    this.#reader = reader;
    void this.#run(reader);
  }

  /** Stops reading. */
  close(): void {
    this.#reader?.cancel().catch(() => {}); // the track has ended
    this.#reader = null;
  }

  async #run(reader: ReadableStreamDefaultReader<unknown>): Promise<void> {
    for (;;) {
      const { done, value } = await reader.read().catch(() => ({ done: true, value: null }));
      if (done) return;
      if (!(value instanceof VideoFrame)) continue;
      const atMs = this.#stamp(value);
      // Chromium lends two frames of a camera at a time: they are copied and returned at once.
      const frame = atMs === null ? null : await copyFrame(value).catch(() => null);
      value.close();
      if (atMs === null || reader !== this.#reader) continue;
      if (frame === null) this.events.onMissing(1);
      else this.events.onFrame(frame, atMs);
    }
  }

  #stamp(frame: VideoFrame): number | null {
    const rtpTimestamp = readRtpTimestamp(frame);
    const mediaMs = rtpTimestamp === null ? frame.timestamp / 1000 : this.#rtp.toMs(rtpTimestamp);
    if (frame.displayWidth !== this.#width) this.#holes = new HoleCounter();
    this.#width = frame.displayWidth;
    const missing = this.#holes.add(mediaMs);
    if (missing > 0) this.events.onMissing(missing);
    return this.#clock.toClock(mediaMs, performance.now());
  }
}

/** `VideoFrame.metadata()`, which TypeScript's library does not know. */
function readRtpTimestamp(frame: VideoFrame): number | null {
  const read: unknown = Reflect.get(frame, "metadata");
  const metadata: unknown = typeof read === "function" ? read.call(frame) : null;
  if (typeof metadata !== "object" || metadata === null) return null;
  const timestamp: unknown = Reflect.get(metadata, "rtpTimestamp");
  return typeof timestamp === "number" ? timestamp : null;
}
