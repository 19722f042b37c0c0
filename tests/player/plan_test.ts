import assert from "node:assert/strict";
import {
  type Cursor,
  isBuffered,
  isLost,
  jumpOver,
  nextStep,
  reviseCursor,
  type Situation,
  WINDOW,
} from "../../lib/player/plan.ts";
import { timelineFrom } from "./films.ts";

type Inside = Extract<Cursor, { kind: "inside" }>;
const FILM = timelineFrom([[0, 100], [95, 50], [140, 60]]);
const situation = (changes: Partial<Situation>): Situation => ({
  timeline: FILM,
  window: WINDOW,
  playheadSeconds: 0,
  cursor: { kind: "seek", seconds: 0 },
  bufferedFromSeconds: null,
  ended: false,
  ...changes,
});
const inside = (video: number, audio: number, done = false): Cursor => ({
  kind: "inside",
  archiveId: "a",
  heads: [
    { kind: "video", appendedToSeconds: video, done },
    { kind: "audio", appendedToSeconds: audio, done },
  ],
});
/** The step in short: its kind and what it is about. */
function step(changes: Partial<Situation>): string {
  const next = nextStep(situation(changes));
  switch (next.kind) {
    case "open":
      return `open ${next.segment.archiveId} at ${next.fromSeconds}`;
    case "append":
      return `append ${next.track}`;
    case "evict":
      return `evict to ${next.toSeconds}`;
    default:
      return next.kind;
  }
}

const seek = (seconds: number) =>
  step({ cursor: { kind: "seek", seconds }, playheadSeconds: seconds });

Deno.test("nextStep() opens the part that a seek lands in", () => {
  assert.equal(step({}), "open a at 0");
  assert.equal(seek(120), "open b at 120");
});

Deno.test("nextStep() begins a seek just behind a seam in the earlier part", () => {
  assert.equal(seek(95.2), "open a at 95.2");
  assert.equal(seek(96.5), "open b at 96.5");
});

Deno.test("nextStep() appends the track that is behind, up to the window's edge", () => {
  assert.equal(step({ cursor: inside(4, 2) }), "append audio");
  assert.equal(step({ cursor: inside(4, 6) }), "append video");
  assert.equal(step({ cursor: inside(30, 30) }), "wait");
  assert.equal(step({ cursor: inside(30, 30), playheadSeconds: 1 }), "append video");
});

Deno.test("nextStep() leaves a part when all its tracks are appended", () => {
  assert.equal(step({ cursor: inside(100, 100, true), playheadSeconds: 80 }), "leave");
});

Deno.test("nextStep() opens the next part at its very beginning, once it is in the window", () => {
  const cursor: Cursor = { kind: "behind", archiveId: "a" };
  assert.equal(step({ cursor, playheadSeconds: 60 }), "wait");
  assert.equal(step({ cursor, playheadSeconds: 70 }), "open b at 95");
});

const AT_END = { cursor: { kind: "behind", archiveId: "c" }, playheadSeconds: 190 } as const;

Deno.test("nextStep() ends the film behind its last part, once", () => {
  assert.equal(step(AT_END), "end");
  assert.equal(step({ ...AT_END, ended: true }), "wait");
});

Deno.test("nextStep() waits at the end of a film that is still being recorded", () => {
  assert.equal(step({ ...AT_END, timeline: { ...FILM, open: true } }), "wait");
});

Deno.test("nextStep() throws away what was played, before anything else", () => {
  const cursor = inside(90, 90);
  assert.equal(step({ cursor, playheadSeconds: 80, bufferedFromSeconds: 0 }), "evict to 60");
  assert.equal(step({ cursor, playheadSeconds: 80, bufferedFromSeconds: 57 }), "append video");
});

Deno.test("nextStep() keeps memory flat over a long film", () => {
  const timeline = timelineFrom(Array.from({ length: 50 }, (_, n) => [n * 100, 105]));
  let cursor: Cursor = { kind: "seek", seconds: 0 };
  let [from, to, most] = [0, 0, 0];
  for (let playheadSeconds = 0; playheadSeconds < 5000; playheadSeconds++) {
    for (let guard = 0;; guard++) {
      assert.ok(guard < 500, "The plan never rests");
      const bufferedFromSeconds = to > from ? from : null;
      const next = nextStep(situation({ timeline, cursor, playheadSeconds, bufferedFromSeconds }));
      if (next.kind === "wait" || next.kind === "end") break;
      if (next.kind === "evict") from = next.toSeconds;
      if (next.kind === "leave" && cursor.kind === "inside") {
        cursor = { kind: "behind", archiveId: cursor.archiveId };
      }
      if (next.kind === "open") {
        const { archiveId } = next.segment;
        const head = { kind: "video", appendedToSeconds: next.fromSeconds, done: false } as const;
        cursor = { kind: "inside", archiveId, heads: [head] };
      }
      if (next.kind === "append" && cursor.kind === "inside") {
        const { archiveId, heads }: Inside = cursor;
        const end = timeline.segments.find((s) => s.archiveId === archiveId)?.endSeconds ?? 0;
        const appendedToSeconds = Math.min(end, (heads[0]?.appendedToSeconds ?? 0) + 2);
        to = Math.max(to, appendedToSeconds);
        const head = { kind: "video", appendedToSeconds, done: appendedToSeconds >= end } as const;
        cursor = { kind: "inside", archiveId, heads: [head] };
      }
    }
    assert.ok(to >= Math.min(5000, playheadSeconds + 25), `Starved at ${playheadSeconds}`);
    most = Math.max(most, to - from);
  }
  assert.ok(most <= 65, `${most} s were kept`);
});

Deno.test("reviseCursor() goes back for a part that appeared ahead of the playhead", () => {
  const before = timelineFrom([[0, 100], [95, 50, { status: "stopped" }], [140, 60]]);
  const cursor: Cursor = { kind: "inside", archiveId: "c", heads: [] };
  assert.deepEqual(reviseCursor(before, FILM, cursor, 80), { kind: "behind", archiveId: "a" });
  assert.equal(reviseCursor(before, FILM, cursor, 150), cursor);
});

Deno.test("reviseCursor() goes on behind the last part there is when the one in hand is lost", () => {
  const after = timelineFrom([[0, 100], [95, 50, { status: "deleted" }]]);
  const cursor: Cursor = { kind: "inside", archiveId: "b", heads: [] };
  assert.deepEqual(reviseCursor(FILM, after, cursor, 90), { kind: "behind", archiveId: "a" });
});

Deno.test("reviseCursor() changes nothing when parts are added at the end", () => {
  const shorter = { ...FILM, segments: FILM.segments.slice(0, 2) };
  const cursor: Cursor = { kind: "behind", archiveId: "b" };
  assert.equal(reviseCursor(shorter, FILM, cursor, 130), cursor);
});

const ranges = (...pairs: [number, number][]) =>
  pairs.map(([startSeconds, endSeconds]) => ({ startSeconds, endSeconds }));

Deno.test("jumpOver() crosses only a hole that playback has come to", () => {
  const jumps = [4, 7.9, 9, 15].map((seconds) => jumpOver(ranges([0, 8], [10, 15]), seconds));
  assert.deepEqual(jumps, [null, 10, 10, null]);
  assert.equal(jumpOver([], 0), null);
});

Deno.test("isBuffered() is true inside a range only", () => {
  const found = [1.9, 2, 7.9, 8].map((seconds) => isBuffered(ranges([2, 8]), seconds));
  assert.deepEqual(found, [false, true, true, false]);
});

Deno.test("jumpOver() crosses a hole the earlier the faster the film plays", () => {
  assert.equal(jumpOver(ranges([0, 4], [6, 9]), 3.2, 1), null);
  assert.equal(jumpOver(ranges([0, 4], [6, 9]), 3.2, 4), 6);
});

Deno.test("isLost() tells what the browser threw away from a hole of the film", () => {
  const gap = timelineFrom([[0, 10], [20, 10]]);
  const table: [string, boolean][] = [
    ["thrown away ahead", isLost(FILM, ranges([0, 4]), 4, 30)],
    ["thrown away in between", isLost(FILM, ranges([0, 4], [9, 30]), 3.9, 9)],
    ["nothing left", isLost(FILM, [], 4, 30)],
    ["a gap in the recording", !isLost(gap, ranges([0, 10], [20, 30]), 10, 20)],
    ["between two pictures", !isLost(FILM, ranges([0.03, 9]), 0, 0.03)],
    ["just not decoded yet", !isLost(FILM, ranges([0, 30]), 4, 30)],
  ];
  for (const [what, holds] of table) assert.ok(holds, what);
});
