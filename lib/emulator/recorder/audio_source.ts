/**
 * The audio of one stream, kept for the recordings to mix. Positions are samples at 48 kHz of the
 * worker's clock. Samples are counted: their timestamps jitter by up to 30 ms.
 */
import { ClockMap } from "./clock.ts";
import { readTrack } from "./track_reader.ts";

/** Samples a second of everything recorded. */
export const SAMPLE_RATE = 48_000;
/** Samples that a source keeps. */
const KEPT = 4 * SAMPLE_RATE;
/** Warm-up of an audio track's clock, ms; and where a recording has to go on at once. */
const WARM_UP_MS = 350;
const URGENT_WARM_UP_MS = 120;
/**
 * The first chunks of a transferred stream are stamped with the page's clock, which is ahead of the
 * worker's; later ones may be stamped with the worker's. So many are skipped; where stamps step back by
 * more than jitter, ms, the chunk follows the last one.
 */
const SKIPPED_CHUNKS = 15;
const STEP_BACK_MS = 40;
/** Counted and stamped positions may differ by less, samples: that is jitter or drift. */
const GAP_SAMPLES = 0.06 * SAMPLE_RATE;
/** A drift that is left alone, samples. */
const TOLERATED_SAMPLES = 0.001 * SAMPLE_RATE;
/** Weight of the newest stamp in the average drift. */
const DRIFT_WEIGHT = 0.02;

/** Position of a time of the worker's clock. */
export function toSamples(atMs: number): number {
  return Math.round(atMs * SAMPLE_RATE / 1000);
}

/** The audio of one stream. Its track may change. */
export class AudioSource {
  #clock = new ClockMap(WARM_UP_MS);
  #stop = () => {};
  readonly #left = new Float32Array(KEPT);
  readonly #right = new Float32Array(KEPT);
  #skipped = 0;
  #nextMediaMs = -Infinity;
  #steppedBackMs = 0;
  #start: number | null = null;
  #end: number | null = null;
  #drift = 0;
  #lastArrivalMs = -Infinity;

  /** Position of the first sample; null before it. */
  get start(): number | null {
    return this.#start;
  }

  /** Position after the last sample; null before the first. */
  get end(): number | null {
    return this.#end;
  }

  /** When the last chunk came, ms. */
  get lastArrivalMs(): number {
    return this.#lastArrivalMs;
  }

  /** Reads this track from now on; with the first usable clock map if that `isUrgent`. */
  read(readable: ReadableStream<AudioData>, isUrgent: boolean): void {
    this.close();
    this.#clock = new ClockMap(isUrgent ? URGENT_WARM_UP_MS : WARM_UP_MS);
    this.#skipped = 0;
    this.#nextMediaMs = -Infinity;
    this.#steppedBackMs = 0;
    this.#stop = readTrack(readable, (data) => this.#take(data, performance.now()));
  }

  /** Stops reading. */
  close(): void {
    this.#stop();
  }

  /** Adds the samples from position `from` on to two channels. */
  addTo(left: Float32Array, right: Float32Array, from: number): void {
    if (this.#end === null || this.#start === null) return;
    const first = Math.max(from, this.#start, this.#end - KEPT);
    const last = Math.min(from + left.length, this.#end);
    for (let position = first; position < last; position++) {
      const at = position % KEPT;
      left[position - from] = (left[position - from] ?? 0) + (this.#left[at] ?? 0);
      right[position - from] = (right[position - from] ?? 0) + (this.#right[at] ?? 0);
    }
  }

  #take(data: AudioData, nowMs: number): void {
    if (this.#skipped < SKIPPED_CHUNKS) return void (this.#skipped += 1);
    const stepMs = data.timestamp / 1000 + this.#steppedBackMs - this.#nextMediaMs;
    if (stepMs < -STEP_BACK_MS) this.#steppedBackMs -= stepMs;
    const mediaMs = data.timestamp / 1000 + this.#steppedBackMs;
    this.#nextMediaMs = mediaMs + data.duration / 1000;
    const atMs = this.#clock.toClock(mediaMs, nowMs);
    if (atMs === null) return;
    this.#lastArrivalMs = nowMs;
    const channels = Array.from({ length: Math.min(2, data.numberOfChannels) }, (_, planeIndex) => {
      const samples = new Float32Array(data.numberOfFrames);
      data.copyTo(samples, { planeIndex, format: "f32-planar" });
      return samples;
    });
    const count = Math.round(data.numberOfFrames * SAMPLE_RATE / data.sampleRate);
    this.#write(channels, this.#place(toSamples(atMs), count));
  }

  /** A chunk follows the last one unless its stamp shows a gap; drift is corrected by a sample. */
  #place(stamped: number, count: number): { start: number; count: number } {
    const difference = stamped - (this.#end ?? -Infinity);
    if (Math.abs(difference) > GAP_SAMPLES) {
      this.#drift = 0;
      return { start: stamped, count };
    }
    const start = stamped - difference;
    this.#drift += (difference - this.#drift) * DRIFT_WEIGHT;
    if (Math.abs(this.#drift) <= TOLERATED_SAMPLES) return { start, count };
    return { start, count: count + Math.sign(this.#drift) };
  }

  #write([left, right]: Float32Array[], { start, count }: { start: number; count: number }): void {
    if (left === undefined) return;
    this.#start ??= start;
    const end = this.#end ?? start;
    for (let position = Math.max(end, start - KEPT); position < start; position++) {
      this.#left[position % KEPT] = this.#right[position % KEPT] = 0;
    }
    // Where a stamp steps back, the samples that are here already stay.
    for (let i = Math.max(0, end - start); i < count; i++) {
      const at = (start + i) % KEPT;
      this.#left[at] = sampleAt(left, i, count);
      this.#right[at] = right === undefined ? this.#left[at] ?? 0 : sampleAt(right, i, count);
    }
    this.#end = Math.max(end, start + count);
  }
}

/** The sample at `i` when `samples` is stretched to `count`. */
function sampleAt(samples: Float32Array, i: number, count: number): number {
  if (samples.length === count) return samples[i] ?? 0;
  const at = i * (samples.length - 1) / Math.max(1, count - 1);
  const low = samples[Math.floor(at)] ?? 0;
  return low + ((samples[Math.floor(at) + 1] ?? low) - low) * (at % 1);
}

/** The sum of several sources from a position on: the left channel, then the right. */
export function mix(
  sources: readonly AudioSource[],
  from: number,
  count: number,
): Float32Array<ArrayBuffer> {
  const data = new Float32Array(2 * count);
  for (const source of sources) source.addTo(data.subarray(0, count), data.subarray(count), from);
  if (sources.length < 2) return data;
  for (let i = 0; i < data.length; i++) data[i] = Math.min(1, Math.max(-1, data[i] ?? 0));
  return data;
}
