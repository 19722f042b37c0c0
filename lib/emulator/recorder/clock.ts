/**
 * Media clocks: every track counts time from its own start. Frames are stamped by when they were
 * captured, not by when they arrived, so that overlapping recordings agree.
 */

/** A difference between capture and arrival that only a restarted media clock explains, ms. */
const JUMP_MS = 2_000;
/** Frames in a row that must show a jump before the clock is learned again. */
const JUMP_FRAMES = 30;

/**
 * Maps a track's media time to the worker's clock. The offset is that of the least delayed frame of
 * a warm-up (a minimum filter) and is kept afterwards.
 */
export class ClockMap {
  #offsetMs = Infinity;
  #firstArrivalMs: number | null = null;
  #isLearned = false;
  #jumpedFrames = 0;
  #hasJumped = false;

  constructor(private readonly warmUpMs: number) {}

  /** Capture time of a frame on the worker's clock, ms; null during the first warm-up. */
  toClock(mediaMs: number, arrivalMs: number): number | null {
    if (!this.#isLearned) {
      this.#firstArrivalMs ??= arrivalMs;
      this.#offsetMs = Math.min(this.#offsetMs, arrivalMs - mediaMs);
      this.#isLearned = arrivalMs - this.#firstArrivalMs >= this.warmUpMs;
      if (!this.#isLearned) return this.#hasJumped ? arrivalMs : null;
    }
    const atMs = mediaMs + this.#offsetMs;
    const isJump = Math.abs(arrivalMs - atMs) > JUMP_MS;
    this.#jumpedFrames = isJump ? this.#jumpedFrames + 1 : 0;
    if (this.#jumpedFrames >= JUMP_FRAMES) {
      this.#hasJumped = true;
      this.#jumpedFrames = 0;
      this.#isLearned = false;
      this.#firstArrivalMs = null;
      this.#offsetMs = Infinity;
    }
    return isJump ? arrivalMs : atMs;
  }
}

/** Unrolls RTP timestamps (32 bits, 90 kHz; RFC 3550, 5.1) into ms that never wrap. */
export class RtpClock {
  #last: number | null = null;
  #ticks = 0;

  /** Media time of an RTP timestamp, ms. */
  toMs(timestamp: number): number {
    this.#ticks += this.#last === null ? timestamp : (timestamp - this.#last) | 0;
    this.#last = timestamp;
    return this.#ticks / 90;
  }
}

/** Intervals that the usual frame interval is estimated from, and the fewest that suffice. */
const INTERVALS = 31;
const MIN_INTERVALS = 10;
/** After a late frame, this many intervals show whether frames are missing or follow at once. */
const WINDOW = 5;
const LATE_INTERVALS = 1.5;
/** A longer interval means that the camera was off, ms. */
const OFF_MS = 1_000;

/** Counts the frames that are missing between those of a track, from holes in their timestamps. */
export class HoleCounter {
  #lastMs = Infinity;
  #intervalsMs: number[] = [];
  #windowMs: number[] = [];

  /** Takes the media time of the next frame; returns how many turn out to be missing. */
  add(mediaMs: number): number {
    const intervalMs = mediaMs - this.#lastMs;
    this.#lastMs = mediaMs;
    if (!(intervalMs <= OFF_MS)) this.#windowMs = [];
    if (!(intervalMs > 0 && intervalMs <= OFF_MS)) return 0;
    const { length } = this.#intervalsMs;
    const usualMs = middleMean(this.#intervalsMs) ?? intervalMs;
    this.#intervalsMs = [...this.#intervalsMs, intervalMs].slice(-INTERVALS);
    const isLate = length >= MIN_INTERVALS && intervalMs > LATE_INTERVALS * usualMs;
    if (isLate || this.#windowMs.length > 0) this.#windowMs.push(intervalMs);
    if (this.#windowMs.length < WINDOW) return 0;
    const totalMs = this.#windowMs.reduce((a, b) => a + b);
    this.#windowMs = [];
    return Math.max(0, Math.round(totalMs / usualMs) - WINDOW);
  }
}

/** The mean of the middle half: neither jitter nor a few late frames change it. */
function middleMean(values: readonly number[]): number | null {
  const quarter = values.length >> 2;
  const middle = values.toSorted((a, b) => a - b).slice(quarter, values.length - quarter);
  return middle.length === 0 ? null : middle.reduce((a, b) => a + b) / middle.length;
}
