/**
 * Every camera that this page records, on one clock. The pictures that belong together are chosen
 * once for all recordings, so that two that overlap agree to the frame; and they are chosen by their
 * moments, not by when they happened to arrive: a busy machine composes later, but the same.
 */
import type { Planes } from "./recorder_planes.ts";
import type { VideoFeed } from "./recorder_video.ts";

/** Pictures that a camera may be ahead of the ticks. */
const maxQueued = 3;
/** How long pictures wait for those of a camera that is late, ms; then it is not waited for. */
const patienceMs = 2_000;
/** Pictures of one camera that may wait so. */
const maxArrived = 120;
/** How far behind the present ticks without a camera are stamped, ms. */
const lagMs = 150;
/** Ticks a second in the long run, and at once. */
const maxTicksPerSecond = 60;
const tickBurst = 12;

/** Ticks with the first camera that is shown somewhere; every tick takes one picture of each. */
export class Ticker {
  readonly feeds = new Map<string, VideoFeed>();
  /** The cameras that some recording shows, in the order of their tiles. */
  #visible: VideoFeed[] = [];
  #dropped = 0;
  #lastTickMs = -Infinity;
  #tokens = tickBurst;

  constructor(
    private readonly onTick: (atMs: number) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Pictures lost so far, most because they came faster than they could be shown. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Counts pictures that were lost on their way here. */
  lost(pictures: number): void {
    this.#dropped += pictures;
  }

  /** The moment up to which every camera that delivers has delivered, ms. */
  get #knownToMs(): number {
    const nowMs = this.now();
    const live = this.#live(nowMs).map(({ lastAtMs }) => lastAtMs);
    return Math.max(nowMs - patienceMs, Math.min(nowMs, ...live));
  }

  /** Whether pictures of moments before this one are still coming, however late. */
  isBehind(atMs: number): boolean {
    return this.#live(this.now()).some(({ lastAtMs }) => lastAtMs < atMs);
  }

  /** Says which cameras are shown now, first tile first. */
  show(ids: string[]): void {
    this.#visible = ids.flatMap((id) => this.feeds.get(id) ?? []);
    for (const feed of this.feeds.values()) {
      if (!this.#visible.includes(feed)) feed.clear();
    }
  }

  /** Takes a picture of the moment `atMs`, in the order of its feed. */
  add(feed: VideoFeed, planes: Planes, atMs: number): void {
    if (!this.#visible.includes(feed)) return feed.giveBack(planes);
    feed.arrived.push({ planes, atMs });
    feed.lastAtMs = atMs;
    feed.lastArrivalMs = this.now();
    if (feed.arrived.length > maxArrived) this.#takeTurn(feed);
    this.#takeTurns();
  }

  /** To be called ten times a second: keeps recordings going while a camera, or all, deliver nothing. */
  look(): void {
    const nowMs = this.now();
    this.#takeTurns();
    if (this.#live(nowMs).length === 0) this.#tick(nowMs - lagMs);
  }

  #live(nowMs: number): VideoFeed[] {
    return this.#visible.filter(({ lastArrivalMs }) => nowMs - lastArrivalMs < patienceMs);
  }

  /** Gives every picture its turn whose moment is wholly known, in the order of their moments. */
  #takeTurns(): void {
    const toMs = this.#knownToMs;
    for (;;) {
      const [first, ...others] = this.#visible.filter(({ arrived: [next] }) =>
        next !== undefined && next.atMs <= toMs
      );
      if (first === undefined) return;
      this.#takeTurn(others.reduce((a, b) => nextMs(b) < nextMs(a) ? b : a, first));
    }
  }

  #takeTurn(feed: VideoFeed): void {
    const next = feed.arrived.shift();
    if (next === undefined) return;
    feed.lastTurnMs = next.atMs;
    feed.queue.push(next);
    if (feed.queue.length > maxQueued) {
      const [lost] = feed.queue.splice(0, 1);
      if (lost !== undefined) feed.giveBack(lost.planes);
      this.#dropped += 1;
    }
    const leader = this.#visible.find(({ lastTurnMs }) => next.atMs - lastTurnMs < patienceMs);
    if (feed !== leader && feed.queue.length < maxQueued) return;
    this.#tick(feed.queue[0]?.atMs ?? next.atMs);
  }

  #tick(atMs: number): void {
    const earned = (atMs - this.#lastTickMs) * maxTicksPerSecond / 1000;
    const tokens = Math.min(tickBurst, this.#tokens + Math.max(0, earned));
    if (tokens < 1) return;
    this.#tokens = tokens - 1;
    this.#lastTickMs = Math.max(atMs, this.#lastTickMs + 1);
    for (const feed of this.#visible) feed.advance();
    this.onTick(this.#lastTickMs);
  }
}

function nextMs({ arrived: [next] }: VideoFeed): number {
  return next?.atMs ?? Infinity;
}
