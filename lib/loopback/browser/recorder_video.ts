/**
 * Every camera that this page records, on one clock. The pictures that belong together are chosen
 * once for all recordings, so that two that overlap agree to the frame.
 */
import * as z from "zod";
import { ClockMap, RtpClock } from "./recorder_clock.ts";

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
const maxTicksPerSecond = 40;
const tickBurst = 8;

const frameMetadata = z.object({ rtpTimestamp: z.number().optional() });

/** One camera. */
export class VideoFeed {
  /** The frame that is shown now. */
  shown: VideoFrame | null = null;
  /** Frames that wait for a tick. */
  readonly queue: { frame: VideoFrame; atMs: number }[] = [];
  readonly clock = new ClockMap(warmUpMs);
  readonly #rtp = new RtpClock();
  lastArrivalMs = -Infinity;

  /** Media time of a frame, ms. */
  mediaMs(frame: VideoFrame): number {
    const rtpTimestamp = readRtpTimestamp(frame);
    return rtpTimestamp === undefined ? frame.timestamp / 1000 : this.#rtp.toMs(rtpTimestamp);
  }

  /** Shows the next frame, if one waits. */
  advance(): void {
    const next = this.queue.shift();
    if (next === undefined) return;
    this.shown?.close();
    this.shown = next.frame;
  }

  /** Forgets all frames. */
  clear(): void {
    this.shown?.close();
    this.shown = null;
    for (const { frame } of this.queue.splice(0)) frame.close();
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

  /** Takes a frame that just arrived. */
  push(feed: VideoFeed, frame: VideoFrame): void {
    const nowMs = performance.now();
    const mediaMs = feed.mediaMs(frame);
    feed.clock.observe(mediaMs, nowMs);
    feed.lastArrivalMs = nowMs;
    if (!feed.clock.ready || !this.#visible.includes(feed)) return frame.close();
    const atMs = feed.clock.toClock(mediaMs);
    feed.queue.push({ frame, atMs });
    if (feed.queue.length > maxQueued) {
      feed.queue.shift()?.frame.close();
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
