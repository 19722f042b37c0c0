import assert from "node:assert/strict";
import { chaptersOf } from "../../lib/player/chapters.ts";
import { crossingOf, noticeAt } from "../../lib/player/notices.ts";
import { addRange, FilmRanges } from "../../lib/player/ranges.ts";
import { leftAt, rememberAt } from "../../lib/player/resume.ts";
import { formatClock, formatTimeCode, parseTimeCode } from "../../lib/player/time_code.ts";
import { layOut } from "../../lib/player/timeline.ts";
import { filmFrom, timelineFrom } from "./films.ts";

Deno.test("parseTimeCode() reads what people and links write, and nothing else", () => {
  const table: [string, number | null][] = [
    ["1h2m3s", 3723],
    ["2m", 120],
    ["90", 90],
    ["90.5s", 90.5],
    ["1:02:03", 3723],
    ["2:03", 123],
    [" 1H ", 3600],
    ["", null],
    ["h", null],
    ["-5", null],
    ["1e3", null],
    ["3s2m", null],
  ];
  for (const [text, seconds] of table) assert.equal(parseTimeCode(text), seconds, text);
});

Deno.test("formatTimeCode() is read back to the same second", () => {
  for (const seconds of [0, 1, 59, 60, 61, 3599, 3600, 3661, 36_000]) {
    assert.equal(parseTimeCode(formatTimeCode(seconds)), seconds);
  }
  assert.equal(formatTimeCode(3723.9), "1h2m3s");
  assert.equal(formatClock(3723.9), "1:02:03");
  assert.equal(formatClock(NaN), "0:00");
});

Deno.test("a place near the film's start or end is not remembered", () => {
  const kept = new Map<string, string>();
  const memory = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  rememberAt(memory, "x", 60, 100);
  assert.equal(leftAt(memory, "x"), 60);
  assert.equal(leftAt(memory, "y"), null);
  rememberAt(memory, "x", 95, 100);
  assert.equal(leftAt(memory, "x"), null);
});

Deno.test("a browser that keeps nothing plays all the same", () => {
  const refuse = (): never => {
    throw new DOMException("No storage", "SecurityError");
  };
  const memory = { getItem: refuse, setItem: refuse, removeItem: refuse };
  rememberAt(memory, "x", 60, 100);
  assert.equal(leftAt(memory, "x"), null);
});

Deno.test("addRange() joins what touches and keeps apart what does not", () => {
  const a = addRange([], 0, 5);
  const b = addRange(a, 10, 12);
  assert.deepEqual(addRange(b, 5, 10), [{ startSeconds: 0, endSeconds: 12 }]);
  assert.deepEqual(addRange(b, 7, 7), b);
});

Deno.test("FilmRanges throws outside its list as the browser's own ranges do", () => {
  const ranges = new FilmRanges([{ startSeconds: 1, endSeconds: 2 }]);
  assert.deepEqual([ranges.length, ranges.start(0), ranges.end(0)], [1, 1, 2]);
  assert.throws(() => ranges.start(1), { name: "IndexSizeError" });
});

Deno.test("chaptersOf() lists every part and says which cannot be played", () => {
  const film = filmFrom([
    [0, 10],
    [8, 6, { status: "deleted" }],
    [12, null, { status: "started" }],
  ]);
  const expected = [["Part 1", null], ["Part 2", "lost"], ["Part 3", "pending"]];
  for (const timeline of [null, layOut(film, new Map())]) {
    const chapters = chaptersOf(film, timeline);
    assert.deepEqual(chapters.map((c) => [c.title, c.missing?.state ?? null]), expected);
  }
});

Deno.test("noticeAt() announces a coming part only at the end of what can be played", () => {
  const timeline = timelineFrom([[0, 10], [8, null, { status: "stopped" }]]);
  assert.equal(noticeAt(timeline, 5).kind, "none");
  const awaiting = { kind: "awaiting-part", seq: 1, reason: "is being prepared" };
  assert.deepEqual(noticeAt(timeline, 9.8), awaiting);
});

Deno.test("noticeAt() says so when nothing of a film can be played", () => {
  const notice = noticeAt(timelineFrom([[0, 10, { status: "expired" }]]), 0);
  assert.ok(notice.kind === "error");
  assert.match(notice.message, /has expired/);
});

Deno.test("crossingOf() names the parts that are missing, and nothing for a rounding error", () => {
  const timeline = timelineFrom([[0, 10], [8, 10, { status: "failed" }], [17, 5]]);
  assert.deepEqual(crossingOf(timeline, 10, 17)?.parts, [{ seq: 1, reason: "failed to record" }]);
  assert.equal(crossingOf(timeline, 10, 10.05), null);
});
