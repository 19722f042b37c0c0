/** Films of many parts and hours: what is in memory does not grow with them. */
import assert from "node:assert/strict";
import type { Film } from "../../lib/recording/views.ts";
import { type Stage, testsOnOneStage } from "./stage.ts";

const test = testsOnOneStage();

/** A film whose every part is the same file, so that it may be as long as it likes. */
async function repeated(stage: Stage, count: number, everySeconds: number): Promise<Film> {
  const seconds = everySeconds + 1;
  const film = await stage.film([{ fromSeconds: 0, seconds, format: "webm" }]);
  const [part] = film.parts;
  assert.ok(part);
  return {
    ...film,
    durationSeconds: count * everySeconds + 1,
    parts: Array.from({ length: count }, (_, seq) => {
      const archiveId = seq === 0 ? part.archiveId : `${part.archiveId}?${seq}`;
      return { ...part, seq, archiveId, placeSeconds: seq * everySeconds };
    }),
  };
}

test("fifty parts play as one film, and a seek finds its picture in any", async (stage) => {
  const film = await repeated(stage, 50, 2);
  await stage.show(film);
  const played = await stage.playFrom(93);
  assert.deepEqual([played.ended, played.technique, played.crossings], [true, "media-source", []]);
  // Part n shows the pictures 0 to 89 from 2 n seconds on, and the next takes over after 60.
  const wanted = [75.5, 0.2, 99.5, 100.5, 25.7];
  const seen = await stage.picturesAt(wanted.map((seconds) => Math.floor(seconds * 30)));
  assert.deepEqual(seen, [45, 6, 45, 75, 51]);
});

test("an hour played at speed and sought through keeps less than a minute in memory", async (stage) => {
  const film = await repeated(stage, 180, 20);
  await stage.show(film);
  const most = await stage.page.evaluate(async () => {
    const player = gaplessStudio.findPlayer();
    const most = { seconds: 0, ranges: 0, playedSeconds: 0 };
    const look = () => {
      const spans = gaplessStudio.rangesOf(player.buffered)
        .map(({ startSeconds, endSeconds }) => endSeconds - startSeconds);
      most.seconds = Math.max(most.seconds, spans.reduce((sum, span) => sum + span, 0));
      most.ranges = Math.max(most.ranges, spans.length);
    };
    for (const name of ["timeupdate", "progress", "seeked"]) player.addEventListener(name, look);
    await gaplessStudio.seekAndPlay(600, 16);
    most.playedSeconds = await gaplessStudio.until((player) =>
      player.currentTime > 700 && player.currentTime - 600
    );
    for (const seconds of [3000, 10, 1800, 1775, 1840, 3599, 1200]) {
      player.currentTime = seconds;
      await gaplessStudio.until((player) => !player.seeking && player.readyState >= 3);
      await gaplessStudio.until((player) =>
        player.buffered.length > 0 &&
        player.buffered.end(player.buffered.length - 1) > Math.min(seconds + 25, 3600)
      );
      look();
    }
    return most;
  });
  assert.ok(most.playedSeconds > 100, JSON.stringify(most));
  // 30 s ahead, 20 s and what is not worth throwing away behind, one fragment too much.
  assert.ok(most.seconds < 60, JSON.stringify(most));
  assert.ok(most.ranges <= 2, JSON.stringify(most));
});

test("seeking anywhere keeps one stretch in memory and shows the right picture", async (stage) => {
  const film = await stage.film([
    { fromSeconds: 0, seconds: 60, format: "webm" },
    { fromSeconds: 58, seconds: 60, format: "webm" },
  ]);
  await stage.show(film);
  const wanted = [3300, 30, 1755, 1000, 3450];
  assert.deepEqual(await stage.picturesAt(wanted), wanted);
  const [from, to] = await stage.until(({ buffered }) =>
    buffered.length === 1 && buffered.end(0) > 117 &&
    [buffered.start(0), buffered.end(0)] as const
  );
  assert.ok(from > 100, `Kept ${from} s to ${to} s`);
});

/** Throws away all but the beginning of what is buffered, at the event "evict". */
function evictWhenAsked(): void {
  const buffers = new Set<SourceBuffer>();
  let appendedAtMs = 0;
  const append = SourceBuffer.prototype.appendBuffer;
  SourceBuffer.prototype.appendBuffer = function (bytes) {
    buffers.add(this);
    appendedAtMs = performance.now();
    append.call(this, bytes);
  };
  addEventListener("evict", () => {
    const timer = setInterval(() => {
      // A browser makes room between two pieces, never in the middle of one.
      if (performance.now() - appendedAtMs < 500) return;
      clearInterval(timer);
      for (const buffer of buffers) buffer.remove(4, Infinity);
    }, 50);
  });
}

test("what the browser has thrown away by itself is fetched again", async (stage) => {
  const film = await stage.film([{ fromSeconds: 0, seconds: 60, format: "webm" }]);
  await stage.show(film);
  const seen = await stage.page.evaluate(async () => {
    const player = gaplessStudio.findPlayer();
    const crossings: unknown[] = [];
    player.addEventListener("gapless-crossed", (event) => crossings.push(event));
    await gaplessStudio.until((player) =>
      player.buffered.length > 0 && player.buffered.end(0) > 30
    );
    dispatchEvent(new CustomEvent("evict"));
    await gaplessStudio.until((player) => player.buffered.end(0) < 5);
    await gaplessStudio.seekAndPlay(2, 4);
    await gaplessStudio.until((player) => player.currentTime > 8);
    player.pause();
    return { crossings: crossings.length, played: player.played.length };
  });
  assert.deepEqual(seen, { crossings: 0, played: 1 });
}, { prepare: evictWhenAsked });
