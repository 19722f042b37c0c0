/** Finding where one series of numbers lies against another. */
import { at, fft, padded, powerOfTwo } from "./fft.ts";

/** One or more channels over the same time, each with a mean of 0. */
export type Series = readonly Float32Array[];

/** Which lags are looked at, in samples: `earlier[t + lag]` is held against `later[t]`. */
export interface Search {
  minLag: number;
  maxLag: number;
  /** Shorter overlaps than this say nothing. */
  minOverlap: number;
  /** Lags this near to the best are the same peak. */
  peakWidth: number;
  /** How many times above the usual the best of many unrelated lags may be. */
  chance: number;
}

/** The best lag of a search. */
export interface Peak {
  /** In samples, with a fraction. */
  lag: number;
  /** Normalised cross-correlation there, -1 to 1. */
  strength: number;
  /** How surely it is no chance, 0 to 1. */
  certainty: number;
  /** The best of the other lags compared with this one, 0 to 1: near 1 it could be either. */
  rivalry: number;
}

/** This far above what chance may do, a series that is like itself repeats. */
const CLEARLY = 1.5;
/** So many lags are looked at more closely. */
const CANDIDATES = 16;

/** How well two series agree at a lag: at least, to be believed, and at most, to be a rival. */
export interface Agreement {
  least: number;
  most: number;
}

/**
 * The lag at which the series agree best, or null if no lag has enough overlap. `closer` may tell
 * better how well they agree at a lag (given as a whole number, with the length of its overlap).
 */
export function bestLag(
  earlier: Series,
  later: Series,
  search: Search,
  closer: (lag: number, overlap: number) => Agreement | null = () => null,
): Peak | null {
  const minLag = Math.max(search.minLag, search.minOverlap - lengthOf(later));
  const maxLag = Math.min(search.maxLag, lengthOf(earlier) - search.minOverlap);
  if (maxLag - minLag < 2) return null;
  const scored = scores(earlier, later, minLag, maxLag);
  const { strength, significance } = scored;
  const certaintyOf = (value: number) => Math.max(0, 1 - search.chance / value);
  const peaks = peaksOf(scored, search.peakWidth).map((index) => {
    const lag = minLag + index;
    const overlap = Math.min(lengthOf(later), lengthOf(earlier) - lag) - Math.max(0, -lag);
    const coarse = at(strength, index);
    const { least, most } = closer(lag, overlap) ?? { least: coarse, most: coarse };
    const certainty = certaintyOf(at(significance, index) * least / coarse);
    // Where nothing can be told more closely, the rough look may be right.
    return { index, least, most: most || coarse, coarse, certainty };
  });
  const rank = (peak: { least: number; certainty: number }) => peak.least * peak.certainty;
  const [best, ...others] = peaks.toSorted((a, b) => rank(b) - rank(a));
  if (!best || rank(best) === 0) return { lag: minLag, strength: 0, certainty: 0, rivalry: 1 };
  // A rival may be judged by the rough look alone: then so is the best.
  const clear = Math.min(best.least, best.coarse);
  return {
    lag: minLag + best.index + vertex(strength, best.index),
    strength: best.least,
    certainty: best.certainty,
    rivalry: others.reduce((top, { most }) => Math.max(top, Math.min(1, most / clear)), 0),
  };
}

/** The highest peaks, as indices, highest first. */
function peaksOf({ strength, significance }: Scores, width: number): number[] {
  const rank = significance.map((value, i) => value > 0 ? value * at(strength, i) : 0);
  const peaks: number[] = [];
  while (peaks.length < CANDIDATES) {
    let best = 0;
    for (let i = 1; i < rank.length; i++) if (at(rank, i) > at(rank, best)) best = i;
    if (at(rank, best) <= 0) break;
    peaks.push(best);
    const [from, to] = hill(strength, best, width);
    rank.fill(0, from, to + 1);
  }
  return peaks;
}

/**
 * How much a series is like itself some time later: the highest normalised correlation at lags from
 * `fromLag` on, as far as it is no chance. What repeats cannot tell one lag from another.
 */
export function repetition(
  series: Series,
  fromLag: number,
  { minOverlap, chance }: Pick<Search, "minOverlap" | "chance">,
): number {
  const maxLag = lengthOf(series) - minOverlap;
  if (maxLag <= fromLag) return 0;
  const { strength, significance } = scores(series, series, fromLag, maxLag);
  return strength.reduce(
    (most, value, i) => at(significance, i) > CLEARLY * chance ? Math.max(most, value) : most,
    0,
  );
}

/** The lags around `best` that are one peak with it: as near as `width`, or down to half its height. */
function hill(strength: Float64Array, best: number, width: number): [number, number] {
  const half = at(strength, best) / 2;
  let [from, to] = [best, best];
  while (from > 0 && (best - from < width || at(strength, from) > half)) from--;
  while (to < strength.length - 1 && (to - best < width || at(strength, to) > half)) to++;
  return [from, to];
}

/** Offset of a parabola's top from the sample `index`, -0.5 to 0.5. */
export function vertex(list: Float64Array, index: number): number {
  if (index <= 0 || index >= list.length - 1) return 0;
  const [left, middle, right] = [at(list, index - 1), at(list, index), at(list, index + 1)];
  const bend = left - 2 * middle + right;
  return bend < 0 ? Math.max(-0.5, Math.min(0.5, (left - right) / (2 * bend))) : 0;
}

interface Scores {
  strength: Float64Array;
  significance: Float64Array;
}

/**
 * Normalised correlation at every lag, and how many times above the usual it is, given how much
 * overlaps there: the usual is measured, as nothing real is as random as noise.
 */
function scores(earlier: Series, later: Series, minLag: number, maxLag: number): Scores {
  const [lengthA, lengthB] = [lengthOf(earlier), lengthOf(later)];
  const size = powerOfTwo(lengthA + lengthB);
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  earlier.forEach((channel, c) => addSpectrum(re, im, channel, later[c] ?? new Float32Array()));
  fft(re, im, true);

  const energyA = energyBefore(earlier);
  const energyB = energyBefore(later);
  const total = at(energyA, lengthA) * at(energyB, lengthB);
  const length = maxLag - minLag + 1;
  const strength = new Float64Array(length);
  const significance = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const lag = minLag + i;
    const [from, to] = [Math.max(0, -lag), Math.min(lengthB, lengthA - lag)];
    const energy = (at(energyA, to + lag) - at(energyA, from + lag)) *
      (at(energyB, to) - at(energyB, from));
    // What is left of rounding where there is silence is no agreement.
    if (energy <= total * 1e-9) continue;
    strength[i] = at(re, (lag + size) % size) / Math.sqrt(energy);
    significance[i] = at(strength, i) * Math.sqrt(to - from);
  }
  const squares = significance.reduce((sum, value) => sum + value * value, 0);
  const usual = Math.sqrt(squares / length);
  return { strength, significance: significance.map((value) => usual > 0 ? value / usual : 0) };
}

/** Adds the transform of the cross-correlation of two real series, both transformed in one go. */
function addSpectrum(
  sumRe: Float64Array,
  sumIm: Float64Array,
  earlier: Float32Array,
  later: Float32Array,
): void {
  const size = sumRe.length;
  const re = padded(earlier, size);
  const im = padded(later, size);
  fft(re, im);
  for (let k = 0; k < size; k++) {
    const m = (size - k) % size;
    const aRe = (at(re, k) + at(re, m)) / 2, aIm = (at(im, k) - at(im, m)) / 2;
    const bRe = (at(im, k) + at(im, m)) / 2, bIm = (at(re, m) - at(re, k)) / 2;
    sumRe[k] = at(sumRe, k) + aRe * bRe + aIm * bIm;
    sumIm[k] = at(sumIm, k) + aIm * bRe - aRe * bIm;
  }
}

/** Energy of everything before each index, all channels together. */
function energyBefore(series: Series): Float64Array {
  const sum = new Float64Array(lengthOf(series) + 1);
  for (const channel of series) {
    for (let i = 0; i < channel.length; i++) sum[i + 1] = at(sum, i + 1) + at(channel, i) ** 2;
  }
  for (let i = 1; i < sum.length; i++) sum[i] = at(sum, i) + at(sum, i - 1);
  return sum;
}

function lengthOf(series: Series): number {
  return series[0]?.length ?? 0;
}
