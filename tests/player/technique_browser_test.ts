/** How a film is played where browser, server or files leave no choice; the film is the same. */
import assert from "node:assert/strict";
import type { Film } from "../../lib/recording/views.ts";
import { type Stage, testsOnOneStage } from "./stage.ts";

const test = testsOnOneStage();

const OVERLAPPING = [
  { fromSeconds: 0, seconds: 4, format: "webm" as const },
  { fromSeconds: 3, seconds: 4, format: "webm" as const },
  { fromSeconds: 6, seconds: 4, format: "webm" as const },
];

/** Plays over the film's last seams and answers how that was done. */
async function techniqueOf(stage: Stage, film: Film): Promise<[string?, string?]> {
  const played = await stage.playFrom(film, 2);
  assert.deepEqual([played.ended, played.crossings], [true, []]);
  assert.ok(played.atSeconds > film.durationSeconds - 0.1, `Stopped at ${played.atSeconds} s`);
  const { technique, techniqueReason } = await stage.page.evaluate(() => ({
    ...document.querySelector("gapless-video")?.dataset,
  }));
  return [technique, techniqueReason];
}

test("a browser without MediaSource takes turns with two elements", async (stage) => {
  await stage.open(() => Reflect.deleteProperty(globalThis, "MediaSource"));
  const film = await stage.film(OVERLAPPING);
  assert.deepEqual(await techniqueOf(stage, film), ["two-elements", "No MediaSource"]);
});

test("a browser with a managed MediaSource only is fed as it asks to be", async (stage) => {
  await stage.open(() => {
    Reflect.set(globalThis, "ManagedMediaSource", MediaSource);
    Reflect.deleteProperty(globalThis, "MediaSource");
  });
  const film = await stage.film(OVERLAPPING);
  assert.deepEqual(await techniqueOf(stage, film), ["media-source", undefined]);
  const remote = await stage.page.evaluate(() =>
    document.querySelector("gapless-video")?.visibleVideo.disableRemotePlayback
  );
  assert.equal(remote, true);
});

test("a browser that does not stream the codec takes turns with two elements", async (stage) => {
  await stage.open(() => {
    const isTypeSupported = MediaSource.isTypeSupported.bind(MediaSource);
    MediaSource.isTypeSupported = (type) => !type.includes("vp8") && isTypeSupported(type);
  });
  const [technique, reason] = await techniqueOf(stage, await stage.film(OVERLAPPING));
  assert.equal(technique, "two-elements");
  assert.match(reason ?? "", /does not stream video\/webm; codecs="vp8"/);
});

test("files that scripts may not read, or only whole, are played in two elements", async (stage) => {
  const film = await stage.film(OVERLAPPING);
  for (const manners of [{ noCors: true }, { wholeFiles: true }]) {
    stage.manners.set("*", manners);
    assert.deepEqual(await techniqueOf(stage, film), [
      "two-elements",
      "The files cannot be read in pieces",
    ]);
  }
});

test("a film with a part that lacks sound or picture is played in two elements", async (stage) => {
  const [first, second] = OVERLAPPING;
  for (const lacking of [{ sound: false }, { picture: false }]) {
    const film = await stage.film([{ ...first, format: "webm", fromSeconds: 0, seconds: 4 }, {
      ...second,
      fromSeconds: 3,
      seconds: 4,
      format: "webm",
      ...lacking,
    }]);
    assert.deepEqual(await techniqueOf(stage, film), [
      "two-elements",
      "A part has other tracks than the parts before it",
    ]);
  }
});

test("a film that is asked to play before its technique is known plays", async (stage) => {
  const film = await stage.film([
    { fromSeconds: 0, seconds: 4, format: "webm" },
    { fromSeconds: 3, seconds: 4, format: "webm", sound: false },
  ]);
  const played = await stage.page.evaluate(async (film) => {
    const player = document.querySelector("gapless-video");
    if (!player) throw new Error("There is no player");
    player.film = film;
    await player.play();
    await gaplessStudio.until((player) => player.dataset.technique === "two-elements");
    return !player.paused;
  }, film);
  assert.ok(played);
});

test("films all of sound, or all without, are one element's", async (stage) => {
  for (const lacking of [{ sound: false }, { picture: false }]) {
    const film = await stage.film(OVERLAPPING.map((part) => ({ ...part, ...lacking })));
    assert.deepEqual(await techniqueOf(stage, film), ["media-source", undefined]);
  }
});

test("parts of different codecs and sizes play as one film in one element", async (stage) => {
  const film = await stage.film([
    { fromSeconds: 0, seconds: 4, format: "webm" },
    { fromSeconds: 3, seconds: 4, format: "mp4", width: 320, height: 180 },
    { fromSeconds: 6, seconds: 4, format: "webm", width: 256, height: 144 },
  ]);
  assert.deepEqual(await techniqueOf(stage, film), ["media-source", undefined]);
  const wanted = [75, 89, 91, 120, 179, 181, 290];
  assert.deepEqual(
    await stage.page.evaluate((numbers) => gaplessStudio.picturesAt(numbers), wanted),
    wanted,
  );
});
