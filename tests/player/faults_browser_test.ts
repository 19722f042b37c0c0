/** What goes wrong with files and networks while a film plays. */
import assert from "node:assert/strict";
import type { GaplessVideo } from "../../lib/player/gapless_video.ts";
import type { Film } from "../../lib/recording/views.ts";
import {
  hurryWaits,
  overlapping,
  type Stage,
  testsOnOneStage,
  withoutMediaSource,
} from "./stage.ts";

const test = testsOnOneStage();

/**
 * Longer than what is kept ahead: it must be read while it plays. No WebM: to open that its end is read,
 * and that would wait for the pieces before it which are held.
 */
const LONG = [{ fromSeconds: 0, seconds: 45, format: "mp4" as const }];

/** What the viewer is told is wrong; runs in the page. */
function messageOf({ notice }: GaplessVideo): string | false {
  return notice.kind === "error" && notice.message;
}

/** The same film with one part changed. */
function changed(film: Film, seq: number, part: Partial<Film["parts"][number]>): Film {
  return { ...film, parts: film.parts.map((p) => p.seq === seq ? { ...p, ...part } : p) };
}

/** Puts a film on the page and plays over its middle to the end, 6 s; answers what was crossed. */
async function crossedIn(stage: Stage, film: Film) {
  await stage.show(film);
  const { ended, atSeconds, crossings } = await stage.playFrom(1.5);
  assert.ok(ended && atSeconds > 5.9, `Stopped at ${atSeconds} s`);
  return crossings.map(({ parts }) => parts);
}

test("a film with a missing part, in each of its ways, is played to its end", async (stage) => {
  const film = await stage.film(overlapping());
  const middle = film.parts[1]?.archiveId ?? "";
  for (
    const [status, reason] of [
      ["deleted", "was deleted"],
      ["failed", "failed to record"],
      ["expired", "has expired"],
    ] as const
  ) {
    const crossed = await crossedIn(stage, changed(film, 1, { status }));
    assert.deepEqual(crossed, [[{ seq: 1, reason }]]);
  }

  const lost = changed(film, 1, { mediaUrl: "/api/archives/nowhere/media" });
  assert.deepEqual(await crossedIn(stage, lost), [[{ seq: 1, reason: "is no longer there" }]]);

  stage.replaceFile(middle, new TextEncoder().encode("Not a film"));
  const reason = "is not a WebM or MP4 file";
  assert.deepEqual(await crossedIn(stage, film), [[{ seq: 1, reason }]]);

  const gap = { ...film, parts: film.parts.filter((part) => part.seq !== 1) };
  assert.deepEqual(await crossedIn(stage, gap), [[]]);
}, { prepare: hurryWaits });

test("a missing part is crossed by two elements too", async (stage) => {
  stage.manners.set("*", { noCors: true });
  const film = changed(await stage.film(overlapping()), 1, { status: "deleted" });
  assert.deepEqual(await crossedIn(stage, film), [[{ seq: 1, reason: "was deleted" }]]);
  assert.equal(await stage.until((player) => player.dataset.technique ?? false), "two-elements");
});

test("a part that comes later is played without starting over", async (stage) => {
  const film = await stage.film(overlapping());
  await stage.show(changed(film, 2, { status: "stopped", durationSeconds: null }));
  await stage.page.evaluate(() => gaplessStudio.seekAndPlay(3.5, 4));
  const waiting = await stage.until(({ notice }) => notice.kind === "awaiting-part" && notice);
  assert.deepEqual(waiting, { kind: "awaiting-part", seq: 2, reason: "is being prepared" });
  await stage.page.evaluate((film) => gaplessStudio.findPlayer().film = film, film);
  const end = await stage.until((player) => player.ended && player.currentTime);
  assert.ok(end > 5.9, `Ended at ${end} s`);
});

/**
 * Shows a film that comes in small pieces, not all of them before {@link expireAddresses}, and counts
 * what is asked of the app from then on.
 */
async function showInPieces(stage: Stage): Promise<() => number> {
  stage.manners.set("*", { pieceBytes: 20_000, held: { from: 0.74, to: 0.8 } });
  await stage.show(await stage.film(LONG));
  await stage.until(({ buffered }) => buffered.length > 0 && buffered.end(0) > 29);
  const asked = stage.resolved.length;
  return () => stage.resolved.length - asked;
}

/** Lets every address expire, and those pieces come that were held back. */
function expireAddresses(stage: Stage): void {
  stage.expireAddresses();
  stage.manners.set("*", { pieceBytes: 20_000 });
}

test("addresses that expire while the film plays are renewed unseen", async (stage) => {
  const renewals = await showInPieces(stage);
  expireAddresses(stage);
  const { ended, notice } = await stage.playFrom(20, 8);
  assert.deepEqual([ended, notice], [true, "none"]);
  // The part was never opened again: its own address was asked for once more.
  assert.equal(renewals(), 1);
});

test("addresses that expire in a pause are renewed when the film goes on", async (stage) => {
  const renewals = await showInPieces(stage);
  await stage.page.evaluate(async () => {
    await gaplessStudio.seekAndPlay(20, 8);
    gaplessStudio.findPlayer().pause();
  });
  expireAddresses(stage);
  await stage.page.evaluate(() => gaplessStudio.findPlayer().play());
  assert.equal(await stage.until((player) => player.ended && player.notice.kind), "none");
  assert.equal(renewals(), 1);
});

test("addresses that expired before a seek are renewed for it", async (stage) => {
  const renewals = await showInPieces(stage);
  expireAddresses(stage);
  assert.deepEqual(await stage.picturesAt([1_290, 30]), [1_290, 30]);
  // The file is opened anew at each place that is not in memory.
  assert.ok(renewals() <= 3, `${renewals()}`);
});

test("two elements get new addresses where the old ones expired", async (stage) => {
  await stage.show(await stage.film(overlapping()));
  stage.expireAddresses();
  const { ended, atSeconds } = await stage.playFrom(1);
  assert.ok(ended && atSeconds > 5.9, `Stopped at ${atSeconds} s`);
}, { prepare: withoutMediaSource });

test("no answer is told, and Retry goes on where playback was", async (stage) => {
  const film = await stage.film(overlapping());
  stage.manners.set(film.parts[1]?.archiveId ?? "", { status: 503 });
  await stage.show(film);
  await stage.page.evaluate(() => {
    // On a busy machine the end of the tries comes before the film plays.
    gaplessStudio.seekAndPlay(1.5, 4).catch(() => {});
  });
  assert.match(await stage.until(messageOf), /cannot be reached/);
  stage.manners.clear();
  await stage.page.evaluate(() => gaplessStudio.findPlayer().retry());
  const end = await stage.until((player) => player.ended && player.currentTime);
  assert.ok(end > 5.9, `Ended at ${end} s`);
}, { prepare: hurryWaits });

for (const technique of ["media-source", "two-elements"] as const) {
  test(`offline is told at once, and back online the film goes on: ${technique}`, async (stage) => {
    const film = await stage.film([
      { fromSeconds: 0, seconds: 2, format: "webm" },
      { fromSeconds: 0, seconds: 6, format: "webm", placeSeconds: 100 },
    ]);
    const context = stage.page.context();
    await stage.show(film);
    await context.setOffline(true);
    await stage.page.evaluate(() => void gaplessStudio.seekAndPlay(102, 4));
    assert.match(await stage.until(messageOf), /no connection/i);
    await context.setOffline(false);
    const [notice, end] = await stage.until((player) =>
      player.ended && [player.notice.kind, player.currentTime] as const
    );
    assert.equal(notice, "none");
    assert.ok(end > 105.9, `Ended at ${end} s`);
    assert.equal(await stage.until((player) => player.dataset.technique ?? false), technique);
  }, technique === "two-elements" ? { prepare: withoutMediaSource } : {});
}

function refuseMedia(): void {
  const refuse = () => {
    throw new DOMException("Busy", "InvalidStateError");
  };
  Object.assign(SourceBuffer.prototype, { appendBuffer: refuse });
  Object.assign(MediaSource.prototype, { endOfStream: refuse });
}

test("a browser that refuses all media holds up nothing else on the page", async (stage) => {
  const film = await stage.film([{ fromSeconds: 0, seconds: 2, format: "webm" }]);
  const { ticks, playable } = await stage.page.evaluate(async (film) => {
    const player = gaplessStudio.findPlayer();
    player.film = film;
    let ticks = 0;
    for (const endMs = performance.now() + 1_000; performance.now() < endMs; ticks++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return { ticks, playable: player.timeline?.segments.length };
  }, film);
  assert.ok(ticks > 10, `${ticks} ticks`);
  assert.equal(playable, 0);
}, { prepare: refuseMedia });
