import assert from "node:assert/strict";
import fc from "fast-check";
import { type Picture, PictureCut, type PictureTime } from "../../lib/export/picture_cut.ts";
import { type PartSpans, planCuts } from "../../lib/export/plan.ts";
import { SoundLane } from "../../lib/export/sound_lane.ts";
import { filmFrom, type PartSketch } from "../player/films.ts";
import { decodeOrder, type NumberedPicture } from "./numbered.ts";

const span = (startSeconds: number, endSeconds: number) => ({ startSeconds, endSeconds });
const media = (from: number, to: number, audio = span(from, to)): PartSpans => ({
  kind: "media",
  video: span(from, to),
  audio,
});

interface Case {
  name: string;
  parts: PartSketch[];
  spans: PartSpans[];
  /** Part, from, to of every stretch. */
  video: [number, number, number][];
  audio: [number, number, number][];
  holes?: [number, number][];
}

const CASES: Case[] = [
  {
    name: "an overlap is cut at the later part's first picture, sound and all",
    parts: [[0, 10], [8, 10]],
    spans: [media(0, 10), media(0.25, 10, span(0, 10))],
    video: [[0, 0, 8.25], [1, 8.25, Infinity]],
    audio: [[0, 0, 8.25], [1, 8.25, Infinity]],
  },
  {
    name: "time that nothing covers stays as time",
    parts: [[0, 10], [14, 10]],
    spans: [media(0, 10), media(0, 10)],
    video: [[0, 0, 14], [1, 14, Infinity]],
    audio: [[0, 0, 14], [1, 14, Infinity]],
    holes: [[10, 14]],
  },
  {
    name: "a part that is gone is a hole, and the sound goes on with the next one's",
    parts: [[0, 10], [9, 10, { status: "deleted" }], [18, 10]],
    spans: [media(0, 10), { kind: "unplayable", reason: "was deleted" }, media(0, 10)],
    video: [[0, 0, 18], [2, 18, Infinity]],
    audio: [[0, 0, 18], [2, 18, Infinity]],
    holes: [[10, 18]],
  },
  {
    name: "a part without pictures leaves those of the part before it alone",
    parts: [[0, 10], [8, 10]],
    spans: [media(0, 10), { kind: "media", video: null, audio: span(0, 10) }],
    video: [[0, 0, Infinity]],
    audio: [[0, 0, 8], [1, 8, Infinity]],
  },
  {
    name: "where pictures come late, sound does not wait longer than the earlier part lasts",
    parts: [[0, 10], [9, 10]],
    spans: [media(0, 10), media(4, 10, span(0, 10))],
    video: [[0, 0, 13], [1, 13, Infinity]],
    audio: [[0, 0, 10], [1, 10, Infinity]],
  },
  {
    name: "where sound comes late, the earlier part's goes on",
    parts: [[0, 10], [8, 10]],
    spans: [media(0, 10), media(0, 10, span(0.5, 10))],
    video: [[0, 0, 8], [1, 8, Infinity]],
    audio: [[0, 0, 8.5], [1, 8.5, Infinity]],
  },
  {
    name: "a part that lies inside another one adds nothing",
    parts: [[0, 20], [5, 3]],
    spans: [media(0, 20), media(0, 3)],
    video: [[0, 0, Infinity]],
    audio: [[0, 0, Infinity]],
  },
];

for (const { name, parts, spans, video, audio, holes = [] } of CASES) {
  Deno.test(`planCuts(): ${name}`, () => {
    const film = filmFrom(parts);
    const found = new Map(spans.map((part, i) => [film.parts[i]?.archiveId ?? "", part]));
    const plan = planCuts(film, found);
    const rows = (stretches: typeof plan.video) =>
      stretches.map(({ seq, fromSeconds, toSeconds }) => [seq, fromSeconds, toSeconds]);
    assert.deepEqual(rows(plan.video), video);
    assert.deepEqual(rows(plan.audio), audio);
    assert.deepEqual(plan.holes.map((hole) => [hole.fromSeconds, hole.toSeconds]), holes);
  });
}

/** A picture, and which moment of the world it shows. */
type Numbered = Picture & NumberedPicture;

/** The pictures of the parts as they go into the file. */
function splice(parts: Numbered[][]): { picture: Numbered; time: PictureTime }[] {
  const starts = parts.map((part) => part[0]?.timestamp ?? 0);
  return parts.flatMap((part, i) => {
    const cut = new PictureCut<Numbered>(starts[i] ?? 0, starts[i + 1] ?? Infinity);
    const taken = [];
    for (const picture of part) {
      taken.push(...cut.push(picture));
      if (cut.done) break;
    }
    return taken;
  });
}

const arbitraryParts = fc.record({
  runs: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 }),
  keyEvery: fc.integer({ min: 1, max: 90 }),
  parts: fc.array(
    fc.record({
      step: fc.integer({ min: 20, max: 120 }),
      overlap: fc.integer({ min: 0, max: 60 }),
      offGrid: fc.double({ min: -0.008, max: 0.008, noNaN: true }),
    }),
    { minLength: 2, maxLength: 5 },
  ),
}).map(({ runs, keyEvery, parts }) => {
  let first = 0;
  return parts.map(({ step, overlap, offGrid }, i) => {
    const pictures = decodeOrder(first, step + overlap, keyEvery, runs);
    first += step;
    // Two neighbours agree on the time to half a picture, not better.
    const move = i === 0 ? 0 : offGrid;
    return pictures.map((picture): Numbered => ({
      ...picture,
      timestamp: picture.number / 30 + move,
      duration: 1 / 30,
    }));
  });
});

Deno.test("PictureCut shows every picture of overlapping parts once, in order, whatever the order of decoding", () => {
  fc.assert(fc.property(arbitraryParts, (parts) => {
    const taken = splice(parts);
    const shown = taken.filter(({ time }) => time.duration > 0)
      .toSorted((a, b) => a.time.timestamp - b.time.timestamp);
    const numbers = shown.map(({ picture }) => picture.number);
    assert.deepEqual(numbers, numbers.map((_, i) => i));
    const last = parts.at(-1)?.map(({ number }) => number) ?? [];
    assert.equal(numbers.at(-1), Math.max(...last));
  }));
});

Deno.test("PictureCut begins each part with a key frame and keeps what its pictures need", () => {
  fc.assert(fc.property(arbitraryParts, (parts) => {
    const taken = splice(parts);
    let at = 0;
    for (const part of parts) {
      const own = new Set(part);
      const run = taken.slice(at).filter(({ picture }) => own.has(picture));
      at += run.length;
      assert.equal(run[0]?.picture.type, "key");
      // A run of what was decoded, without an omission.
      assert.deepEqual(run.map(({ picture }) => picture), part.slice(0, run.length));
    }
    assert.equal(at, taken.length);
  }));
});

Deno.test("PictureCut gives pictures that are only needed no time, right before the seam", () => {
  fc.assert(fc.property(arbitraryParts, (parts) => {
    const times = splice(parts);
    for (const { time } of times.filter(({ time }) => time.duration === 0)) {
      const shown = times.filter((other) => other.time.duration > 0);
      const later = shown.map((other) => other.time.timestamp).filter((at) => at > time.timestamp);
      const next = Math.min(...later);
      assert.ok(next - time.timestamp <= 0.002 + 1e-9, `${next - time.timestamp}`);
    }
  }));
});

const arbitrarySound = fc.record({
  packetSeconds: fc.constantFrom(0.02, 1024 / 48_000, 1024 / 44_100),
  parts: fc.array(
    fc.record({
      gap: fc.double({ min: -3, max: 2, noNaN: true }),
      packets: fc.integer({ min: 160, max: 400 }),
    }),
    { minLength: 1, maxLength: 6 },
  ),
});

Deno.test("SoundLane leaves no hole, repeats nothing and never moves sound by more than half a packet", () => {
  fc.assert(fc.property(arbitrarySound, ({ packetSeconds, parts }) => {
    const lane = new SoundLane(packetSeconds);
    let end: number | null = null;
    let from = 0;
    for (const { gap, packets } of parts) {
      from = end === null ? Math.abs(gap) : from + packets * packetSeconds / 4 + Math.max(0, gap);
      lane.enterPart();
      for (let i = 0; i < packets; i++) {
        const timestamp = from + i * packetSeconds;
        const place = lane.place({ timestamp, duration: packetSeconds });
        if (!place) {
          assert.ok(end !== null && timestamp < end);
          continue;
        }
        const silence = place.silentPackets * packetSeconds;
        assert.ok(Math.abs(place.silenceFromSeconds + silence - place.timestamp) < 1e-6);
        if (end !== null) assert.ok(Math.abs(place.silenceFromSeconds - end) < 1e-6);
        assert.ok(Math.abs(place.timestamp - timestamp) <= packetSeconds / 2 + 1e-5);
        end = place.timestamp + packetSeconds;
      }
    }
  }));
});

Deno.test("SoundLane bears with jitter inside a part, and mends what is lost there", () => {
  const lane = new SoundLane(0.02);
  lane.enterPart();
  const at = (timestamp: number) => lane.place({ timestamp, duration: 0.02 });
  assert.equal(at(0)?.timestamp, 0);
  assert.equal(at(0.029)?.timestamp, 0.02);
  assert.equal(at(0.031)?.timestamp, 0.04);
  assert.deepEqual(at(0.121), { silenceFromSeconds: 0.06, silentPackets: 3, timestamp: 0.12 });
  assert.equal(at(0.11), null);
});

Deno.test("SoundLane leaves a hole as time where no silence is to be had", () => {
  const lane = new SoundLane(null);
  lane.enterPart();
  assert.equal(lane.place({ timestamp: 1, duration: 0.02 })?.timestamp, 1);
  lane.enterPart();
  assert.deepEqual(lane.place({ timestamp: 3, duration: 0.02 }), {
    silenceFromSeconds: 1.02,
    silentPackets: 0,
    timestamp: 3,
  });
});
