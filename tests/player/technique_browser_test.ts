/** How a film is played where browser, server or files leave no choice; the film is the same. */
import assert from "node:assert/strict";
import type { Film } from "../../lib/recording/views.ts";
import { overlapping, type Stage, testsOnOneStage, withoutMediaSource } from "./stage.ts";

const test = testsOnOneStage();

/** Plays over the film's seams and answers how that was done. */
async function techniqueOf(stage: Stage, film: Film): Promise<[string?, string?]> {
  await stage.show(film);
  const played = await stage.playFrom(1.5);
  assert.deepEqual([played.ended, played.crossings], [true, []]);
  assert.ok(played.atSeconds > film.durationSeconds - 0.1, `Stopped at ${played.atSeconds} s`);
  const { technique, techniqueReason } = await stage.page.evaluate(() => ({
    ...gaplessStudio.findPlayer().dataset,
  }));
  return [technique, techniqueReason];
}

test("a browser without MediaSource takes turns with two elements", async (stage) => {
  const film = await stage.film(overlapping());
  assert.deepEqual(await techniqueOf(stage, film), ["two-elements", "No MediaSource"]);
}, { prepare: withoutMediaSource });

function withManagedMediaSource(): void {
  Reflect.set(globalThis, "ManagedMediaSource", MediaSource);
  Reflect.deleteProperty(globalThis, "MediaSource");
}

test("a browser with a managed MediaSource only is fed as it asks to be", async (stage) => {
  const film = await stage.film(overlapping());
  assert.deepEqual(await techniqueOf(stage, film), ["media-source", undefined]);
  await stage.until((player) => player.visibleVideo.disableRemotePlayback);
}, { prepare: withManagedMediaSource });

function withoutVp8(): void {
  const isTypeSupported = MediaSource.isTypeSupported.bind(MediaSource);
  MediaSource.isTypeSupported = (type) => !type.includes("vp8") && isTypeSupported(type);
}

test("a browser that does not stream the codec takes turns with two elements", async (stage) => {
  const [technique, reason] = await techniqueOf(stage, await stage.film(overlapping()));
  assert.equal(technique, "two-elements");
  assert.match(reason ?? "", /does not stream video\/webm; codecs="vp8"/);
}, { prepare: withoutVp8 });

test("files that scripts may not read, or only whole, are played in two elements", async (stage) => {
  const film = await stage.film(overlapping());
  const reason = "The files cannot be read in pieces";
  for (const manners of [{ noCors: true }, { wholeFiles: true }]) {
    stage.manners.set("*", manners);
    assert.deepEqual(await techniqueOf(stage, film), ["two-elements", reason]);
  }
});

test("a film with a part that lacks sound or picture is played in two elements", async (stage) => {
  const reason = "A part has other tracks than the parts before it";
  for (const lacking of [{ sound: false }, { picture: false }]) {
    const film = await stage.film([
      { fromSeconds: 0, seconds: 3, format: "webm" },
      { fromSeconds: 2, seconds: 3, format: "webm", ...lacking },
    ]);
    assert.deepEqual(await techniqueOf(stage, film), ["two-elements", reason]);
  }
});

test("a film that is asked to play before its technique is known plays", async (stage) => {
  const film = await stage.film([
    { fromSeconds: 0, seconds: 3, format: "webm" },
    { fromSeconds: 2, seconds: 3, format: "webm", sound: false },
  ]);
  const played = await stage.page.evaluate(async (film) => {
    const player = gaplessStudio.findPlayer();
    player.film = film;
    await player.play();
    await gaplessStudio.until((player) => player.dataset.technique === "two-elements");
    return !player.paused;
  }, film);
  assert.ok(played);
});

test("films all of sound, or all without, are one element's", async (stage) => {
  for (const lacking of [{ sound: false }, { picture: false }]) {
    const film = await stage.film(overlapping().map((part) => ({ ...part, ...lacking })));
    assert.deepEqual(await techniqueOf(stage, film), ["media-source", undefined]);
  }
});

test("parts of different codecs and sizes play as one film in one element", async (stage) => {
  const film = await stage.film([
    { fromSeconds: 0, seconds: 3, format: "webm" },
    { fromSeconds: 2, seconds: 3, format: "mp4", width: 320, height: 180 },
    { fromSeconds: 4, seconds: 3, format: "webm", width: 256, height: 144 },
  ]);
  assert.deepEqual(await techniqueOf(stage, film), ["media-source", undefined]);
  const wanted = [45, 59, 61, 90, 119, 121, 200];
  assert.deepEqual(await stage.picturesAt(wanted), wanted);
});
