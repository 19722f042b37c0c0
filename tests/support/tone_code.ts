/**
 * A sound that carries its own time: tones of 80 ms, each one of 16 frequencies of a band, in a fixed
 * irregular order. Two bands, so that two people can sound at once and both be read in the mix.
 */

/** Whose microphone: each has its own band of 16 frequencies. */
export type Band = "low" | "high";

const SYMBOL_SECONDS = 0.08;
const HOP_SECONDS = 0.005;
const WINDOW_SECONDS = 0.02;
const FIRST_HZ: Record<Band, number> = { low: 400, high: 1900 };
const STEP_HZ = 80;

function symbols(count: number): number[] {
  const out: number[] = [];
  let seed = 12345;
  while (out.length < count) {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    const symbol = (seed >> 16) & 15;
    if (symbol !== out.at(-1)) out.push(symbol);
  }
  return out;
}

/** The sound, mono, at `rate`, `seconds` long (a multiple of 0.08 loops without a click). */
export function makeTones(band: Band, seconds: number, rate: number): Float32Array {
  const sequence = symbols(Math.ceil(seconds / SYMBOL_SECONDS));
  const samples = new Float32Array(Math.round(seconds * rate));
  let phase = 0;
  for (let i = 0; i < samples.length; i++) {
    const symbol = sequence[Math.floor(i / rate / SYMBOL_SECONDS)] ?? 0;
    phase += 2 * Math.PI * (FIRST_HZ[band] + symbol * STEP_HZ) / rate;
    samples[i] = 0.3 * Math.sin(phase);
  }
  return samples;
}

/** What was heard of one band. */
export interface ToneReport {
  /** Position in the loop at sound time 0, seconds; null where the code was not recognised. */
  startSeconds: number | null;
  /** Share of the sound that carries the expected tone, 0 to 1. */
  matched: number;
  /** Stretches without the tone, seconds from the start, longer than 20 ms. */
  holes: { fromSeconds: number; lengthMs: number }[];
  /** The largest shift of the code against a straight line of time, ms (5 ms steps). */
  maxJumpMs: number;
}

/** Compares a sound with the code of a band whose loop is `loopSeconds` long. */
export function readTones(
  samples: Float32Array,
  rate: number,
  band: Band,
  loopSeconds: number,
): ToneReport {
  const powers = tonePowers(samples, rate, band);
  const heard = powers.map((all) => all.indexOf(Math.max(...all)));
  const hopsPerSymbol = Math.round(SYMBOL_SECONDS / HOP_SECONDS);
  const sequence = symbols(Math.ceil(loopSeconds / SYMBOL_SECONDS));
  const loopHops = sequence.length * hopsPerSymbol;
  const expectedAt = (hop: number) =>
    sequence[Math.floor((((hop % loopHops) + loopHops) % loopHops) / hopsPerSymbol)];

  const score = (from: number, to: number, lag: number) => {
    let hits = 0;
    for (let hop = from; hop < to; hop++) if (heard[hop] === expectedAt(hop + lag)) hits++;
    return hits / (to - from);
  };
  const best = (from: number, to: number, lags: Iterable<number>) => {
    let found = { lag: 0, score: -1 };
    for (const lag of lags) {
      const value = score(from, to, lag);
      if (value > found.score) found = { lag, score: value };
    }
    return found;
  };
  const range = function* (from: number, to: number) {
    for (let lag = from; lag < to; lag++) yield lag;
  };

  const middle = Math.floor(heard.length / 2);
  const probe = Math.min(middle, 200);
  const start = best(middle - probe, middle + probe, range(0, loopHops));
  if (start.score < 0.4) {
    return { startSeconds: null, matched: start.score, holes: [], maxJumpMs: 0 };
  }

  const windowHops = 100;
  let maxJumpHops = 0;
  for (let from = 0; from + windowHops <= heard.length; from += windowHops / 2) {
    const here = best(from, from + windowHops, range(start.lag - 40, start.lag + 41));
    const straight = score(from, from + windowHops, start.lag);
    // A plateau of equal scores is no jump: only a clearly better lag is.
    if (here.score > 0.5 && here.score > straight + 0.04) {
      maxJumpHops = Math.max(maxJumpHops, Math.abs(here.lag - start.lag));
    }
  }
  const present = powers.map((all, hop) => all[expectedAt(hop + start.lag) ?? 0] ?? 0);
  return {
    startSeconds: (start.lag * HOP_SECONDS) % loopSeconds,
    matched: score(0, heard.length, start.lag),
    holes: findHoles(present, powers),
    maxJumpMs: maxJumpHops * HOP_SECONDS * 1000,
  };
}

/** A hole is where all of the band is quiet: at a change of tone the expected one alone may be weak. */
function findHoles(present: number[], powers: number[][]): ToneReport["holes"] {
  const loudness = powers.map((all, hop) => Math.max(present[hop] ?? 0, ...all));
  const typical = loudness.toSorted((a, b) => a - b)[Math.floor(loudness.length / 2)] ?? 0;
  const holes: ToneReport["holes"] = [];
  let from = -1;
  for (let hop = 0; hop <= loudness.length; hop++) {
    const quiet = hop < loudness.length && (loudness[hop] ?? 0) < typical * 0.01;
    if (quiet && from < 0) from = hop;
    if (quiet || from < 0) continue;
    // The window sees past both ends of a hole: a hole of n ms is quiet for n - window ms.
    const lengthMs = ((hop - from) * HOP_SECONDS + WINDOW_SECONDS) * 1000;
    if (lengthMs > 20 + HOP_SECONDS * 1000) {
      holes.push({ fromSeconds: from * HOP_SECONDS, lengthMs });
    }
    from = -1;
  }
  return holes;
}

/** Power of each of the band's 16 tones (Goertzel) every 5 ms. */
function tonePowers(samples: Float32Array, rate: number, band: Band): number[][] {
  const size = Math.round(WINDOW_SECONDS * rate);
  const out: number[][] = [];
  for (
    let at = 0;
    at + size <= samples.length;
    at = Math.round((out.length) * HOP_SECONDS * rate)
  ) {
    out.push(Array.from({ length: 16 }, (_, symbol) => {
      const coefficient = 2 * Math.cos(2 * Math.PI * (FIRST_HZ[band] + symbol * STEP_HZ) / rate);
      let s1 = 0, s2 = 0;
      for (let i = at; i < at + size; i++) {
        const s0 = (samples[i] ?? 0) + coefficient * s1 - s2;
        s2 = s1;
        s1 = s0;
      }
      return s1 * s1 + s2 * s2 - coefficient * s1 * s2;
    }));
  }
  return out;
}

/** A 16-bit mono WAV file of samples in [-1, 1]. */
export function encodeWav(samples: Float32Array, rate: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(44 + samples.length * 2);
  const view = new DataView(bytes.buffer);
  const text = (at: number, value: string) => bytes.set(new TextEncoder().encode(value), at);
  text(0, "RIFF");
  view.setUint32(4, 36 + samples.length * 2, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, i) => view.setInt16(44 + i * 2, Math.round(sample * 32767), true));
  return bytes;
}
