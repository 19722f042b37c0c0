/** Decides when a frame is composed and which frame of each source it shows. */

/** Frames of one source that wait at most for a slower source. */
const PATIENT_FRAMES = 2;
/** A source without a frame for so long is not waited for, ms. */
const LIVE_MS = 500;
/** Without any live source: time between two ticks, and how far they are behind the present, ms. */
const IDLE_MS = 100;

/** A frame and when it was captured, ms on the worker's clock. */
export interface TimedFrame<Frame> {
  frame: Frame;
  atMs: number;
}

interface Source<Frame> {
  waiting: TimedFrame<Frame>[];
  shown: TimedFrame<Frame> | null;
  lastArrivalMs: number;
}

/**
 * Ticks when every live source has a frame, or when one is ahead by a frame, and takes one frame of
 * each: the output follows the fastest source and loses no frame. All recordings of a page share it.
 */
export class FrameScheduler<Frame> {
  /** Time of the last tick, ms. */
  lastTickMs = -Infinity;
  readonly #sources = new Map<string, Source<Frame>>();

  /** @param onTick composes now; `atMs` rises strictly */
  constructor(
    private readonly onTick: (atMs: number) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** The frame that a source shows now. */
  shown(id: string): TimedFrame<Frame> | null {
    return this.#sources.get(id)?.shown ?? null;
  }

  /** Takes the next frame of a source, which may be new. */
  add(id: string, frame: Frame, atMs: number): void {
    const source = this.#sources.get(id) ?? { waiting: [], shown: null, lastArrivalMs: 0 };
    this.#sources.set(id, source);
    source.lastArrivalMs = this.now();
    source.waiting.push({ frame, atMs });
    this.poll();
  }

  /** To be called about every 20 ms: recordings go on while no source delivers. */
  poll(): void {
    while (this.#isDue()) this.#tick();
    const idleMs = this.now() - IDLE_MS;
    if (this.#live().length === 0 && idleMs >= this.lastTickMs + IDLE_MS) this.#tick(idleMs);
  }

  #live(): Source<Frame>[] {
    const sinceMs = this.now() - LIVE_MS;
    return [...this.#sources.values()].filter(({ lastArrivalMs }) => lastArrivalMs > sinceMs);
  }

  #isDue(): boolean {
    const live = this.#live();
    return live.length > 0 && live.every(({ waiting }) => waiting.length > 0) ||
      live.some(({ waiting }) => waiting.length >= PATIENT_FRAMES);
  }

  /** Shows the next frame of every source, at the capture time of the first that has one. */
  #tick(fallbackMs = this.lastTickMs): void {
    let atMs: number | null = null;
    for (const source of this.#sources.values()) {
      const next = source.waiting.shift();
      if (next === undefined) continue;
      atMs ??= next.atMs;
      source.shown = next;
    }
    this.lastTickMs = Math.max(atMs ?? fallbackMs, this.lastTickMs + 1);
    this.onTick(this.lastTickMs);
  }
}
