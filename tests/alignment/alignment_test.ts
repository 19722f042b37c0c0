import assert from "node:assert/strict";
import type { Alignment } from "../../lib/alignment/alignment.ts";
import { fft } from "../../lib/alignment/fft.ts";
import { alignPicture } from "../../lib/alignment/picture.ts";
import { alignSound } from "../../lib/alignment/sound.ts";
import {
  type Chance,
  chanceOf,
  film,
  type Filming,
  loop,
  movement,
  normal,
  record,
  type Recording,
  speech,
  type World,
} from "./world.ts";

const SOUND_ERROR_MS = 10;
const EARLIER_SECONDS = 4;
/** What the part before may be believed to be off by. */
const TOLERANCE_SECONDS = 2.5;

interface Case {
  overlaps: number[];
  seeds?: number;
  earlier?: Partial<Recording>;
  later?: Partial<Recording>;
  world?: (chance: Chance) => World;
  /** The later file is of another moment. */
  unrelated?: boolean;
  wrongBySeconds?: number;
}

/** Answers of a case for every overlap and seed, with the error in ms where there is one. */
function hear(test: Case): { overlap: number; answer: Alignment; errorMs: number }[] {
  const { world = (chance: Chance) => speech(chance, 10), seeds = 3, wrongBySeconds = 2 } = test;
  return test.overlaps.flatMap((overlap) =>
    Array.from({ length: seeds }, (_, seed) => {
      const chance = chanceOf(seed * 1000 + overlap * 10 + 1);
      const heard = world(chance);
      const truth = EARLIER_SECONDS - overlap + chance() / 100;
      const earlier = record(
        heard,
        { fromSeconds: 1, seconds: EARLIER_SECONDS, ...test.earlier },
        chance,
      );
      const later = record(
        test.unrelated ? world(chance) : heard,
        { fromSeconds: 1 + truth, seconds: overlap + 1.5, ...test.later },
        chance,
      );
      const wrong = chance() < 0.5 ? -wrongBySeconds : wrongBySeconds;
      const answer = alignSound(earlier, later, {
        deltaSeconds: truth + wrong,
        toleranceSeconds: TOLERANCE_SECONDS,
      });
      const errorMs = answer.kind === "found" ? Math.abs(answer.deltaMs - truth * 1000) : 0;
      return { overlap, answer, errorMs };
    })
  );
}

/** No answer may be wrong; from `from` seconds of overlap on, two of three must be there. */
function assertRight(test: Case, from: number): void {
  const answers = hear(test);
  for (const { overlap, errorMs } of answers) {
    assert.ok(errorMs <= SOUND_ERROR_MS, `${overlap} s of overlap: wrong by ${errorMs} ms`);
  }
  const long = answers.filter(({ overlap }) => overlap >= from);
  const found = long.filter(({ answer }) => answer.kind === "found");
  assert.ok(found.length * 3 >= long.length * 2, `Found ${found.length} of ${long.length}`);
}

function assertNoAnswer(test: Case): void {
  for (const { overlap, answer } of hear(test)) {
    assert.equal(answer.kind, "none", `${overlap} s of overlap: ${JSON.stringify(answer)}`);
  }
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

Deno.test("alignSound() is right to 10 ms for overlaps from 0.2 to 3.5 s, start wrong by 2 s", () =>
  assertRight({ overlaps: [0.2, 0.5, 1, 2, 3.5] }, 1));

Deno.test("alignSound() does not mind another loudness", () =>
  assertRight({ overlaps: [1, 3], later: { gain: 0.03 } }, 1));

Deno.test("alignSound() does not mind noise in both files", () => {
  assertRight({ overlaps: [0.5, 1, 3], earlier: { noise: 0.02 }, later: { noise: 0.02 } }, 1);
  assertRight({ overlaps: [0.5, 3], earlier: { noise: 0.06 }, later: { noise: 0.06 } }, 3);
});

Deno.test("alignSound() does not mind an echo", () => {
  const echo = { delaySeconds: 0.08, gain: 0.6 };
  assertRight({ overlaps: [0.5, 3], later: { echo } }, 3);
  assertRight({
    overlaps: [0.5, 3],
    earlier: { echo: { delaySeconds: 0.05, gain: 0.5 } },
    later: { echo },
  }, 3);
});

Deno.test("alignSound() compares 44.1 kHz with 48 kHz", () =>
  assertRight({ overlaps: [1, 3], earlier: { sampleRate: 44_100 } }, 1));

Deno.test("alignSound() gives no answer where the sound repeats", () => {
  for (const barSeconds of [0.5, 1, 2, 2.7]) {
    assertNoAnswer({
      overlaps: [0.2, 1, 3],
      seeds: 2,
      world: (chance) => loop(chance, barSeconds),
    });
  }
  const noise = { noise: 0.03 };
  const world = (chance: Chance) => loop(chance, 1.5);
  assertNoAnswer({ overlaps: [1, 3], seeds: 2, world, earlier: noise, later: noise });
});

Deno.test("alignSound() gives no answer where the files have nothing in common", () =>
  assertNoAnswer({ overlaps: [0.2, 1, 3], seeds: 4, unrelated: true }));

Deno.test("alignSound() gives no answer where the start is wrong by more than it looks at", () =>
  assertNoAnswer({ overlaps: [1, 3], wrongBySeconds: 6 }));

Deno.test("alignSound() says so where one of the files is silent", () => {
  for (const { answer } of hear({ overlaps: [2], seeds: 1, later: { gain: 0 } })) {
    assert.equal(answer.kind === "none" && answer.reason, "silence");
  }
});

/** Answers from the picture alone, with the error in ms. */
function watch(take: Partial<Filming>, overlaps: number[], seeds: number, unrelated = false) {
  return overlaps.flatMap((overlap) =>
    Array.from({ length: seeds }, (_, seed) => {
      const chance = chanceOf(seed * 100 + overlap);
      const scene = movement(chance, 20);
      const truth = 8 - overlap + chance() / 100;
      const earlier = film(scene, { fromSeconds: 1, seconds: 8, ...take }, chance);
      const later = film(
        unrelated ? movement(chance, 20) : scene,
        { fromSeconds: 1 + truth, seconds: overlap + 2, ...take },
        chance,
      );
      const wrong = chance() < 0.5 ? -2 : 2;
      const expected = { deltaSeconds: truth + wrong, toleranceSeconds: TOLERANCE_SECONDS };
      const answer = alignPicture(earlier, later, expected);
      const errorMs = answer.kind === "found" ? Math.abs(answer.deltaMs - truth * 1000) : 0;
      return { overlap, answer, errorMs };
    })
  );
}

Deno.test("alignPicture() is right to a frame, also with noise and lost frames", () => {
  const takes = [{}, { noise: 1.5 }, { noise: 1, lost: 0.1 }, { noise: 1, fps: 15 }];
  for (const take of takes) {
    const answers = watch(take, [1.5, 3, 6], 5);
    for (const { overlap, errorMs } of answers) {
      const frameMs = 1000 / (take.fps ?? 30);
      assert.ok(
        errorMs <= frameMs,
        `${overlap} s, ${JSON.stringify(take)}: wrong by ${errorMs} ms`,
      );
    }
    const long = answers.filter(({ overlap }) => overlap === 6);
    const found = long.filter(({ answer }) => answer.kind === "found");
    assert.ok(found.length >= 0.6 * long.length, `Found ${found.length} of ${long.length}`);
  }
});

Deno.test("alignPicture() gives no answer where the films have nothing in common", () => {
  for (const { overlap, answer } of watch({ noise: 0.5 }, [1.5, 3, 6], 10, true)) {
    assert.equal(answer.kind, "none", `${overlap} s of overlap: ${JSON.stringify(answer)}`);
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
