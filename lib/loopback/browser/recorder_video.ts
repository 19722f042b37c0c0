/**
 * Every camera that this page records, on one clock. The pictures that belong together are chosen
 * once for all recordings, so that two that overlap agree to the frame.
 */
import * as z from "zod";
import { ClockMap, RtpClock } from "./recorder_clock.ts";
import { copyPlanes, type Planes } from "./recorder_planes.ts";

/** Frames that a camera may be ahead of the ticks. */
const maxQueued = 3;
/** Warm-up of a camera's clock, ms. */
const warmUpMs = 500;
/** Without a frame for that long a camera leads no more, ms; a busy machine may be late by less. */
const stallMs = 1_000;
/** Time between two ticks of the timer, ms. */
const timerMs = 100;
/** How far behind the present the timer's ticks are stamped: room for frames that come late, ms. */
const timerLagMs = 150;
/** Ticks a second in the long run, and at once. */
const maxTicksPerSecond = 60;
const tickBurst = 12;

const frameMetadata = z.object({ rtpTimestamp: z.number().optional() });

/** One camera. */
export class VideoFeed {
  /** The picture that is shown now. */
  shown: Planes | null = null;
  /** Pictures that wait for a tick. */
  readonly queue: { planes: Planes; atMs: number }[] = [];
  /** Memory of pictures that are done with. */
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];
  readonly clock = new ClockMap(warmUpMs);
  readonly #rtp = new RtpClock();
  lastArrivalMs = -Infinity;

  /** Media time of a frame, ms. */
  mediaMs(frame: VideoFrame): number {
    const rtpTimestamp = readRtpTimestamp(frame);
    return rtpTimestamp === undefined ? frame.timestamp / 1000 : this.#rtp.toMs(rtpTimestamp);
  }

  /** Copies a frame and closes it: the camera lends only a few. */
  async copy(frame: VideoFrame): Promise<Planes> {
    try {
      return await copyPlanes(frame, this.#spare.pop());
    } finally {
      frame.close();
    }
  }

  /** Shows the next picture, if one waits. */
  advance(): void {
    const next = this.queue.shift();
    if (next === undefined) return;
    this.#recycle(this.shown);
    this.shown = next.planes;
  }

  /** Drops the picture that waits longest. */
  dropFirst(): void {
    this.#recycle(this.queue.shift()?.planes);
  }

  /** Forgets all pictures. */
  clear(): void {
    this.shown = null;
    this.queue.length = 0;
    this.#spare.length = 0;
  }

  #recycle(planes: Planes | null | undefined): void {
    if (planes && this.#spare.length <= maxQueued) this.#spare.push(planes.data);
  }
}

/** `VideoFrame.metadata()` (WebCodecs' registry of frame metadata), which TypeScript does not know. */
function readRtpTimestamp(frame: VideoFrame): number | undefined {
  const read: unknown = Reflect.get(frame, "metadata");
  if (typeof read !== "function") return undefined;
  return frameMetadata.safeParse(read.call(frame)).data?.rtpTimestamp;
}

/** Ticks with the first camera that is shown somewhere; every tick takes one frame of each. */
export class Ticker {
  readonly feeds = new Map<string, VideoFeed>();
  /** The cameras that some recording shows, in the order of their tiles. */
  #visible: VideoFeed[] = [];
  #dropped = 0;
  #lastTickMs = -Infinity;
  #lastTickAtMs = performance.now();
  #tokens = tickBurst;

  constructor(private readonly onTick: (atMs: number) => void) {
    setInterval(() => this.#onTimer(), timerMs);
  }

  /** Frames lost so far because they came faster than they could be shown. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Says which cameras are shown now, first tile first. */
  show(ids: string[]): void {
    this.#visible = ids.flatMap((id) => this.feeds.get(id) ?? []);
    for (const feed of this.feeds.values()) {
      if (!this.#visible.includes(feed)) feed.clear();
    }
  }

  /** Takes a frame that just arrived; one feed's frames one after the other. */
  async push(feed: VideoFeed, frame: VideoFrame): Promise<void> {
    const nowMs = performance.now();
    const mediaMs = feed.mediaMs(frame);
    feed.clock.observe(mediaMs, nowMs);
    feed.lastArrivalMs = nowMs;
    if (!feed.clock.ready || !this.#visible.includes(feed)) return frame.close();
    const atMs = feed.clock.toClock(mediaMs);
    // A frame that cannot be read (its camera has just gone) is one lost frame, not a lost recording.
    const planes = await feed.copy(frame).catch(() => null);
    if (planes === null) this.#dropped += 1;
    if (planes === null || !this.#visible.includes(feed)) return;
    feed.queue.push({ planes, atMs });
    if (feed.queue.length > maxQueued) {
      feed.dropFirst();
      this.#dropped += 1;
    }
    const leads = feed === this.#leader(nowMs);
    if (leads || feed.queue.length >= maxQueued) this.#tick(feed.queue[0]?.atMs ?? atMs, nowMs);
  }

  #leader(nowMs: number): VideoFeed | undefined {
    return this.#visible.find((feed) => feed.clock.ready && nowMs - feed.lastArrivalMs < stallMs);
  }

  #tick(atMs: number, nowMs: number): void {
    const earned = (nowMs - this.#lastTickAtMs) * maxTicksPerSecond / 1000;
    const tokens = Math.min(tickBurst, this.#tokens + earned);
    if (tokens < 1) return;
    this.#tokens = tokens - 1;
    this.#lastTickAtMs = nowMs;
    this.#lastTickMs = Math.max(atMs, this.#lastTickMs + 1);
    for (const feed of this.#visible) feed.advance();
    this.onTick(this.#lastTickMs);
  }

  /** Keeps a recording going while no camera delivers. */
  #onTimer(): void {
    const nowMs = performance.now();
    if (this.#leader(nowMs) === undefined) this.#tick(nowMs - timerLagMs, nowMs);
  }
}
