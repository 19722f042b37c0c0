import assert from "node:assert/strict";
import type { Film } from "../../lib/recording/views.ts";
import { overlapping, type Stage, testsOnOneStage } from "./stage.ts";

// One origin, so that a test may read pictures that came without CORS.
const test = testsOnOneStage({ oneOrigin: true });

/** A picture on screen. */
interface Shown {
  number: number | null;
  /** How many pictures the element had put on screen by then; null where it cannot tell. */
  presented: number | null;
  /** How many frames the element has dropped, where it can tell. */
  dropped?: number;
}

interface Watched {
  shown: Shown[];
  events: string[];
  technique: string | undefined;
  durationSeconds: number;
}

/** Plays the film from the beginning and reads every picture that reaches the screen. */
async function watch(stage: Stage, film: Film): Promise<Watched> {
  await stage.show(film);
  return await stage.page.evaluate(async () => {
    const player = gaplessStudio.findPlayer();
    const events: string[] = [];
    for (const name of ["waiting", "seeking", "error", "pause", "ended", "gapless-crossed"]) {
      player.addEventListener(name, () => events.push(name));
    }
    // The last pictures may go unseen on a busy machine; the end does not.
    let samples: Shown[] = [];
    const take = (all: Shown[]) => {
      samples = all;
      return player.ended;
    };
    const find = () => player.visibleVideo;
    // Frame callbacks cost least, but say nothing when another element comes on screen.
    if (player.dataset.technique === "media-source") void gaplessTest.watch(find, "green", take);
    else void gaplessStudio.watchScreen(find, take);
    await player.play();
    await gaplessStudio.until((player) => player.ended);
    return {
      shown: samples.filter((sample, index) => sample.number !== samples[index - 1]?.number),
      events,
      technique: player.dataset.technique,
      durationSeconds: player.duration,
    };
  });
}

/** The pictures about the seams, at 2 s and at 4 s of the film. */
const NEAR_SEAMS = [60, 120].flatMap((seam) => Array.from({ length: 30 }, (_, i) => seam - 15 + i));

/**
 * Where frames are missing or come twice near a seam. Frames that came on screen between two callbacks of
 * a busy page are none of these, nor those that the element dropped because it was late: it counts both.
 */
function breaksAtSeams({ shown }: Watched): { from: number; to: number }[] {
  return shown.slice(1)
    .map((later, index) => {
      const earlier = shown[index];
      const presented = (later.presented ?? 0) - (earlier?.presented ?? 0);
      const dropped = (later.dropped ?? 0) - (earlier?.dropped ?? 0);
      const steps = Math.max(1, presented) + dropped;
      return { from: earlier?.number ?? -1, to: later.number ?? -1, steps };
    })
    .filter(({ from, to, steps }) => to <= from || to - from > steps)
    .filter(({ from, to }) => NEAR_SEAMS.some((number) => from <= number && number <= to));
}

for (const format of ["webm", "mp4"] as const) {
  test(`three overlapping ${format} files play as one film, every picture once`, async (stage) => {
    const film = await stage.film(overlapping(format));
    const found = await watch(stage, film);
    assert.deepEqual(breaksAtSeams(found), []);
    const numbers = found.shown.map(({ number }) => number ?? -1);
    assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b));
    assert.deepEqual(found.events.filter((name) => name !== "waiting"), ["pause", "ended"]);
    assert.equal(found.technique, "media-source");
    assert.ok(Math.abs(found.durationSeconds - 6) < 0.1, `${found.durationSeconds} s`);
  });

  test(`a seek about a seam of ${format} files lands on the very picture`, async (stage) => {
    await stage.show(await stage.film(overlapping(format)));
    assert.deepEqual(await stage.picturesAt(NEAR_SEAMS), NEAR_SEAMS);
  });
}

test("the sound has no hole and no jump over two seams", async (stage) => {
  const film = await stage.film(overlapping());
  await stage.show(film);
  const heard = await stage.page.evaluate(() => gaplessStudio.listen(0.5, 5.5));
  assert.deepEqual(heard.holes, []);
  assert.ok(heard.maxJumpMs <= 10, `The sound jumps by ${heard.maxJumpMs} ms`);
  assert.ok(heard.matched > 0.8, `${heard.matched}`);
});

test("where files come only whole, two elements take turns at the seams", async (stage) => {
  stage.manners.set("*", { wholeFiles: true });
  const film = await stage.film(overlapping());
  const found = await watch(stage, film);
  // What was on screen is all that is known here: a busy page may not see every frame.
  const skipped = breaksAtSeams(found).filter(({ from, to }) => to - from > 15);
  assert.equal(found.technique, "two-elements");
  assert.deepEqual(skipped, []);
  assert.deepEqual(found.events.filter((name) => name !== "waiting"), ["pause", "ended"]);
});
