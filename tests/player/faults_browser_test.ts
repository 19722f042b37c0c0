import assert from "node:assert/strict";
import type { Film } from "../../lib/recording/views.ts";
import { openStage, type Stage } from "./stage.ts";

/** One stage for all: recording films and starting browsers are what takes time. */
async function onStage(play: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = await openStage();
  try {
    await play(stage);
  } finally {
    await stage.close();
  }
}

const OVERLAPPING = [
  { fromSeconds: 0, seconds: 4, format: "webm" as const },
  { fromSeconds: 3, seconds: 4, format: "webm" as const },
  { fromSeconds: 6, seconds: 4, format: "webm" as const },
];
/** The same film with one part changed. */
function changed(film: Film, seq: number, part: Partial<Film["parts"][number]>): Film {
  return { ...film, parts: film.parts.map((p) => p.seq === seq ? { ...p, ...part } : p) };
}

Deno.test("a film with a missing part, in each of its ways, is played to its end", () =>
  onStage(async (stage) => {
    const film = await stage.film(OVERLAPPING);
    const deleted = changed(film, 1, { status: "deleted" });
    const crossed = await stage.playFrom(deleted, 3);
    assert.deepEqual(crossed.crossings.map((c) => c.parts), [[{ seq: 1, reason: "was deleted" }]]);
    assert.ok(crossed.atSeconds > 9.9, `Stopped at ${crossed.atSeconds} s`);

    const lost = changed(film, 1, { mediaUrl: "/api/archives/nowhere/media" });
    const gone = await stage.playFrom(lost, 3);
    assert.deepEqual(gone.crossings.map((c) => c.parts), [[{
      seq: 1,
      reason: "is no longer there",
    }]]);
    assert.equal(gone.ended, true);

    const [first] = film.parts;
    stage.replaceFile(film.parts[1]?.archiveId ?? "", new TextEncoder().encode("Not a film"));
    const broken = await stage.playFrom(film, 3);
    assert.equal(broken.crossings[0]?.parts[0]?.reason, "is not a WebM or MP4 file");
    assert.equal(broken.ended, true);

    const gap = await stage.playFrom(
      { ...film, parts: film.parts.filter((part) => part.seq !== 1) },
      3,
    );
    assert.deepEqual(gap.crossings.map((c) => c.parts), [[]]);
    assert.equal(first?.seq, 0);
  }));

Deno.test("a part that comes later is played without starting over", () =>
  onStage(async (stage) => {
    const film = await stage.film(OVERLAPPING);
    await stage.show(changed(film, 2, { status: "stopped", durationSeconds: null }));
    await stage.page.evaluate(() => gaplessStudio.seekAndPlay(5.5));
    const waiting = await stage.page.evaluate(() =>
      gaplessStudio.until((player) => player.notice.kind === "awaiting-part" && player.notice)
    );
    assert.deepEqual(waiting, { kind: "awaiting-part", seq: 2, reason: "is being prepared" });
    await stage.page.evaluate((film) => {
      const player = document.querySelector("gapless-video");
      if (player) player.film = film;
    }, film);
    const end = await stage.page.evaluate(() =>
      gaplessStudio.until((player) => player.ended && player.currentTime)
    );
    assert.ok(end > 9.9, `Ended at ${end} s`);
  }));

Deno.test("addresses that expire while the film plays are renewed unseen", () =>
  onStage(async (stage) => {
    stage.manners.set("*", { pieceBytes: 20_000 });
    const film = await stage.film([{ fromSeconds: 0, seconds: 50, format: "webm" }]);
    await stage.show(film);
    const asked = stage.log.resolved.length;
    stage.expireAddresses();
    const seen = await stage.page.evaluate(async () => {
      const player = document.querySelector("gapless-video");
      if (player) player.playbackRate = 8;
      await gaplessStudio.seekAndPlay(1);
      return await gaplessStudio.until((player) => player.ended && player.notice.kind);
    });
    assert.equal(seen, "none");
    // The part was never opened again: its own address was asked for once more.
    assert.equal(stage.log.resolved.length, asked + 1);
  }));

Deno.test("no network is told, and Retry goes on where playback was", () =>
  onStage(async (stage) => {
    const film = await stage.film(OVERLAPPING);
    const [, second] = film.parts;
    stage.manners.set(second?.archiveId ?? "", { status: 503 });
    await stage.show(film);
    await stage.page.evaluate(() => gaplessStudio.seekAndPlay(3));
    const message = await stage.page.evaluate(() =>
      gaplessStudio.until((player) => player.notice.kind === "error" && player.notice.message)
    );
    assert.match(message, /cannot be reached/);
    const before = await stage.page.evaluate(() =>
      document.querySelector("gapless-video")?.currentTime
    );
    assert.ok(before !== undefined && before > 3, `At ${before} s`);
    stage.manners.clear();
    const end = await stage.page.evaluate(() => {
      document.querySelector("gapless-video")?.retry();
      return gaplessStudio.until((player) => player.ended && player.currentTime);
    });
    assert.ok(end > 9.9, `Ended at ${end} s`);
  }));

Deno.test("seeking anywhere keeps one stretch in memory and shows the right picture", () =>
  onStage(async (stage) => {
    const film = await stage.film([
      { fromSeconds: 0, seconds: 60, format: "webm" },
      { fromSeconds: 58, seconds: 60, format: "webm" },
    ]);
    await stage.show(film);
    const wanted = [3300, 30, 1755, 1000, 3450];
    assert.deepEqual(
      await stage.page.evaluate((numbers) => gaplessStudio.picturesAt(numbers), wanted),
      wanted,
    );
    const ranges = await stage.page.evaluate(() =>
      gaplessStudio.until((player) =>
        player.buffered.length === 1 && player.buffered.end(0) > 117 &&
        [player.buffered.start(0), player.buffered.end(0)]
      )
    );
    assert.ok((ranges[0] ?? 0) > 100, `Kept ${ranges}`);
  }));

Deno.test("parts of different codecs and sizes play as one film", () =>
  onStage(async (stage) => {
    const film = await stage.film([
      { fromSeconds: 0, seconds: 4, format: "webm" },
      { fromSeconds: 3, seconds: 4, format: "mp4", width: 320, height: 180 },
      { fromSeconds: 6, seconds: 4, format: "webm", width: 256, height: 144 },
    ]);
    const found = await stage.playFrom(film, 2);
    assert.deepEqual([found.ended, found.technique, found.crossings], [true, "media-source", []]);
    const wanted = [75, 89, 91, 120, 179, 181, 290];
    assert.deepEqual(
      await stage.page.evaluate((numbers) => gaplessStudio.picturesAt(numbers), wanted),
      wanted,
    );
  }));

Deno.test("a part without sound, or files that scripts may not read, are played another way", () =>
  onStage(async (stage) => {
    const film = await stage.film([
      { fromSeconds: 0, seconds: 4, format: "webm" },
      { fromSeconds: 3, seconds: 4, format: "webm", sound: false },
    ]);
    const mixed = await stage.playFrom(film, 2);
    assert.deepEqual([mixed.ended, mixed.technique], [true, "two-elements"]);
    stage.manners.set("*", { noCors: true });
    const blocked = await stage.playFrom(film, 2);
    assert.deepEqual([blocked.ended, blocked.technique], [true, "two-elements"]);
    assert.ok(blocked.atSeconds > 6.9, `Stopped at ${blocked.atSeconds} s`);
  }));

for (const format of ["webm", "mp4"] as const) {
  Deno.test(`a film of one ${format} part behaves as a plain video does`, () =>
    onStage(async (stage) => {
      const film = await stage.film([{ fromSeconds: 0, seconds: 4, format }]);
      const plain = await stage.page.evaluate(
        (url) => gaplessStudio.rehearse("video", url),
        film.parts[0]?.mediaUrl ?? "",
      );
      const ours = await stage.page.evaluate((film) => gaplessStudio.rehearse("film", film), film);
      assert.deepEqual(ours, plain);
    }));
}

Deno.test("two elements that take turns behave as a plain video does", () =>
  onStage(async (stage) => {
    const film = await stage.film([
      { fromSeconds: 0, seconds: 2.5, format: "webm" },
      { fromSeconds: 1.5, seconds: 2.5, format: "webm" },
    ]);
    const whole = await stage.film([{ fromSeconds: 0, seconds: 4, format: "webm" }]);
    stage.manners.set("*", { noCors: true });
    const plain = await stage.page.evaluate(
      (url) => gaplessStudio.rehearse("video", url),
      whole.parts[0]?.mediaUrl ?? "",
    );
    const ours = await stage.page.evaluate((film) => gaplessStudio.rehearse("film", film), film);
    assert.deepEqual(ours, plain);
  }));
