/** Reads the tracks that the page opens. Positions are samples at 48 kHz of the worker's clock. */
import { ClockMap, HoleCounter, RtpClock } from "./clock.ts";
import { copyFrame, type I420Frame } from "./i420.ts";

/** Samples a second of everything recorded. */
export const SAMPLE_RATE = 48_000;
/** Samples that a source keeps. */
const KEPT = 4 * SAMPLE_RATE;
/** Stamps begin on the page's clock; where they step back, to the worker's, a chunk follows the last. */
const STEP_BACK_MS = 40;
/** Counted and stamped positions may differ by less, samples: that is jitter or drift. */
const GAP_SAMPLES = 0.06 * SAMPLE_RATE;
/** A drift that is left alone, samples. */
const TOLERATED_SAMPLES = 0.001 * SAMPLE_RATE;
/** Weight of the newest stamp in the average drift. */
const DRIFT_WEIGHT = 0.02;

/** Passes every frame or chunk of a track to `take` and closes it afterwards, while it is needed. */
async function readTrack<Data extends { close(): void }>(
  readable: ReadableStream<Data>,
  isNeeded: () => boolean,
  take: (data: Data) => Promise<void> | void,
): Promise<void> {
  const reader = readable.getReader();
  for (;;) {
    const { value } = await reader.read().catch(() => ({ value: undefined })); // it has ended
    if (value === undefined) return;
    if (isNeeded()) await take(value);
    else reader.cancel().catch(() => {}); // it has ended meanwhile
    value.close();
  }
}

/** TypeScript's library does not know the metadata. */
type WebRtcFrame = VideoFrame & { metadata?(): { rtpTimestamp?: number } };

/**
 * Reads a video track while it is needed.
 *
 * @param onFrame takes a frame that was captured at `atMs` of the worker's clock
 * @param onMissing takes how many were not delivered; less than 0 if some were only late
 */
export function readVideo(
  readable: ReadableStream<WebRtcFrame>,
  isNeeded: () => boolean,
  warmUpMs: number,
  onFrame: (frame: I420Frame, atMs: number) => void,
  onMissing: (frames: number) => void,
): void {
  const clock = new ClockMap(warmUpMs);
  const rtp = new RtpClock();
  const holes = new HoleCounter();
  void readTrack(readable, isNeeded, async (frame) => {
    const { rtpTimestamp } = frame.metadata?.() ?? {};
    const mediaMs = rtpTimestamp === undefined ? frame.timestamp / 1000 : rtp.toMs(rtpTimestamp);
    onMissing(holes.add(mediaMs));
    const atMs = clock.toClock(mediaMs, performance.now());
    if (atMs === null) return;
    // Chromium lends two frames of a camera at a time: they are copied and returned at once.
    const copy = await copyFrame(frame).catch(() => null);
    if (copy === null) onMissing(1);
    else onFrame(copy, atMs);
  });
}

/** Position of a time of the worker's clock. */
export function toSamples(atMs: number): number {
  return Math.round(atMs * SAMPLE_RATE / 1000);
}

/** The audio of one stream, whose track may change. Samples are counted: stamps jitter by 30 ms. */
export class AudioSource {
  /** Position of the first sample; Infinity before it. */
  start = Infinity;
  /** Position after the last sample; -Infinity before the first. */
  end = -Infinity;
  readonly #left = new Float32Array(KEPT);
  readonly #right = new Float32Array(KEPT);
  #drift = 0;

  /** Reads a track while it is needed. */
  read(readable: ReadableStream<AudioData>, isNeeded: () => boolean, warmUpMs: number): void {
    const clock = new ClockMap(warmUpMs);
    let steppedBackMs = 0;
    let nextMediaMs = -Infinity;
    void readTrack(readable, isNeeded, (data) => {
      let mediaMs = data.timestamp / 1000 + steppedBackMs;
      if (mediaMs < nextMediaMs - STEP_BACK_MS) {
        steppedBackMs += nextMediaMs - mediaMs;
        mediaMs = nextMediaMs;
      }
      nextMediaMs = mediaMs + data.duration / 1000;
      const atMs = clock.toClock(mediaMs, performance.now());
      if (atMs !== null) this.#write(data, toSamples(atMs));
    });
  }

  /** Adds the samples from position `from` on to the halves of `data`: left, then right. */
  addTo(data: Float32Array, from: number): void {
    const count = data.length / 2;
    const last = Math.min(from + count, this.end);
    for (let position = Math.max(from, this.end - KEPT); position < last; position++) {
      const i = position - from;
      data[i] = (data[i] ?? 0) + (this.#left[position % KEPT] ?? 0);
      data[count + i] = (data[count + i] ?? 0) + (this.#right[position % KEPT] ?? 0);
    }
  }

  /** A chunk follows the last one unless its stamp shows a gap; drift is corrected by a sample. */
  #write(data: AudioData, stamped: number): void {
    const gap = stamped - this.end;
    const isGap = Math.abs(gap) > GAP_SAMPLES;
    const start = isGap ? stamped : this.end;
    let count = Math.round(data.numberOfFrames * SAMPLE_RATE / data.sampleRate);
    this.#drift = isGap ? 0 : this.#drift + (gap - this.#drift) * DRIFT_WEIGHT;
    if (Math.abs(this.#drift) > TOLERATED_SAMPLES) count += Math.sign(this.#drift);
    if (this.start === Infinity) this.start = start;
    for (let position = Math.max(this.end, start - KEPT); position < start; position++) {
      this.#left[position % KEPT] = this.#right[position % KEPT] = 0;
    }
    const samples = new Float32Array(data.numberOfFrames);
    for (const [planeIndex, channel] of [this.#left, this.#right].entries()) {
      // Mono is heard on both sides.
      if (planeIndex < data.numberOfChannels) {
        data.copyTo(samples, { planeIndex, format: "f32-planar" });
      }
      // Where a stamp steps back, the samples that are here already stay.
      for (let i = Math.max(0, this.end - start); i < count; i++) {
        channel[(start + i) % KEPT] = sampleAt(samples, i, count);
      }
    }
    this.end = Math.max(this.end, start + count);
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
export function mix(sources: readonly AudioSource[], from: number, count: number) {
  const data = new Float32Array(2 * count);
  for (const source of sources) source.addTo(data, from);
  return sources.length < 2 ? data : data.map((sample) => Math.min(1, Math.max(-1, sample)));
}
