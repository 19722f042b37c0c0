/** Where a part lies against the one before it, from how the picture changes: for silent overlaps. */
import { type Alignment, confidenceOf, doubtsOf, type Expected, none } from "./alignment.ts";
import { bestLag, repetition } from "./correlate.ts";

/** A stretch of one file's picture, very small: how bright each cell of a coarse grid is. */
export interface Motion {
  /** Media time of each frame, seconds, in order. */
  seconds: number[];
  /** For each frame the brightness of its cells, 0 to 255; as many in every frame. */
  cells: Float32Array[];
}

/** Motion is put on a grid this fine. */
const GRID_HZ = 100;
/** What the best of all unrelated lags reaches, in times the usual. */
const CHANCE = 3.2;
/** Two files of one moment agree at least so much. */
const LEAST_STRENGTH = 0.5;
const MIN_OVERLAP_SECONDS = 1;
const MIN_FRAMES = 20;
const REPEATS_AFTER_SECONDS = 0.15;
/** Changes of brightness per frame below this (root mean square) are an encoder's noise. */
const STILL = 0.05;

/** Compares how two stretches of picture move. Right to a frame. */
export function alignPicture(earlier: Motion, later: Motion, expected: Expected): Alignment {
  if (Math.min(earlier.seconds.length, later.seconds.length) < MIN_FRAMES) return none("too-short");
  const a = onGrid(earlier);
  const b = onGrid(later);
  if (!a || !b) return none("still");
  const startsApart = (earlier.seconds[0] ?? 0) - (later.seconds[0] ?? 0);
  const expectedLag = (expected.deltaSeconds - startsApart) * GRID_HZ;
  const reach = expected.toleranceSeconds * GRID_HZ;
  const frameSeconds = Math.max(frameOf(earlier), frameOf(later));
  const search = {
    // The later part begins after the earlier one.
    minLag: Math.round(Math.max(expectedLag - reach, -startsApart * GRID_HZ)),
    maxLag: Math.round(expectedLag + reach),
    minOverlap: MIN_OVERLAP_SECONDS * GRID_HZ,
    peakWidth: 2 * frameSeconds * GRID_HZ,
    chance: CHANCE,
  };
  const peak = bestLag(a, b, search);
  if (!peak) return none("too-short");
  const repeatsFrom = REPEATS_AFTER_SECONDS * GRID_HZ;
  const doubts = doubtsOf(
    peak,
    { strength: LEAST_STRENGTH },
    () => Math.max(repetition(a, repeatsFrom, search), repetition(b, repeatsFrom, search)),
  );
  if (doubts) return none(doubts);
  return {
    kind: "found",
    basis: "picture",
    deltaMs: (startsApart + peak.lag / GRID_HZ) * 1000,
    uncertaintyMs: frameSeconds * 1000,
    confidence: confidenceOf(peak),
  };
}

/** Typical time between two frames. */
function frameOf({ seconds }: Motion): number {
  const steps = seconds.slice(1).map((time, i) => time - (seconds[i] ?? 0)).sort((a, b) => a - b);
  return steps[steps.length >> 1] ?? 1 / 30;
}

/**
 * How each cell changes from frame to frame, at even times from the first frame on; null where
 * nothing does. Changes say more than brightness: they are short, so only one lag fits them.
 */
function onGrid({ seconds, cells }: Motion): Float32Array[] | null {
  const first = seconds[0] ?? 0;
  const length = Math.floor(((seconds.at(-1) ?? 0) - first) * GRID_HZ) + 1;
  const channels = Array.from(cells[0] ?? [], () => new Float32Array(length));
  let energy = 0;
  for (let frame = 1; frame < seconds.length; frame++) {
    const [from, to] = [(seconds[frame - 1] ?? 0) - first, (seconds[frame] ?? 0) - first];
    const [start, end] = [Math.ceil(from * GRID_HZ), Math.min(length, Math.ceil(to * GRID_HZ))];
    channels.forEach((channel, c) => {
      const change = (cells[frame]?.[c] ?? 0) - (cells[frame - 1]?.[c] ?? 0);
      energy += change * change;
      // Spread over the time it took: a lost frame makes one change of two.
      channel.fill(change / Math.max(1, end - start), start, end);
    });
  }
  const spread = Math.sqrt(energy / Math.max(1, channels.length * seconds.length));
  return spread > STILL ? channels : null;
}
