/**
 * Decides when a frame of the recordings is composed and which frame of each source it shows. One
 * scheduler serves all recordings of a page: overlapping recordings show the same frames at the
 * same times.
 */

/** Frames that a source may have waiting; more are dropped, oldest first. */
const MAX_WAITING = 3;
/** Frames of one source that wait at most for a slower source. */
const PATIENT_FRAMES = 2;
/** A source without a frame for so long is not waited for, ms. */
const LIVE_MS = 500;
/**
 * Ticks a second in the long run, and at once: a worker that had no turn for a second gets all the frames
 * of that second at once, of two cameras one after the other.
 */
const MAX_TICKS_PER_SECOND = 60;
const TICK_BURST = 60;
/** Without any live source: time between two ticks, and how far they are behind the present, ms. */
const IDLE_TICK_MS = 100;
const IDLE_LAG_MS = 100;

/** A frame and when it was captured, ms on the worker's clock. */
export interface TimedFrame<Frame> {
  frame: Frame;
  atMs: number;
  /** True if the current tick is the first that shows it. */
  isNew: boolean;
}

interface Source<Frame> {
  waiting: TimedFrame<Frame>[];
  shown: TimedFrame<Frame> | null;
  lastArrivalMs: number;
}

/** What a scheduler reports. */
export interface SchedulerEvents<Frame> {
  /** Compose now; `atMs` rises strictly. */
  onTick(atMs: number): void;
  /** A frame was dropped because frames came too fast. */
  onDrop(sourceId: string): void;
  /** A frame is not needed any more. */
  release(frame: Frame): void;
}

/**
 * Ticks when every live source has a frame, or when one source is ahead by a frame. Every tick
 * takes one frame of each source. So the output follows the fastest source and loses no frame.
 */
export class FrameScheduler<Frame> {
  /** In the order of the tiles. */
  #sources = new Map<string, Source<Frame>>();
  #lastTickMs = -Infinity;
  #tokens = TICK_BURST;
  #tokensAtMs = 0;

  constructor(
    private readonly events: SchedulerEvents<Frame>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Time of the last tick, ms. */
  get lastTickMs(): number {
    return this.#lastTickMs;
  }

  /** Sets the sources that some recording shows, in a stable order. */
  setSources(ids: readonly string[]): void {
    const sources = new Map(ids.map((id) => [id, this.#sources.get(id) ?? newSource<Frame>()]));
    for (const [id, { waiting, shown }] of this.#sources) {
      if (sources.has(id)) continue;
      for (const { frame } of waiting) this.events.release(frame);
      if (shown !== null) this.events.release(shown.frame);
    }
    this.#sources = sources;
  }

  /** Takes the next frame of a source. */
  add(id: string, frame: Frame, atMs: number): void {
    const source = this.#sources.get(id);
    if (source === undefined) return this.events.release(frame);
    source.lastArrivalMs = this.now();
    source.waiting.push({ frame, atMs, isNew: true });
    if (source.waiting.length > MAX_WAITING) {
      const [dropped] = source.waiting.splice(0, 1);
      if (dropped !== undefined) this.events.release(dropped.frame);
      this.events.onDrop(id);
    }
    this.#tickWhileDue();
  }

  /** To be called about every 20 ms: recordings go on while no source delivers. */
  poll(): void {
    this.#tickWhileDue();
    const idleMs = this.now() - IDLE_LAG_MS;
    const isDue = this.#live().length === 0 && idleMs >= this.#lastTickMs + IDLE_TICK_MS;
    if (isDue) this.#tick(idleMs);
  }

  /** The frame that a source shows now. */
  shown(id: string): TimedFrame<Frame> | null {
    return this.#sources.get(id)?.shown ?? null;
  }

  #live(): Source<Frame>[] {
    const sinceMs = this.now() - LIVE_MS;
    return [...this.#sources.values()].filter(({ lastArrivalMs }) => lastArrivalMs > sinceMs);
  }

  #tickWhileDue(): void {
    while (this.#isDue() && this.#takeToken()) this.#tick();
  }

  #isDue(): boolean {
    const live = this.#live();
    return live.length > 0 && live.every(({ waiting }) => waiting.length > 0) ||
      live.some(({ waiting }) => waiting.length >= PATIENT_FRAMES);
  }

  #takeToken(): boolean {
    const nowMs = this.now();
    const earned = (nowMs - this.#tokensAtMs) * MAX_TICKS_PER_SECOND / 1000;
    this.#tokens = Math.min(TICK_BURST, this.#tokens + earned);
    this.#tokensAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Shows the next frame of every source, at the capture time of the first that has one. */
  #tick(fallbackMs = this.#lastTickMs): void {
    let atMs: number | null = null;
    for (const source of this.#sources.values()) {
      const next = source.waiting.shift();
      if (next === undefined) {
        if (source.shown !== null) source.shown.isNew = false;
        continue;
      }
      atMs ??= next.atMs;
      if (source.shown !== null) this.events.release(source.shown.frame);
      source.shown = next;
    }
    this.#lastTickMs = Math.max(atMs ?? fallbackMs, this.#lastTickMs + 1);
    this.events.onTick(this.#lastTickMs);
  }
}

function newSource<Frame>(): Source<Frame> {
  return { waiting: [], shown: null, lastArrivalMs: -Infinity };
}
