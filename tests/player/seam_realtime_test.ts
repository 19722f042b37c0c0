import assert from "node:assert/strict";
import type { Film } from "../../lib/recording/views.ts";
import { type Stage, testsOnOneStage } from "./stage.ts";

// One origin, so that a test may read pictures that came without CORS.
const test = testsOnOneStage({ oneOrigin: true });

const THREE_PARTS = (format: "webm" | "mp4") => [
  { fromSeconds: 0, seconds: 3, format },
  { fromSeconds: 2, seconds: 3, format },
  { fromSeconds: 4, seconds: 3, format },
];

interface Watched {
  numbers: (number | null)[];
  /** How many pictures the element had put on screen by then; null where it cannot tell. */
  presented: (number | null)[];
  /** How many frames the element has dropped; null where it cannot tell. */
  dropped: (number | null)[];
  events: string[];
  technique: string | undefined;
  durationSeconds: number;
}

/** Plays the film from the beginning and reads every picture that reaches the screen. */
async function watch(stage: Stage, film: Film): Promise<Watched> {
  await stage.show(film);
  return await stage.page.evaluate(async () => {
    const player = document.querySelector("gapless-video");
    if (!player) throw new Error("There is no player");
    const events: string[] = [];
    for (const name of ["waiting", "seeking", "error", "pause", "ended", "gapless-crossed"]) {
      player.addEventListener(name, () => events.push(name));
    }
    // The last pictures may go unseen on a busy machine; the end does not.
    let samples: { number: number | null; presented: number | null; dropped?: number }[] = [];
    const take = (all: typeof samples) => {
      samples = all;
      return player.ended;
    };
    const find = () => player.visibleVideo;
    // Frame callbacks cost least, but say nothing when another element comes on screen.
    if (player.dataset.technique === "media-source") void gaplessTest.watch(find, "green", take);
    else void gaplessStudio.watchScreen(find, take);
    const ended = new Promise((resolve) => player.addEventListener("ended", resolve));
    await player.play();
    const late = new Promise<never>((_, reject) =>
      setTimeout(() => reject(new Error(`Playback hangs at ${player.currentTime} s`)), 20_000)
    );
    await Promise.race([ended, late]);
    const changes = samples.filter((sample, index) => sample.number !== samples[index - 1]?.number);
    return {
      numbers: changes.map((change) => change.number),
      presented: changes.map((change) => change.presented),
      dropped: changes.map((change) => change.dropped ?? null),
      events,
      technique: player.dataset.technique,
      durationSeconds: player.duration,
    };
  });
}

/** The pictures about the seams, at 2 s and at 4 s of the film. */
const NEAR_SEAMS = [60, 120].flatMap((seam) => Array.from({ length: 30 }, (_, i) => seam - 15 + i));

interface Break {
  from: number;
  to: number;
}

/**
 * Where frames are missing or come twice near a seam. Frames that came on screen between two callbacks of
 * a busy page are none of these, nor those that the element dropped because it was late: it counts both.
 */
function breaksAtSeams({ numbers, presented, dropped }: Watched): Break[] {
  const since = (counts: (number | null)[], index: number) =>
    (counts[index + 1] ?? 0) - (counts[index] ?? 0);
  return numbers.slice(1)
    .map((to, index) => ({
      from: numbers[index] ?? -1,
      to: to ?? -1,
      steps: Math.max(1, since(presented, index)) + since(dropped, index),
    }))
    .filter(({ from, to, steps }) => to <= from || to - from > steps)
    .filter(({ from, to }) => NEAR_SEAMS.some((number) => from <= number && number <= to));
}

for (const format of ["webm", "mp4"] as const) {
  test(`three overlapping ${format} files play as one film, every picture once`, async (stage) => {
    const film = await stage.film(THREE_PARTS(format));
    const found = await watch(stage, film);
    assert.deepEqual(breaksAtSeams(found), []);
    assert.deepEqual(found.numbers, found.numbers.toSorted((a, b) => (a ?? -1) - (b ?? -1)));
    assert.deepEqual(found.events.filter((name) => name !== "waiting"), ["pause", "ended"]);
    assert.equal(found.technique, "media-source");
    assert.ok(Math.abs(found.durationSeconds - 7) < 0.1, `${found.durationSeconds} s`);
  });

  test(`a seek about a seam of ${format} files lands on the very picture`, async (stage) => {
    await stage.show(await stage.film(THREE_PARTS(format)));
    const found = await stage.page.evaluate(
      (wanted) => gaplessStudio.picturesAt(wanted),
      NEAR_SEAMS,
    );
    assert.deepEqual(found, NEAR_SEAMS);
  });
}

test("the sound has no hole and no jump over two seams", async (stage) => {
  const film = await stage.film(THREE_PARTS("webm"));
  await stage.show(film);
  const heard = await stage.page.evaluate(() => gaplessStudio.listen(0.5, 6.5));
  assert.deepEqual(heard.holes, []);
  assert.ok(heard.maxJumpMs <= 10, `The sound jumps by ${heard.maxJumpMs} ms`);
  assert.ok(heard.matched > 0.8, `${heard.matched}`);
});

test("where files come only whole, two elements take turns at the seams", async (stage) => {
  stage.manners.set("*", { wholeFiles: true });
  const film = await stage.film(THREE_PARTS("webm"));
  const found = await watch(stage, film);
  // What was on screen is all that is known here: a busy page may not see every frame.
  const skipped = breaksAtSeams(found).filter(({ from, to }) => to - from > 15);
  assert.equal(found.technique, "two-elements");
  assert.deepEqual(skipped, []);
  assert.deepEqual(found.events.filter((name) => name !== "waiting"), ["pause", "ended"]);
});
