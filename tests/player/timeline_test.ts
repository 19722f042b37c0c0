import assert from "node:assert/strict";
import { landingOf, layOut, segmentAt, type Timeline } from "../../lib/player/timeline.ts";
import { filmFrom, timelineFrom } from "./films.ts";

/** Which part is shown from when to when, and when it ends. */
const spans = ({ segments }: Timeline) =>
  segments.map((s) => [s.archiveId, s.fromSeconds, s.toSeconds, s.endSeconds]);

Deno.test("layOut() lets each part take over from the one before at its own first moment", () => {
  const timeline = timelineFrom([[0, 10], [8, 6], [12, 8]]);
  assert.deepEqual(spans(timeline), [["a", 0, 8, 10], ["b", 8, 12, 14], ["c", 12, 20, 20]]);
  assert.deepEqual(timeline.holes, []);
  assert.equal(timeline.durationSeconds, 20);
  assert.equal(timeline.open, false);
});

Deno.test("layOut() of a film without parts is empty and closed", () => {
  const { segments, durationSeconds, open } = timelineFrom([]);
  assert.deepEqual([segments, durationSeconds, open], [[], 0, false]);
});

Deno.test("layOut() lays out fifty parts", () => {
  const { segments, durationSeconds } = timelineFrom(
    Array.from({ length: 50 }, (_, n) => [n * 10, 12]),
  );
  assert.equal(segments.length, 50);
  assert.ok(
    segments.every((s, n) => s.fromSeconds === n * 10 && n === 49 || s.toSeconds === n * 10 + 10),
  );
  assert.equal(durationSeconds, 502);
});

Deno.test("layOut() leaves out a part that lies wholly inside an earlier one", () => {
  const timeline = timelineFrom([[0, 20], [5, 5], [18, 5]]);
  assert.deepEqual(spans(timeline), [["a", 0, 18, 20], ["c", 18, 23, 23]]);
});

Deno.test("layOut() keeps the nested part when the one around it cannot be played", () => {
  const a = { kind: "unplayable", reason: "cannot be read" } as const;
  const timeline = timelineFrom([[0, 20], [5, 5]], { a });
  assert.deepEqual(spans(timeline), [["b", 5, 10, 10]]);
  assert.deepEqual(timeline.holes, [{ fromSeconds: 0, toSeconds: 5 }]);
});

Deno.test("layOut() names a gap between parts as a hole", () => {
  assert.deepEqual(timelineFrom([[0, 8], [10, 5]]).holes, [{ fromSeconds: 8, toSeconds: 10 }]);
});

Deno.test("layOut() believes a file's own length over the film's", () => {
  const b = { kind: "media", startSeconds: 0.5, endSeconds: 5.25 } as const;
  const timeline = timelineFrom([[0, 8], [7, 5]], { b });
  assert.deepEqual(spans(timeline), [["a", 0, 7.5, 8], ["b", 7.5, 12.25, 12.25]]);
});

for (const status of ["started", "paused", "stopped"] as const) {
  Deno.test(`layOut() expects a part that is ${status} to come, and stays open`, () => {
    const timeline = timelineFrom([[0, 8], [6, null, { status }]]);
    assert.equal(timeline.open, true);
    assert.deepEqual(timeline.skipped.map((part) => part.state), ["pending"]);
    assert.deepEqual(spans(timeline), [["a", 0, 8, 8]]);
  });
}

for (const status of ["uploaded", "expired", "failed", "deleted"] as const) {
  Deno.test(`layOut() gives up a part that is ${status}, and says so`, () => {
    const timeline = timelineFrom([[0, 8], [6, 6, { status }]]);
    assert.equal(timeline.open, false);
    assert.deepEqual(timeline.skipped.map((part) => part.state), ["lost"]);
    assert.notEqual(timeline.skipped[0]?.reason, "");
    assert.equal(timeline.durationSeconds, 8);
  });
}

Deno.test("layOut() keeps a film open while it is being recorded", () => {
  const film = filmFrom([[0, 8]], { state: "recording", durationSeconds: 30 });
  const timeline = layOut(film, new Map());
  assert.equal(timeline.open, true);
  assert.equal(timeline.durationSeconds, 30);
});

Deno.test("segmentAt() finds the part shown at a moment", () => {
  const timeline = timelineFrom([[0, 10], [8, 6], [16, 4]]);
  const seconds = [0, 7.99, 8, 13.99, 15, 19.9, 20];
  const found = seconds.map((at) => segmentAt(timeline, at));
  assert.deepEqual(found, [0, 0, 1, 1, 2, 2, -1]);
});

Deno.test("landingOf() moves a seek out of a gap and into the film", () => {
  const timeline = timelineFrom([[0, 8], [10, 5]]);
  const landings = [-3, 4, 8, 9.5, 12, 99].map((seconds) => landingOf(timeline, seconds));
  assert.deepEqual(landings, [0, 4, 10, 10, 12, 15]);
});
