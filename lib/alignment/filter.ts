/** Making sounds comparable: one sampling rate, every frequency of the same weight. */
import { at, fft, padded, powerOfTwo } from "./fft.ts";

/** Zero crossings of the interpolating function on each side. */
const HALF_WIDTH = 12;
/** Values of the interpolating function between two zero crossings. */
const STEPS = 64;

/**
 * The same sound at another sampling rate, band-limited to the lower of both; the first sample stays
 * at its time.
 */
export function resample(samples: Float32Array, fromHz: number, toHz: number): Float32Array {
  if (fromHz === toHz) return samples;
  const cutoff = 0.9 * Math.min(1, toHz / fromHz);
  const reach = Math.ceil(HALF_WIDTH / cutoff);
  const kernel = Float64Array.from({ length: HALF_WIDTH * STEPS + 2 }, (_, i) => {
    const x = i / STEPS;
    if (x === 0) return cutoff;
    if (x >= HALF_WIDTH) return 0;
    const window = 0.5 + 0.5 * Math.cos(Math.PI * x / HALF_WIDTH);
    return cutoff * window * Math.sin(Math.PI * x) / (Math.PI * x);
  });
  const out = new Float32Array(Math.floor(samples.length * toHz / fromHz));
  for (let n = 0; n < out.length; n++) {
    const centre = n * fromHz / toHz;
    const [first, last] = [Math.ceil(centre - reach), Math.floor(centre + reach)];
    let sum = 0;
    for (let i = Math.max(0, first); i <= Math.min(samples.length - 1, last); i++) {
      const x = Math.abs(i - centre) * cutoff * STEPS;
      const k = Math.floor(x);
      const [left, right] = [kernel[k] ?? 0, kernel[k + 1] ?? 0];
      sum += (samples[i] ?? 0) * (left + (x - k) * (right - left));
    }
    out[n] = sum;
  }
  return out;
}

/** What is weaker than this share of the mean is noise of no interest. */
const FLOOR = 0.05;

/**
 * Gives the frequencies between `lowHz` and `highHz` about the same weight, and removes the others.
 * Moves nothing in time. Hum, and a voice's own pitch, would make every lag look like its neighbour.
 */
export function whiten(
  samples: Float32Array,
  sampleRate: number,
  { lowHz, highHz, smoothHz }: { lowHz: number; highHz: number; smoothHz: number },
): Float32Array {
  const size = powerOfTwo(samples.length);
  const re = padded(samples, size);
  const im = new Float64Array(size);
  fft(re, im);
  const half = size / 2;
  const perHz = size / sampleRate;
  const [low, high] = [Math.ceil(lowHz * perHz), Math.min(half - 1, Math.floor(highHz * perHz))];
  const before = new Float64Array(half + 1);
  for (let k = 0; k < half; k++) {
    const inside = k >= low && k <= high;
    before[k + 1] = at(before, k) + (inside ? Math.hypot(at(re, k), at(im, k)) : 0);
  }
  const floor = FLOOR * at(before, half) / Math.max(1, high - low + 1);
  const reach = Math.max(1, Math.round(smoothHz * perHz / 2));
  for (let k = 0; k <= half; k++) {
    const [from, to] = [Math.max(low, k - reach), Math.min(high + 1, k + reach + 1)];
    const mean = (at(before, to) - at(before, from)) / Math.max(1, to - from);
    const gain = k >= low && k <= high && mean + floor > 0 ? 1 / (mean + floor) : 0;
    re[k] = at(re, k) * gain;
    im[k] = at(im, k) * gain;
    // The transform of a real series is mirrored.
    if (k === 0 || k === half) continue;
    re[size - k] = at(re, k);
    im[size - k] = -at(im, k);
  }
  fft(re, im, true);
  return new Float32Array(re.subarray(0, samples.length));
}
