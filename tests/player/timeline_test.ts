import assert from "node:assert/strict";
import { landingOf, layOut, type PartFinding, segmentAt } from "../../lib/player/timeline.ts";
import { filmFrom } from "./films.ts";

const NOTHING = new Map<string, PartFinding>();
const spans = (timeline: ReturnType<typeof layOut>) =>
  timeline.segments.map((s) => [s.archiveId, s.fromSeconds, s.toSeconds, s.endSeconds]);

Deno.test("layOut() lets each part take over from the one before at its own first moment", () => {
  const film = filmFrom([{ place: 0, length: 10 }, { place: 8, length: 6 }, {
    place: 12,
    length: 8,
  }]);
  const timeline = layOut(film, NOTHING);
  assert.deepEqual(spans(timeline), [["a", 0, 8, 10], ["b", 8, 12, 14], ["c", 12, 20, 20]]);
  assert.deepEqual(timeline.holes, []);
  assert.equal(timeline.durationSeconds, 20);
  assert.equal(timeline.open, false);
});

Deno.test("layOut() of a film without parts is empty and closed", () => {
  const timeline = layOut(filmFrom([]), NOTHING);
  assert.deepEqual([timeline.segments, timeline.durationSeconds, timeline.open], [[], 0, false]);
});

Deno.test("layOut() lays out fifty parts", () => {
  const film = filmFrom(Array.from({ length: 50 }, (_, n) => ({ place: n * 10, length: 12 })));
  const { segments, durationSeconds } = layOut(film, NOTHING);
  assert.equal(segments.length, 50);
  assert.ok(
    segments.every((s, n) => s.fromSeconds === n * 10 && n === 49 || s.toSeconds === n * 10 + 10),
  );
  assert.equal(durationSeconds, 502);
});

Deno.test("layOut() leaves out a part that lies wholly inside an earlier one", () => {
  const film = filmFrom([{ place: 0, length: 20 }, { place: 5, length: 5 }, {
    place: 18,
    length: 5,
  }]);
  assert.deepEqual(spans(layOut(film, NOTHING)), [["a", 0, 18, 20], ["c", 18, 23, 23]]);
});

Deno.test("layOut() keeps the nested part when the one around it cannot be played", () => {
  const film = filmFrom([{ place: 0, length: 20 }, { place: 5, length: 5 }]);
  const timeline = layOut(film, new Map([["a", { kind: "unplayable", reason: "cannot be read" }]]));
  assert.deepEqual(spans(timeline), [["b", 5, 10, 10]]);
  assert.deepEqual(timeline.holes, [{ fromSeconds: 0, toSeconds: 5 }]);
});

Deno.test("layOut() names a gap between parts as a hole", () => {
  const film = filmFrom([{ place: 0, length: 8 }, { place: 10, length: 5 }]);
  assert.deepEqual(layOut(film, NOTHING).holes, [{ fromSeconds: 8, toSeconds: 10 }]);
});

Deno.test("layOut() believes a file's own length over the film's", () => {
  const film = filmFrom([{ place: 0, length: 8 }, { place: 7, length: 5 }]);
  const timeline = layOut(
    film,
    new Map([["b", { kind: "media", startSeconds: 0.5, endSeconds: 5.25 }]]),
  );
  assert.deepEqual(spans(timeline), [["a", 0, 7.5, 8], ["b", 7.5, 12.25, 12.25]]);
});

for (const status of ["started", "paused", "stopped"] as const) {
  Deno.test(`layOut() expects a part that is ${status} to come, and stays open`, () => {
    const film = filmFrom([{ place: 0, length: 8 }, { place: 6, length: null, status }]);
    const timeline = layOut(film, NOTHING);
    assert.equal(timeline.open, true);
    assert.deepEqual(timeline.skipped.map((part) => part.state), ["pending"]);
    assert.deepEqual(spans(timeline), [["a", 0, 8, 8]]);
  });
}

for (const status of ["uploaded", "expired", "failed", "deleted"] as const) {
  Deno.test(`layOut() gives up a part that is ${status}, and says so`, () => {
    const film = filmFrom([{ place: 0, length: 8 }, { place: 6, length: 6, status }]);
    const timeline = layOut(film, NOTHING);
    assert.equal(timeline.open, false);
    assert.deepEqual(timeline.skipped.map((part) => part.state), ["lost"]);
    assert.notEqual(timeline.skipped[0]?.reason, "");
    assert.equal(timeline.durationSeconds, 8);
  });
}

Deno.test("layOut() keeps a film open while it is being recorded", () => {
  const film = filmFrom([{ place: 0, length: 8 }], { state: "recording", durationSeconds: 30 });
  const timeline = layOut(film, NOTHING);
  assert.equal(timeline.open, true);
  assert.equal(timeline.durationSeconds, 30);
});

Deno.test("segmentAt() finds the part shown at a moment", () => {
  const film = filmFrom([{ place: 0, length: 10 }, { place: 8, length: 6 }, {
    place: 16,
    length: 4,
  }]);
  const timeline = layOut(film, NOTHING);
  const table: [number, number][] = [[0, 0], [7.99, 0], [8, 1], [13.99, 1], [15, 2], [19.9, 2], [
    20,
    -1,
  ]];
  for (const [seconds, index] of table) {
    assert.equal(segmentAt(timeline, seconds), index, `${seconds}`);
  }
});

Deno.test("landingOf() moves a seek out of a gap and into the film", () => {
  const film = filmFrom([{ place: 0, length: 8 }, { place: 10, length: 5 }]);
  const timeline = layOut(film, NOTHING);
  const table: [number, number][] = [[-3, 0], [4, 4], [8, 10], [9.5, 10], [12, 12], [99, 15]];
  for (const [seconds, landing] of table) assert.equal(landingOf(timeline, seconds), landing);
});
