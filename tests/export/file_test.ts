/** Real files whose packets carry numbers: cut, copied and read back, packet by packet. */
import assert from "node:assert/strict";
import type { FilmPart } from "../../lib/recording/views.ts";
import { filmFrom } from "../player/films.ts";
import { type NumberedTake, PICTURE_RATE, type ReadPacket, SOUND_RATE } from "./numbered.ts";
import { readNumbered, recordNumbered, RECORDS } from "./numbered.ts";
import { exportFilm } from "./support.ts";

type Take = NumberedTake & { place?: number; status?: FilmPart["status"] };

/** Makes the parts, exports their film and reads its file back. */
async function make(takes: Take[]) {
  const film = filmFrom(takes.map(({ fromSeconds, seconds, place, status = "available" }) => [
    place ?? fromSeconds,
    seconds,
    { status },
  ]));
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [i, take] of takes.entries()) {
    files.set(film.parts[i]?.archiveId ?? "", await recordNumbered(take));
  }
  const { survey, bytes } = await exportFilm(film, files);
  const read = await readNumbered(bytes);
  const sorted = read.video.toSorted((a, b) => a.seconds - b.seconds);
  // Pictures that have time of their own, in the order they are shown.
  const shown = sorted.filter((p, i) => (sorted[i + 1]?.seconds ?? Infinity) - p.seconds > 0.002);
  return { survey, bytes, read, shown };
}

function numbersOf(packets: ReadPacket[]): (number | null)[] {
  return packets.map(({ number }) => number);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Asserts that every picture is shown at its time. */
function assertInStep(pictures: ReadPacket[]): void {
  for (const { number, seconds } of pictures) {
    const expected = (number ?? 0) / PICTURE_RATE;
    assert.ok(Math.abs(seconds - expected) < 0.002, `${number} at ${seconds}`);
  }
}

const THREE = (format: "webm" | "mp4", reordered = false): Take[] => [
  { fromSeconds: 0, seconds: 8, format, reordered },
  { fromSeconds: 6.217, seconds: 8, format, reordered },
  { fromSeconds: 12.4, seconds: 7.6, format, reordered },
];

const KINDS: [string, Take[]][] = [
  ["VP8 in WebM", THREE("webm")],
  ["H.264 in MP4", THREE("mp4")],
  ["H.264 decoded out of order", THREE("mp4", true)],
];
for (const [name, takes] of KINDS) {
  Deno.test(`three overlapping parts of ${name} hold every picture and packet of sound once`, async () => {
    const { read, shown, survey } = await make(takes);
    assert.deepEqual(numbersOf(shown), upTo(20 * PICTURE_RATE));
    assertInStep(shown);
    assert.deepEqual(numbersOf(read.audio), upTo(20 * SOUND_RATE));
    for (const [i, { seconds }] of read.audio.entries()) {
      assert.ok(Math.abs(seconds - i / SOUND_RATE) <= 0.011, `${i} at ${seconds}`);
    }
    assert.ok(Math.abs(read.durationSeconds - 20) < 0.01, `${read.durationSeconds} s`);
    assert.equal(read.title, "Film");
    assert.ok(read.mimeType.startsWith(survey.container.mimeType), read.mimeType);
  });
}

Deno.test("time that nothing covers stays: the picture stands still, silence keeps the sound in step", async () => {
  const { read, shown, survey } = await make([
    { fromSeconds: 0, seconds: 4, format: "webm" },
    { fromSeconds: 7, seconds: 4, format: "webm" },
  ]);
  assert.deepEqual(survey.plan.holes.map((h) => [h.fromSeconds, h.toSeconds]), [[4, 7]]);
  assert.deepEqual(numbersOf(shown), upTo(330).filter((n) => n < 120 || n >= 210));
  assertInStep(read.video);
  assert.equal(read.audio.length, 11 * SOUND_RATE);
  for (const [i, { number, seconds }] of read.audio.entries()) {
    assert.ok(Math.abs(seconds - i / SOUND_RATE) < 0.002, `${i} at ${seconds}`);
    assert.equal(number, i < 200 || i >= 350 ? i : null);
  }
});

Deno.test("a part that was deleted is told and becomes a hole", async () => {
  const { read, shown, survey } = await make([
    { fromSeconds: 0, seconds: 4, format: "mp4" },
    { fromSeconds: 3, seconds: 4, format: "mp4", status: "deleted" },
    { fromSeconds: 6, seconds: 4, format: "mp4" },
  ]);
  const skipped = survey.plan.skipped.map(({ seq, reason }) => ({ seq, reason }));
  assert.deepEqual(skipped, [{ seq: 1, reason: "was deleted" }]);
  assert.deepEqual(numbersOf(shown), upTo(300).filter((n) => n < 120 || n >= 180));
  assert.ok(Math.abs(read.durationSeconds - 10) < 0.01);
});

Deno.test("a file that is no media is a hole with its reason", async () => {
  const film = filmFrom([[0, 4], [3, 4]]);
  const files = new Map([
    ["a", await recordNumbered({ fromSeconds: 0, seconds: 4, format: "webm" })],
    ["b", new TextEncoder().encode("no media at all, but long enough to be looked at")],
  ]);
  const { survey } = await exportFilm(film, files);
  assert.deepEqual(survey.plan.skipped.map(({ reason }) => reason), ["is not a WebM or MP4 file"]);
});

Deno.test("parts without sound, or without pictures, leave the other kind whole", async () => {
  const { read, shown } = await make([
    { fromSeconds: 0, seconds: 4, format: "webm", sound: false },
    { fromSeconds: 3, seconds: 5, format: "webm" },
    { fromSeconds: 7, seconds: 3, format: "webm", picture: false },
  ]);
  assert.deepEqual(numbersOf(shown), upTo(240));
  assert.deepEqual(numbersOf(read.audio), upTo(500).map((n) => n < 150 ? null : n));
});

Deno.test("sound alone becomes a file of sound", async () => {
  const { read } = await make([
    { fromSeconds: 0, seconds: 4, format: "webm", picture: false },
    { fromSeconds: 3.013, seconds: 4, format: "webm", picture: false },
  ]);
  assert.equal(read.video.length, 0);
  assert.deepEqual(numbersOf(read.audio), upTo(7 * SOUND_RATE));
});

Deno.test("parts of different sizes go into one WebM, as VP8 key frames tell their size", async () => {
  const { shown, survey } = await make([
    { fromSeconds: 0, seconds: 4, format: "webm" },
    { fromSeconds: 3, seconds: 4, format: "webm", width: 640 },
  ]);
  assert.equal(survey.sizeChanges, true);
  assert.deepEqual(numbersOf(shown), upTo(210));
});

Deno.test("H.264 parts that begin differently carry their parameter sets in every key frame", async () => {
  const { read, survey, bytes } = await make([
    { fromSeconds: 0, seconds: 4, format: "mp4", record: 0 },
    { fromSeconds: 3, seconds: 4, format: "mp4", record: 1 },
  ]);
  assert.equal(survey.inBand, true);
  assert.ok(new TextDecoder("latin1").decode(bytes).includes("avc3"));
  for (const { number, type, data } of read.video) {
    const record = RECORDS[(number ?? 0) < 90 ? 0 : 1] ?? new Uint8Array();
    // A sequence parameter set of 24 bytes, a picture parameter set of 5, each behind its length.
    const sets = [0, 0, 0, 24, ...record.subarray(8, 32), 0, 0, 0, 5, ...record.subarray(35, 40)];
    assert.deepEqual([...data.subarray(0, data.length - 64)], type === "key" ? sets : []);
    assert.equal(data.length, type === "key" ? 64 + sets.length : 64);
  }
});
