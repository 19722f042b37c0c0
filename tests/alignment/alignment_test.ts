import assert from "node:assert/strict";
import type { Alignment } from "../../lib/alignment/alignment.ts";
import { fft } from "../../lib/alignment/fft.ts";
import { alignPicture } from "../../lib/alignment/picture.ts";
import { alignSound } from "../../lib/alignment/sound.ts";
import { quantity } from "../support/quantity.ts";
import {
  type Chance,
  chanceOf,
  film,
  type Filming,
  hushed,
  loop,
  movement,
  normal,
  record,
  type Recording,
  type Scene,
  speech,
  type Stereo,
  together,
  type World,
} from "./world.ts";

/** The promise where there is sound. */
const SOUND_ERROR_MS = 10;
/** What the part before may be believed to be off by. */
const TOLERANCE_SECONDS = 2.5;
/** The first moment of the earlier part in its world, and what it has before the overlap. */
const FROM_SECONDS = 0.5;
const LEAD_SECONDS = 2.5;
const WORLD_SECONDS = 10;

/** Made once: worlds are slow to make. */
const voices = Array.from({ length: 12 }, (_, i) => speech(chanceOf(i + 1), WORLD_SECONDS));
const voice = (i: number): World => voices[i % voices.length] ?? (() => 0);

/** Two files of one world that overlap, by what is odd about them. */
interface Case<Take> {
  /** How long both parts cover the same time. */
  overlaps: number[];
  /** Of so many seeds. */
  seeds?: number;
  earlier?: Partial<Take>;
  later?: Partial<Take>;
  /** The later file is of another moment. */
  unrelated?: boolean;
}

interface Heard extends Case<Recording> {
  /** What there is to hear; a speaker if not said. */
  world?: (seed: number, chance: Chance) => Stereo;
  /** The later part begins so long after the earlier one. */
  shiftSeconds?: number;
  /** How far the believed start is off, by turns this way and that. */
  wrongBySeconds?: number;
}

interface Watched extends Case<Filming> {
  scene?: (chance: Chance) => Scene;
}

/** Both files were taken like this. */
function inBoth<Take>(take: Take): { earlier: Take; later: Take } {
  return { earlier: take, later: take };
}

/** Of so many seeds one is tried: each takes a good part of a second. */
const ONE_OF = quantity(3, 1);

/** The answers of `align` for every overlap and seed, with their errors: 0 where there is no answer. */
function answersFor(
  { overlaps, seeds = 3 }: Case<unknown>,
  align: (overlap: number, seed: number) => { truth: number; answer: Alignment },
) {
  return overlaps.flatMap((overlap) =>
    Array.from({ length: Math.ceil(seeds / ONE_OF) }, (_, seed) => {
      const { truth, answer } = align(overlap, seed);
      const errorMs = answer.kind === "found" ? Math.abs(answer.deltaMs - truth * 1000) : 0;
      return { overlap, answer, errorMs };
    })
  );
}

type Answer = ReturnType<typeof answersFor>[number];

/** The answers that there are may not be wrong by more. */
function assertRight(answers: Answer[], mostMs: number): void {
  for (const { overlap, errorMs } of answers) {
    assert.ok(errorMs <= mostMs, `${overlap} s of overlap: wrong by ${errorMs} ms`);
  }
}

/** At least this share of answers must be there. */
function assertFound(answers: Answer[], leastShare: number): void {
  const found = answers.filter(({ answer }) => answer.kind === "found").length;
  const overlaps = [...new Set(answers.map(({ overlap }) => overlap))];
  if (Deno.env.has("VERBOSE")) console.log(overlaps, `found ${found} of ${answers.length}`);
  assert.ok(found >= leastShare * answers.length, `Found ${found} of ${answers.length}`);
}

function assertNone(answers: Answer[]): void {
  for (const { overlap, answer } of answers) {
    assert.equal(answer.kind, "none", `${overlap} s of overlap: ${JSON.stringify(answer)}`);
  }
}

/** Answers from the sound alone. */
function hear(test: Heard) {
  const { world = (seed) => [voice(seed)], wrongBySeconds = 2 } = test;
  return answersFor(test, (overlap, i) => {
    const chance = chanceOf(i * 1000 + overlap * 10 + 1);
    const seed = i + Math.round(overlap * 10);
    const truth = (test.shiftSeconds ?? LEAD_SECONDS) + chance() / 100;
    const earlier = record(
      world(seed, chance),
      { fromSeconds: FROM_SECONDS, seconds: truth + overlap, ...test.earlier },
      chance,
    );
    const later = record(
      world(test.unrelated ? seed + 5 : seed, chance),
      { fromSeconds: FROM_SECONDS + truth, seconds: overlap + 1.5, ...test.later },
      chance,
    );
    const answer = alignSound(earlier, later, {
      deltaSeconds: truth + (i % 2 ? wrongBySeconds : -wrongBySeconds),
      toleranceSeconds: TOLERANCE_SECONDS,
    });
    return { truth, answer };
  });
}

const HALL = { delaySeconds: 0.08, gain: 0.6 };
const LOUD = { delaySeconds: 0.1, gain: 0.8 };

/** Every case has a start that is wrong by 2 s, unless it says otherwise. */
const RIGHT: Record<string, [test: Heard, leastShare: number][]> = {
  // In 0.2 s there is often no more than a breath: then there is no answer.
  "for overlaps from 0.2 to 5 s": [
    [{ overlaps: [0.2], seeds: 12 }, 0.1],
    [{ overlaps: [0.5], seeds: 12 }, 0.7],
    [{ overlaps: [1, 2, 3.5, 5], seeds: 4 }, 1],
  ],
  "for shifts from 0.2 to 5 s": [0.2, 0.5, 1, 2, 5].map((shiftSeconds) => [
    { overlaps: [2], seeds: 2, shiftSeconds },
    1,
  ]),
  "where the start is known well": [[{ overlaps: [0.5, 2], seeds: 4, wrongBySeconds: 0 }, 0.7]],
  "at another loudness": [
    [{ overlaps: [1, 3], later: { gain: 0.03 } }, 1],
    [{ overlaps: [1, 3], earlier: { gain: 0.03 }, later: { gain: 3 } }, 1],
  ],
  "with noise in both files": [
    [{ overlaps: [0.2, 0.5], seeds: 6, ...inBoth({ noise: 0.02 }) }, 0.3],
    [{ overlaps: [1, 3], ...inBoth({ noise: 0.02 }) }, 1],
    [{ overlaps: [3], seeds: 4, ...inBoth({ noise: 0.06 }) }, 0.9],
  ],
  "with an echo": [
    [{ overlaps: [0.2, 0.5], seeds: 6, ...inBoth({ echo: HALL }) }, 0.3],
    [{ overlaps: [1, 3], ...inBoth({ echo: HALL }) }, 0.8],
    [{ overlaps: [0.5], seeds: 6, later: { echo: HALL } }, 0.5],
    [{ overlaps: [1, 3], later: { echo: HALL } }, 0.8],
    // In so short a time the echo in one file may look more like the other than the sound itself.
    [{ overlaps: [0.25, 0.3, 0.35, 0.4], seeds: 12, later: { echo: HALL } }, quantity(0, 0.1)],
    [{ overlaps: [0.25, 0.35, 0.45], seeds: 6, earlier: { echo: LOUD } }, 0],
    [{ overlaps: [0.3, 0.4, 0.5], seeds: 6, later: { echo: LOUD } }, 0],
    [{
      overlaps: [1, 3],
      earlier: { echo: { delaySeconds: 0.05, gain: 0.5 } },
      later: { echo: HALL },
    }, 0.6],
  ],
  "of stereo and mono": [
    // Two people, one a side: the other file has both in one, or one of them.
    [{ overlaps: [0.5], seeds: 6, world: twoVoices }, 0.6],
    [{ overlaps: [1, 3], world: leaningVoices, later: { channels: [0] } }, 1],
    [{ overlaps: [1, 3], world: twoVoices, earlier: { channels: [1] } }, 0.8],
  ],
  "of 44.1 and 48 kHz": [
    [{ overlaps: [1, 3], earlier: { sampleRate: 44_100 } }, 1],
    [{ overlaps: [1, 3], later: { sampleRate: 44_100 } }, 1],
  ],
  "of music that repeats, with a voice over it": [[{ overlaps: [2, 4], world: songOf }, 0]],
  "of all that at once": [
    [{
      overlaps: [2, 4],
      world: leaningVoices,
      earlier: { sampleRate: 44_100, noise: 0.01, echo: HALL, channels: [0] },
      later: { gain: 0.2, noise: 0.002, echo: HALL },
    }, 0.8],
  ],
};

function twoVoices(seed: number): Stereo {
  return [voice(seed), voice(seed + 3)];
}

/** Both people on both sides, one more to the left and one more to the right. */
function leaningVoices(seed: number): Stereo {
  const [one, other] = [voice(seed), voice(seed + 3)];
  return [together(one, other, 0.4), together(other, one, 0.4)];
}

function songOf(seed: number, chance: Chance): Stereo {
  return [together(voice(seed), loop(chance, 1.5), 0.5)];
}

Deno.test("fft() and its inverse give back what they were given", () => {
  const chance = chanceOf(1);
  const re = Float64Array.from({ length: 256 }, () => normal(chance));
  const im = Float64Array.from({ length: 256 }, () => normal(chance));
  const [re2, im2] = [re.slice(), im.slice()];
  fft(re2, im2);
  fft(re2, im2, true);
  assert.ok(re.every((x, i) => Math.abs(x - (re2[i] ?? NaN)) < 1e-12));
  assert.ok(im.every((x, i) => Math.abs(x - (im2[i] ?? NaN)) < 1e-12));
  assert.throws(() => fft(new Float64Array(3), new Float64Array(3)), RangeError);
});

for (const [what, cases] of Object.entries(RIGHT)) {
  Deno.test(`alignSound() is right to 10 ms or has no answer ${what}`, () => {
    for (const [test, leastShare] of cases) {
      const answers = hear(test);
      assertRight(answers, SOUND_ERROR_MS);
      assertFound(answers, leastShare);
    }
  });
}

Deno.test("alignSound() gives no answer where the sound repeats", () => {
  for (const barSeconds of [0.5, 1, 2, 2.7]) {
    const bars = loop(chanceOf(barSeconds * 10), barSeconds);
    assertNone(hear({ overlaps: [0.2, 1, 3], seeds: 2, world: () => [bars] }));
  }
  const bars = loop(chanceOf(7), 1.5);
  assertNone(hear({ overlaps: [1, 3], seeds: 2, world: () => [bars], ...inBoth({ noise: 0.03 }) }));
});

Deno.test("alignSound() gives no answer where the files have nothing in common", () => {
  assertNone(hear({ overlaps: [0.2, 1, 3], seeds: 4, unrelated: true }));
  assertNone(hear({ overlaps: [0.2, 1, 3], unrelated: true, ...inBoth({ noise: 0.02 }) }));
});

Deno.test("alignSound() gives no answer where the start is wrong by more than it looks at", () =>
  assertNone(hear({ overlaps: [1, 3], wrongBySeconds: 6 })));

Deno.test("alignSound() gives no answer where the overlap is silent, whatever is around it", () => {
  const world = (seed: number) => [hushed(voice(seed), FROM_SECONDS + LEAD_SECONDS, 6.01)];
  assertNone(hear({ overlaps: [1, 3], world }));
  assertNone(hear({ overlaps: [1, 3], world, ...inBoth({ noise: 0.001 }) }));
});

Deno.test("alignSound() says so where one of the files is silent", () => {
  for (const silent of [{ earlier: { gain: 0 } }, { later: { gain: 0 } }]) {
    for (const { answer } of hear({ overlaps: [2], seeds: 1, ...silent })) {
      assert.equal(answer.kind === "none" && answer.reason, "silence");
    }
  }
});

/** Answers from the picture alone, the start wrong by 2 s. */
function watch({ scene = (c) => movement(c, 20), ...test }: Watched) {
  return answersFor(test, (overlap, seed) => {
    const chance = chanceOf(seed * 100 + overlap);
    const seen = scene(chance);
    const truth = 8 - overlap + chance() / 100;
    const earlier = film(seen, { fromSeconds: 1, seconds: 8, ...test.earlier }, chance);
    const later = film(
      test.unrelated ? scene(chance) : seen,
      { fromSeconds: 1 + truth, seconds: overlap + 2, ...test.later },
      chance,
    );
    const wrong = seed % 2 ? -2 : 2;
    const expected = { deltaSeconds: truth + wrong, toleranceSeconds: TOLERANCE_SECONDS };
    return { truth, answer: alignPicture(earlier, later, expected) };
  });
}

const FILMED: Record<string, [earlier: Partial<Filming>, later: Partial<Filming>]> = {
  "as it is": [{}, {}],
  "with noise": [{ noise: 1.5 }, { noise: 1.5 }],
  "with lost frames": [{ noise: 1, lost: 0.1 }, { noise: 1, lost: 0.1 }],
  "at 15 frames a second": [{ noise: 1, fps: 15 }, { noise: 1, fps: 15 }],
  "at 30 and 20 frames a second": [{}, { fps: 20 }],
  "at another brightness": [{}, { contrast: 0.6 }],
};

for (const [how, [earlier, later]] of Object.entries(FILMED)) {
  Deno.test(`alignPicture() is right to a frame or has no answer, filmed ${how}`, () => {
    const frameMs = 1000 / Math.min(earlier.fps ?? 30, later.fps ?? 30);
    const answers = watch({ overlaps: [1.5, 3, 6], seeds: 5, earlier, later });
    assertRight(answers, frameMs);
    assertFound(answers.filter(({ overlap }) => overlap === 6), 0.6);
  });
}

Deno.test("alignPicture() gives no answer where the films have nothing in common", () => {
  const overlaps = [1.5, 3, 6];
  assertNone(watch({ overlaps, seeds: 8, unrelated: true, ...inBoth({ noise: 0.5 }) }));
});

Deno.test("alignPicture() gives no answer where the picture repeats", () => {
  for (const periodSeconds of [0.8, 1.5]) {
    const scene = (chance: Chance): Scene => {
      const once = movement(chance, 5);
      return (seconds) => once(seconds % periodSeconds);
    };
    assertNone(watch({ overlaps: [3, 6], seeds: 3, scene }));
  }
});

Deno.test("alignPicture() says so where nothing moves", () => {
  const still = () => new Float32Array(48).fill(100);
  const chance = chanceOf(1);
  const earlier = film(still, { fromSeconds: 0, seconds: 5 }, chance);
  const later = film(still, { fromSeconds: 3, seconds: 5 }, chance);
  const answer = alignPicture(earlier, later, { deltaSeconds: 3, toleranceSeconds: 2 });
  assert.equal(answer.kind === "none" && answer.reason, "still");
});
