/**
 * Every microphone that this page records, on one clock: samples lie at their own times, and a
 * recording reads the sum of those it hears. Positions are samples at 48 kHz of the recorder's clock.
 */
import { ClockMap, soundWarmUpMs } from "./recorder_clock.ts";

/** Samples a second of everything recorded. */
export const sampleRate = 48_000;
/** What a microphone keeps, in samples: the longest that a mix may be late. */
const kept = 6 * sampleRate;
/** A smaller difference between counted and stamped time is corrected a sample at a time, samples. */
const driftSamples = 40 * sampleRate / 1000;
/** A difference that is left alone: stamps are rounded, samples. */
const tolerated = 0.5 * sampleRate / 1000;
/** Weight of the newest stamp in the average difference. */
const driftWeight = 0.05;

/** Position of a moment of the recorder's clock. */
export function toSamples(clockMs: number): number {
  return Math.round(clockMs * sampleRate / 1000);
}

/**
 * Audio data carry the time origin of the context that reads them, here the worker's; those captured
 * before the stream was transferred still carry the page's, which began earlier, and so seem to lie in
 * the future. They are not looked at, unless all of them are so for that long.
 */
const futureMs = 20;
const maxDiscarded = 300;

/** Tells the first data of a track, whose stamps are of another clock, from the rest. */
export class EarlySound {
  #discarded = 0;

  /** True for data that must not be looked at. */
  has(mediaMs: number, nowMs: number): boolean {
    if (mediaMs <= nowMs + futureMs || this.#discarded >= maxDiscarded) return false;
    this.#discarded += 1;
    return true;
  }
}

/** One microphone. */
export class AudioFeed {
  readonly #clock = new ClockMap(soundWarmUpMs);
  readonly #early = new EarlySound();
  readonly #left = new Float32Array(kept);
  readonly #right = new Float32Array(kept);
  #start: number | null = null;
  #end: number | null = null;
  #drift = 0;

  /** Position of the first sample that was here, or null before it. */
  get start(): number | null {
    return this.#start;
  }

  /** Position after the last sample that is here, or null before the first. */
  get end(): number | null {
    return this.#end;
  }

  /** Takes data that just arrived from this page's own track, and closes it. */
  push(data: AudioData): void {
    const nowMs = performance.now();
    const mediaMs = data.timestamp / 1000;
    if (!this.#early.has(mediaMs, nowMs)) {
      this.#clock.observe(mediaMs, nowMs);
      if (this.#clock.ready) {
        this.add(readChannels(data), data.sampleRate, this.#clock.toClock(mediaMs));
      }
    }
    data.close();
  }

  /** Takes sound of the moment `atMs` on the recorder's clock. */
  add([left, right]: Float32Array[], rate: number, atMs: number): void {
    if (left === undefined) return;
    const count = Math.round(left.length * sampleRate / rate);
    const { start, length } = this.#place(toSamples(atMs), count);
    this.#start ??= start;
    this.#write(start, length, left, right ?? left);
  }

  /** Adds this microphone's sound from position `from` on to `left` and `right`. */
  addTo(left: Float32Array, right: Float32Array, from: number): void {
    if (this.#end === null) return;
    const first = Math.max(from, this.#end - kept);
    const last = Math.min(from + left.length, this.#end);
    for (let position = first; position < last; position += 1) {
      const at = position % kept;
      left[position - from] = (left[position - from] ?? 0) + (this.#left[at] ?? 0);
      right[position - from] = (right[position - from] ?? 0) + (this.#right[at] ?? 0);
    }
  }

  /** Where data goes: after the last, as long as its stamp does not say otherwise. */
  #place(stamped: number, count: number): { start: number; length: number } {
    if (this.#end === null) {
      this.#end = stamped;
      return { start: stamped, length: count };
    }
    const difference = stamped - this.#end;
    if (Math.abs(difference) > driftSamples) {
      this.#drift = 0;
      return { start: stamped, length: count };
    }
    this.#drift += (difference - this.#drift) * driftWeight;
    if (Math.abs(this.#drift) <= tolerated) return { start: this.#end, length: count };
    return { start: this.#end, length: count + Math.sign(this.#drift) };
  }

  #write(start: number, length: number, left: Float32Array, right: Float32Array): void {
    const end = this.#end ?? start;
    for (let position = Math.max(end, start - kept); position < start; position += 1) {
      this.#left[position % kept] = this.#right[position % kept] = 0;
    }
    // Stamps that step back overlap what is here: what was heard first stays.
    for (let index = Math.max(0, end - start); index < length; index += 1) {
      const at = (start + index) % kept;
      this.#left[at] = sampleAt(left, index, length);
      this.#right[at] = sampleAt(right, index, length);
    }
    this.#end = Math.max(end, start + length);
  }
}

/** The samples of every channel, two at most. */
export function readChannels(data: AudioData): Float32Array<ArrayBuffer>[] {
  return Array.from({ length: Math.min(2, data.numberOfChannels) }, (_, planeIndex) => {
    const samples = new Float32Array(data.numberOfFrames);
    data.copyTo(samples, { planeIndex, format: "f32-planar" });
    return samples;
  });
}

/** The sample at `index` when `samples` is stretched to `length`. */
function sampleAt(samples: Float32Array, index: number, length: number): number {
  if (samples.length === length) return samples[index] ?? 0;
  const position = index * (samples.length - 1) / Math.max(1, length - 1);
  const below = Math.floor(position);
  const low = samples[below] ?? 0;
  const high = samples[below + 1] ?? low;
  return low + (high - low) * (position - below);
}

/** The sum of several microphones from position `from` on, kept within full scale. */
export function mix(
  feeds: AudioFeed[],
  from: number,
  length: number,
): { left: Float32Array; right: Float32Array } {
  const left = new Float32Array(length);
  const right = new Float32Array(length);
  for (const feed of feeds) feed.addTo(left, right, from);
  for (const channel of [left, right]) {
    for (let index = 0; index < length; index += 1) {
      channel[index] = Math.min(1, Math.max(-1, channel[index] ?? 0));
    }
  }
  return { left, right };
}
