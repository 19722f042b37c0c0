/** What goes wrong with files and networks while a film plays. */
import assert from "node:assert/strict";
import type { Film } from "../../lib/recording/views.ts";
import { type Stage, testsOnOneStage } from "./stage.ts";

const test = testsOnOneStage();

const OVERLAPPING = [
  { fromSeconds: 0, seconds: 4, format: "webm" as const },
  { fromSeconds: 3, seconds: 4, format: "webm" as const },
  { fromSeconds: 6, seconds: 4, format: "webm" as const },
];
/**
 * Longer than what is kept ahead: it must be read while it plays. No WebM: to open that its end is read,
 * and that would wait for the pieces before it which are held.
 */
const LONG = [{ fromSeconds: 0, seconds: 45, format: "mp4" as const }];

/** The same film with one part changed. */
function changed(film: Film, seq: number, part: Partial<Film["parts"][number]>): Film {
  return { ...film, parts: film.parts.map((p) => p.seq === seq ? { ...p, ...part } : p) };
}

test("a film with a missing part, in each of its ways, is played to its end", async (stage) => {
  const film = await stage.film(OVERLAPPING);
  const middle = film.parts[1]?.archiveId ?? "";
  const crossedIn = async (film: Film) => {
    const { ended, atSeconds, crossings } = await stage.playFrom(film, 2);
    assert.ok(ended && atSeconds > 9.9, `Stopped at ${atSeconds} s`);
    return crossings.map((crossing) => crossing.parts);
  };
  for (
    const [status, reason] of [
      ["deleted", "was deleted"],
      ["failed", "failed to record"],
      ["expired", "has expired"],
    ] as const
  ) assert.deepEqual(await crossedIn(changed(film, 1, { status })), [[{ seq: 1, reason }]]);

  const lost = changed(film, 1, { mediaUrl: "/api/archives/nowhere/media" });
  assert.deepEqual(await crossedIn(lost), [[{ seq: 1, reason: "is no longer there" }]]);

  stage.replaceFile(middle, new TextEncoder().encode("Not a film"));
  assert.deepEqual(await crossedIn(film), [[{ seq: 1, reason: "is not a WebM or MP4 file" }]]);

  const gap = { ...film, parts: film.parts.filter((part) => part.seq !== 1) };
  assert.deepEqual(await crossedIn(gap), [[]]);
});

test("a missing part is crossed by two elements too", async (stage) => {
  stage.manners.set("*", { noCors: true });
  const film = changed(await stage.film(OVERLAPPING), 1, { status: "deleted" });
  const { ended, technique, crossings } = await stage.playFrom(film, 2);
  assert.deepEqual([ended, technique], [true, "two-elements"]);
  assert.deepEqual(crossings.map((c) => c.parts), [[{ seq: 1, reason: "was deleted" }]]);
});

test("a part that comes later is played without starting over", async (stage) => {
  const film = await stage.film(OVERLAPPING);
  await stage.show(changed(film, 2, { status: "stopped", durationSeconds: null }));
  await stage.page.evaluate(() => gaplessStudio.seekAndPlay(5.5));
  const waiting = await stage.page.evaluate(() =>
    gaplessStudio.until((player) => player.notice.kind === "awaiting-part" && player.notice)
  );
  assert.deepEqual(waiting, { kind: "awaiting-part", seq: 2, reason: "is being prepared" });
  const end = await stage.page.evaluate((film) => {
    const player = document.querySelector("gapless-video");
    if (player) player.film = film;
    return gaplessStudio.until((player) => player.ended && player.currentTime);
  }, film);
  assert.ok(end > 9.9, `Ended at ${end} s`);
});

/**
 * Shows a film that comes in small pieces, not all of them before {@link expireAddresses}, and counts
 * what is asked of the app from then on.
 */
async function showInPieces(stage: Stage): Promise<() => number> {
  stage.manners.set("*", { pieceBytes: 20_000, held: { from: 0.74, to: 0.8 } });
  await stage.show(await stage.film(LONG));
  await stage.page.evaluate(() =>
    gaplessStudio.until((player) => player.buffered.length > 0 && player.buffered.end(0) > 29)
  );
  const asked = stage.log.resolved.length;
  return () => stage.log.resolved.length - asked;
}

/** Lets every address expire, and those pieces come that were held back. */
function expireAddresses(stage: Stage): void {
  stage.expireAddresses();
  stage.manners.set("*", { pieceBytes: 20_000 });
}

test("addresses that expire while the film plays are renewed unseen", async (stage) => {
  const renewals = await showInPieces(stage);
  expireAddresses(stage);
  const seen = await stage.page.evaluate(async () => {
    const player = document.querySelector("gapless-video");
    if (player) player.playbackRate = 8;
    await gaplessStudio.seekAndPlay(1);
    return await gaplessStudio.until((player) => player.ended && player.notice.kind);
  });
  assert.equal(seen, "none");
  // The part was never opened again: its own address was asked for once more.
  assert.equal(renewals(), 1);
});

test("addresses that expire in a pause are renewed when the film goes on", async (stage) => {
  const renewals = await showInPieces(stage);
  await stage.page.evaluate(async () => {
    await gaplessStudio.seekAndPlay(1);
    document.querySelector("gapless-video")?.pause();
  });
  expireAddresses(stage);
  const seen = await stage.page.evaluate(async () => {
    const player = document.querySelector("gapless-video");
    if (player) player.playbackRate = 8;
    await player?.play();
    return await gaplessStudio.until((player) => player.ended && player.notice.kind);
  });
  assert.equal(seen, "none");
  assert.equal(renewals(), 1);
});

test("addresses that expired before a seek are renewed for it", async (stage) => {
  const renewals = await showInPieces(stage);
  expireAddresses(stage);
  assert.deepEqual(
    await stage.page.evaluate(() => gaplessStudio.picturesAt([1_290, 30])),
    [1_290, 30],
  );
  // The file is opened anew at each place that is not in memory.
  assert.ok(renewals() <= 3, `${renewals()}`);
});

test("two elements get new addresses where the old ones expired", async (stage) => {
  await stage.open(() => Reflect.deleteProperty(globalThis, "MediaSource"));
  const film = await stage.film(OVERLAPPING);
  await stage.show(film);
  stage.expireAddresses();
  const end = await stage.page.evaluate(async () => {
    const player = document.querySelector("gapless-video");
    if (player) player.playbackRate = 4;
    await gaplessStudio.seekAndPlay(2);
    return await gaplessStudio.until((player) => player.ended && player.currentTime);
  });
  assert.ok(end > 9.9, `Ended at ${end} s`);
});

test("no answer is told, and Retry goes on where playback was", async (stage) => {
  const film = await stage.film(OVERLAPPING);
  stage.manners.set(film.parts[1]?.archiveId ?? "", { status: 503 });
  await stage.show(film);
  const message = await stage.page.evaluate(async () => {
    const told = gaplessStudio.until((player) =>
      player.notice.kind === "error" && player.notice.message
    );
    // The wait before each further try is over when the browser says so.
    const hurry = setInterval(() => dispatchEvent(new Event("online")), 200);
    addEventListener("gapless-notice", () => clearInterval(hurry), { capture: true });
    // On a busy machine the end of the tries comes before the film plays.
    gaplessStudio.seekAndPlay(2.5).catch(() => {});
    return await told;
  });
  assert.match(message, /cannot be reached/);
  stage.manners.clear();
  const end = await stage.page.evaluate(() => {
    document.querySelector("gapless-video")?.retry();
    return gaplessStudio.until((player) => player.ended && player.currentTime);
  });
  assert.ok(end > 9.9, `Ended at ${end} s`);
});

for (const technique of ["media-source", "two-elements"] as const) {
  test(`offline is told at once, and back online the film goes on: ${technique}`, async (stage) => {
    if (technique === "two-elements") {
      await stage.open(() => Reflect.deleteProperty(globalThis, "MediaSource"));
    }
    const film = await stage.film([
      { fromSeconds: 0, seconds: 4, format: "webm" },
      { fromSeconds: 0, seconds: 6, format: "webm", placeSeconds: 100 },
    ]);
    const { page } = stage;
    await stage.show({ ...film, durationSeconds: 106 });
    await page.context().setOffline(true);
    const message = await page.evaluate(() => {
      void gaplessStudio.seekAndPlay(102);
      return gaplessStudio.until((player) =>
        player.notice.kind === "error" && player.notice.message
      );
    });
    assert.match(message, /no connection/i);
    await page.context().setOffline(false);
    const went = await page.evaluate(() =>
      gaplessStudio.until((player) => player.ended && [player.notice.kind, player.currentTime])
    );
    assert.equal(went[0], "none");
    assert.ok(Number(went[1]) > 105.9, `Ended at ${went[1]} s`);
    assert.equal(
      await page.evaluate(() => document.querySelector("gapless-video")?.dataset.technique),
      technique,
    );
  });
}

test("a browser that refuses all media holds up nothing else on the page", async (stage) => {
  await stage.open(() => {
    const refuse = () => {
      throw new DOMException("Busy", "InvalidStateError");
    };
    Object.assign(SourceBuffer.prototype, { appendBuffer: refuse });
    Object.assign(MediaSource.prototype, { endOfStream: refuse });
  });
  const film = await stage.film([{ fromSeconds: 0, seconds: 2, format: "webm" }]);
  const { ticks, playable } = await stage.page.evaluate(async (film) => {
    const player = document.querySelector("gapless-video");
    if (!player) throw new Error("There is no player");
    player.film = film;
    let ticks = 0;
    for (const endMs = performance.now() + 1_000; performance.now() < endMs; ticks++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return { ticks, playable: player.timeline?.segments.length };
  }, film);
  assert.ok(ticks > 10, `${ticks} ticks`);
  assert.equal(playable, 0);
});
