import assert from "node:assert/strict";
import type { Film } from "../../lib/recording/views.ts";
import { openStage, type Stage } from "./stage.ts";

const THREE_PARTS = (format: "webm" | "mp4") => [
  { fromSeconds: 0, seconds: 8, format },
  { fromSeconds: 6, seconds: 8, format },
  { fromSeconds: 12, seconds: 8, format },
];

interface Watched {
  numbers: (number | null)[];
  longestMs: number;
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
    const find = () => player.visibleVideo;
    const done = (samples: { number: number | null }[]) => (samples.at(-1)?.number ?? 0) >= 590;
    // Frame callbacks cost least, but say nothing when another element comes on screen.
    const seen = player.dataset.technique === "media-source"
      ? gaplessTest.watch(find, "green", done)
      : gaplessStudio.watchScreen(find, done);
    const ended = new Promise((resolve) => player.addEventListener("ended", resolve));
    await player.play();
    const late = new Promise<never>((_, reject) =>
      setTimeout(() => reject(new Error(`Playback hangs at ${player.currentTime} s`)), 60_000)
    );
    const samples = await Promise.race([seen, late]);
    await Promise.race([ended, late]);
    const changes = samples.filter((sample, index) => sample.number !== samples[index - 1]?.number);
    const waits = changes.slice(1).map((change, index) =>
      change.atMs - (changes[index]?.atMs ?? 0)
    );
    return {
      numbers: changes.map((change) => change.number),
      longestMs: Math.max(...waits),
      events,
      technique: player.dataset.technique,
      durationSeconds: player.duration,
    };
  });
}

/** The pictures about the seams, at 6 s and at 12 s of the film. */
const NEAR_SEAMS = [180, 360].flatMap((seam) =>
  Array.from({ length: 30 }, (_, i) => seam - 15 + i)
);

interface Break {
  from: number;
  to: number;
}

/** Where a number does not follow the one before by exactly one, near a seam. */
function breaksAtSeams(numbers: (number | null)[]): Break[] {
  return numbers.slice(1)
    .map((to, index) => ({ from: numbers[index] ?? -1, to: to ?? -1 }))
    .filter(({ from, to }) => to !== from + 1)
    .filter(({ from, to }) => NEAR_SEAMS.some((number) => from <= number && number <= to));
}

for (const format of ["webm", "mp4"] as const) {
  Deno.test(`three overlapping ${format} files play as one film, every picture once`, async () => {
    const stage = await openStage();
    try {
      const film = await stage.film(THREE_PARTS(format));
      let found = await watch(stage, film);
      // A busy machine drops pictures anywhere; a wrong seam drops them every time.
      for (let again = 0; again < 3 && breaksAtSeams(found.numbers).length > 0; again++) {
        found = await watch(stage, film);
      }
      assert.deepEqual(breaksAtSeams(found.numbers), []);
      assert.deepEqual(found.numbers, found.numbers.toSorted((a, b) => (a ?? -1) - (b ?? -1)));
      assert.deepEqual(found.events.filter((name) => name !== "waiting"), ["pause", "ended"]);
      assert.equal(found.technique, "media-source");
      assert.ok(Math.abs(found.durationSeconds - 20) < 0.1, `${found.durationSeconds} s`);
    } finally {
      await stage.close();
    }
  });

  Deno.test(`a seek about a seam of ${format} files lands on the very picture`, async () => {
    const stage = await openStage();
    try {
      await stage.show(await stage.film(THREE_PARTS(format)));
      const found = await stage.page.evaluate(
        (wanted) => gaplessStudio.picturesAt(wanted),
        NEAR_SEAMS,
      );
      assert.deepEqual(found, NEAR_SEAMS);
    } finally {
      await stage.close();
    }
  });
}

Deno.test("the sound has no hole and no jump over two seams", async () => {
  const stage = await openStage();
  try {
    const film = await stage.film(THREE_PARTS("webm"));
    await stage.show(film);
    let heard = await stage.page.evaluate(() => gaplessStudio.listen(4, 15));
    // A busy machine leaves holes anywhere.
    for (let again = 0; again < 3 && heard.holes.length > 0; again++) {
      await stage.show(film);
      heard = await stage.page.evaluate(() => gaplessStudio.listen(4, 15));
    }
    assert.deepEqual(heard.holes, []);
    assert.ok(heard.maxJumpMs <= 10, `The sound jumps by ${heard.maxJumpMs} ms`);
    assert.ok(heard.matched > 0.8, `${heard.matched}`);
  } finally {
    await stage.close();
  }
});

Deno.test("where files come only whole, two elements take turns at the seams", async () => {
  // One origin, so that the test may read the pictures.
  const stage = await openStage({ oneOrigin: true });
  try {
    stage.manners.set("*", { wholeFiles: true });
    const film = await stage.film(THREE_PARTS("webm"));
    let found = await watch(stage, film);
    const skipped = () => breaksAtSeams(found.numbers).filter(({ from, to }) => to - from > 3);
    for (let again = 0; again < 3 && skipped().length > 0; again++) {
      found = await watch(stage, film);
    }
    assert.equal(found.technique, "two-elements");
    assert.deepEqual(skipped(), []);
    assert.deepEqual(found.events.filter((name) => name !== "waiting"), ["pause", "ended"]);
  } finally {
    await stage.close();
  }
});
