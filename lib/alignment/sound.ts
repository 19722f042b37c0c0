/** Where a part lies against the one before it, from the sound that both have. */
import { type Alignment, confidenceOf, doubtsOf, type Expected, none } from "./alignment.ts";
import { type Agreement, bestLag, repetition, vertex } from "./correlate.ts";
import { at } from "./fft.ts";
import { resample, whiten } from "./filter.ts";

/** A stretch of one file's sound, one channel. */
export interface Sound {
  samples: Float32Array;
  sampleRate: number;
  /** Media time of the first sample, seconds. */
  startSeconds: number;
}

/** All channels of a piece of sound as one: a file may have them in mono that the other has apart. */
export function mixDown(channels: readonly Float32Array[]): Float32Array {
  const mixed = new Float32Array(channels[0]?.length ?? 0);
  for (const channel of channels) {
    for (let i = 0; i < mixed.length; i++) {
      mixed[i] = at(mixed, i) + at(channel, i) / channels.length;
    }
  }
  return mixed;
}

/** Speech and most music live here, and codecs keep it. */
const COARSE_HZ = 8_000;
const BAND = { lowHz: 100, highHz: 3_500, smoothHz: 60 };
/** Below this (root mean square, full scale 1) it is silence. */
const SILENCE = 1e-4;
/** What the best of all unrelated lags reaches, in times the usual. */
const CHANCE = 6;
/** Two files of one moment agree at least so much. */
const LEAST = { strength: 0.15 };
/** A word is soon like another, and its echo like itself: a short time has to tell more. */
const LEAST_SHORT = { strength: 0.65, confidence: 0.4 };
const SHORT_SECONDS = 0.45;
const MIN_OVERLAP_SECONDS = 0.15;
/** Peaks nearer than this are one. */
const PEAK_SECONDS = 0.008;
/** A sound that comes again after this long, or longer, repeats. */
const REPEATS_AFTER_SECONDS = 0.03;
/**
 * A short overlap is a small part of its stretch, whose other frequencies would weigh on it: shorter
 * ones than this are made comparable by themselves.
 */
const CLOSER_SECONDS = 1.5;
/** Lags this near, in coarse samples, are looked at together. */
const CLOSER_LAGS = 4;
/** Loudness is measured over this many coarse samples, 10 ms. */
const BLOCK = 80;
/** Less sound in common than this says nothing. */
const LEAST_SOUND_SECONDS = 0.12;
/** A file may begin with the echo of a sound that only the other one has: so long it proves nothing. */
const ECHO_SECONDS = 0.12;
/** The exact search: this far around the peak, over at most this much of the sound. */
const FINE_SECONDS = 0.0005;
const FINE_LENGTH_SECONDS = 1;
/** What is promised of an answer. */
const UNCERTAINTY_MS = 10;

/** Compares two stretches of sound: coarsely over all lags, then at their full sampling rate. */
export function alignSound(earlier: Sound, later: Sound, expected: Expected): Alignment {
  if (isSilent(earlier.samples) || isSilent(later.samples)) return none("silence");
  const coarseA = resample(earlier.samples, earlier.sampleRate, COARSE_HZ);
  const coarseB = resample(later.samples, later.sampleRate, COARSE_HZ);
  const a = whiten(coarseA, COARSE_HZ, BAND);
  const b = whiten(coarseB, COARSE_HZ, BAND);
  const startsApart = earlier.startSeconds - later.startSeconds;
  const expectedLag = (expected.deltaSeconds - startsApart) * COARSE_HZ;
  const reach = expected.toleranceSeconds * COARSE_HZ;
  const search = {
    // The later part begins after the earlier one.
    minLag: Math.round(Math.max(expectedLag - reach, -startsApart * COARSE_HZ)),
    maxLag: Math.round(expectedLag + reach),
    minOverlap: MIN_OVERLAP_SECONDS * COARSE_HZ,
    peakWidth: PEAK_SECONDS * COARSE_HZ,
    chance: CHANCE,
  };
  const peak = bestLag(
    [a],
    [b],
    search,
    (lag, overlap) =>
      overlap < CLOSER_SECONDS * COARSE_HZ ? agreementAt(coarseA, coarseB, lag) : null,
  );
  if (!peak) return none("too-short");
  const repeatsFrom = REPEATS_AFTER_SECONDS * COARSE_HZ;
  const start = Math.max(0, -Math.round(peak.lag));
  const end = Math.min(b.length, a.length - Math.round(peak.lag));
  const overlap = end - start;
  // What filters leave of the sound around a silence is no sound in common.
  const from = start + Math.round(peak.lag);
  const both = [coarseA.subarray(from, from + overlap), coarseB.subarray(start, end)];
  if (both.some(isSilent)) return none("silence");
  const doubts = doubtsOf(
    peak,
    overlap < SHORT_SECONDS * COARSE_HZ ? LEAST_SHORT : LEAST,
    () => Math.max(repetition([a], repeatsFrom, search), repetition([b], repeatsFrom, search)),
  );
  if (doubts) return none(doubts);
  const lagSeconds = fineLag(earlier, later, peak.lag / COARSE_HZ);
  return {
    kind: "found",
    basis: "sound",
    deltaMs: (startsApart + lagSeconds) * 1000,
    uncertaintyMs: UNCERTAINTY_MS,
    confidence: confidenceOf(peak),
  };
}

function isSilent(samples: Float32Array): boolean {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  return energy <= SILENCE ** 2 * samples.length;
}

/** The lag near `coarseSeconds` at the higher of both sampling rates, to a fraction of a sample. */
function fineLag(earlier: Sound, later: Sound, coarseSeconds: number): number {
  const hz = Math.max(earlier.sampleRate, later.sampleRate);
  const fromSeconds = Math.max(0, -coarseSeconds);
  const length = Math.min(
    FINE_LENGTH_SECONDS,
    later.samples.length / later.sampleRate - fromSeconds,
    earlier.samples.length / earlier.sampleRate - fromSeconds - coarseSeconds,
  );
  const cut = ({ samples, sampleRate }: Sound, seconds: number) => {
    const first = Math.max(0, Math.round(seconds * sampleRate));
    const piece = samples.subarray(first, first + Math.ceil(length * sampleRate));
    return { series: slopes(resample(piece, sampleRate, hz)), seconds: first / sampleRate };
  };
  const a = cut(earlier, fromSeconds + coarseSeconds);
  const b = cut(later, fromSeconds);
  const apart = a.seconds - b.seconds;
  const centre = Math.round((coarseSeconds - apart) * hz);
  const reach = Math.ceil(FINE_SECONDS * hz);
  const score = Float64Array.from(
    { length: 2 * reach + 1 },
    (_, i) => agreement(a.series, b.series, centre - reach + i),
  );
  const best = score.reduce((top, value, i) => value > at(score, top) ? i : top, 0);
  // No top within reach: the coarse answer is as good as it gets.
  if (best === 0 || best === 2 * reach) return coarseSeconds;
  return apart + (centre - reach + best + vertex(score, best)) / hz;
}

/** Differences of neighbours: no constant part, and high notes count as much as low ones. */
function slopes(series: Float32Array): Float32Array {
  return series.map((value, i) => i === 0 ? 0 : value - at(series, i - 1));
}

/**
 * How well two sounds agree about a lag, only what overlaps there taken into account, with and without
 * what may be an echo; 0 where what they agree about is too short to tell a sound from its echo.
 */
function agreementAt(a: Float32Array, b: Float32Array, lag: number): Agreement {
  const [from, to] = [Math.max(0, -lag), Math.min(b.length, a.length - lag)];
  const x = whiten(a.subarray(from + lag, to + lag), COARSE_HZ, BAND);
  const y = whiten(b.subarray(from, to), COARSE_HZ, BAND);
  if (soundingSeconds(x, y) < LEAST_SOUND_SECONDS) return { least: 0, most: 0 };
  const echo = ECHO_SECONDS * COARSE_HZ;
  const whole = agreementNear(x, y);
  const rest = agreementNear(x.subarray(echo), y.subarray(echo));
  return { least: Math.min(whole, rest), most: Math.max(whole, rest) };
}

/** The best agreement at lags about 0. */
function agreementNear(x: Float32Array, y: Float32Array): number {
  let best = 0;
  for (let d = -CLOSER_LAGS; d <= CLOSER_LAGS; d++) best = Math.max(best, agreement(x, y, d));
  return best;
}

/** How long the loud passages of two sounds are that their agreement hangs on. */
function soundingSeconds(x: Float32Array, y: Float32Array): number {
  let sum = 0, squares = 0;
  for (let from = 0; from < x.length; from += BLOCK) {
    let common = 0;
    for (let i = from; i < from + BLOCK; i++) common += Math.abs(at(x, i) * at(y, i));
    sum += common;
    squares += common * common;
  }
  return squares > 0 ? sum * sum / squares * BLOCK / COARSE_HZ : 0;
}

function agreement(a: Float32Array, b: Float32Array, lag: number): number {
  let product = 0, energyA = 0, energyB = 0;
  for (let t = Math.max(0, -lag); t < Math.min(b.length, a.length - lag); t++) {
    const [x, y] = [a[t + lag] ?? 0, b[t] ?? 0];
    product += x * y;
    energyA += x * x;
    energyB += y * y;
  }
  return energyA > 0 && energyB > 0 ? product / Math.sqrt(energyA * energyB) : 0;
}
