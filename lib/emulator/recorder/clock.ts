/** Every track counts time from its own start; overlapping recordings agree on when it was captured. */

/** A difference between capture and arrival that only a restarted media clock explains, ms. */
const JUMP_MS = 2_000;
/** Frames in a row that must show a jump before the clock is learned again. */
const JUMP_FRAMES = 30;

/** Maps a track's media time to the worker's clock by the least delayed frame of a warm-up. */
export class ClockMap {
  #offsetMs = Infinity;
  #learnedAtMs: number | null = null;
  #jumpOffsetMs = Infinity;
  #jumpedFrames = 0;

  constructor(private readonly warmUpMs: number) {}

  /** Capture time of a frame on the worker's clock, ms; null during the warm-up. */
  toClock(mediaMs: number, arrivalMs: number): number | null {
    const offsetMs = arrivalMs - mediaMs;
    this.#learnedAtMs ??= arrivalMs + this.warmUpMs;
    if (arrivalMs < this.#learnedAtMs) {
      this.#offsetMs = Math.min(this.#offsetMs, offsetMs);
      return null;
    }
    if (Math.abs(offsetMs - this.#offsetMs) <= JUMP_MS) {
      this.#jumpedFrames = 0;
      this.#jumpOffsetMs = Infinity;
      return mediaMs + this.#offsetMs;
    }
    this.#jumpOffsetMs = Math.min(this.#jumpOffsetMs, offsetMs);
    if (++this.#jumpedFrames >= JUMP_FRAMES) this.#offsetMs = this.#jumpOffsetMs;
    return arrivalMs;
  }
}

/** Unrolls RTP timestamps (32 bits, 90 kHz; RFC 3550, 5.1) into ms that never wrap. */
export class RtpClock {
  #last = 0;
  #ticks = 0;

  /** Media time of an RTP timestamp, ms. */
  toMs(timestamp: number): number {
    this.#ticks += (timestamp - this.#last) | 0;
    this.#last = timestamp;
    return this.#ticks / 90;
  }
}

/** Intervals that the usual frame interval is estimated from, and the fewest that suffice. */
const INTERVALS = 31;
const MIN_INTERVALS = 10;
/** A longer interval means that the camera was off, ms. */
const OFF_MS = 1_000;
/** Share of the way to the nearest whole number that the count goes with every frame: no drift. */
const STEADY = 0.05;

/** Counts the frames that are missing between those of a track, from holes in their timestamps. */
export class HoleCounter {
  #lastMs = Infinity;
  #intervalsMs: number[] = [];
  #missing = 0;

  /** Takes a frame's media time; returns how many more are missing, less than 0 if one was late. */
  add(mediaMs: number): number {
    const intervalMs = mediaMs - this.#lastMs;
    this.#lastMs = mediaMs;
    if (!(intervalMs > 0 && intervalMs <= OFF_MS)) return 0;
    this.#intervalsMs = [...this.#intervalsMs, intervalMs].slice(-INTERVALS);
    const known = this.#intervalsMs.length;
    if (known < MIN_INTERVALS) return 0;
    const usualMs = middleMean(this.#intervalsMs);
    const before = Math.round(this.#missing);
    // The first intervals are counted when there are enough.
    for (const each of this.#intervalsMs.slice(known === MIN_INTERVALS ? 0 : -1)) {
      this.#missing += each / usualMs - 1;
      this.#missing += (Math.round(this.#missing) - this.#missing) * STEADY;
    }
    return Math.round(this.#missing) - before;
  }
}

/** The mean of the middle half: neither jitter nor a few late frames change it. */
function middleMean(values: readonly number[]): number {
  const quarter = values.length >> 2;
  const middle = values.toSorted((a, b) => a - b).slice(quarter, values.length - quarter);
  return middle.reduce((a, b) => a + b) / middle.length;
}
