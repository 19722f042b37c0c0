import assert from "node:assert/strict";
import { ClockMap, HoleCounter, RtpClock } from "../../lib/emulator/recorder/clock.ts";

Deno.test("ClockMap stamps frames by the least delayed one of its warm-up", () => {
  const map = new ClockMap(500);
  const delays = [40, 12, 90, 25];
  const stamps = Array.from({ length: 40 }, (_, i) => {
    const mediaMs = 7_000 + i * 33;
    return map.toClock(mediaMs, i * 33 + (delays[i % 4] ?? 0));
  });
  assert.equal(stamps[0], null, "nothing is known yet");
  for (const [i, stamp] of stamps.entries()) assert(stamp === null || stamp === i * 33 + 12);
  assert.notEqual(stamps.at(-1), null);
});

Deno.test("ClockMap keeps its map when frames are late", () => {
  const map = new ClockMap(100);
  for (let ms = 0; ms < 200; ms += 33) map.toClock(ms, ms);
  assert.equal(map.toClock(231, 1_500), 231);
});

Deno.test("ClockMap learns a clock that has jumped again", () => {
  const map = new ClockMap(100);
  for (let ms = 0; ms < 990; ms += 33) map.toClock(ms, ms);
  const stamps: (number | null)[] = [];
  for (let ms = 990; ms < 4_000; ms += 33) stamps.push(map.toClock(ms + 100_000, ms));
  assert.deepEqual(stamps, Array.from(stamps, (_, i) => 990 + i * 33));
});

Deno.test("RtpClock goes on where the 32 bits of RTP wrap, and steps back", () => {
  const clock = new RtpClock();
  const first = clock.toMs(2 ** 32 - 90);
  assert.equal(clock.toMs(90) - first, 2);
  assert.equal(clock.toMs(0) - first, 1);
});

Deno.test("HoleCounter counts the frames that are missing in the timestamps", () => {
  const counter = new HoleCounter();
  const missing: [frame: number, count: number][] = [];
  for (let frame = 0; frame < 60; frame++) {
    if (frame === 5 || frame === 30 || (frame >= 40 && frame < 43)) continue;
    const count = counter.add(frame * 33.3 + (frame % 2) * 4);
    if (count !== 0) missing.push([frame, count]);
  }
  assert.deepEqual(
    missing,
    [[11, 1], [31, 1], [43, 3]],
    "a hole at the beginning is counted later",
  );
});

Deno.test("HoleCounter takes back a late frame that the next ones make up for", () => {
  const counter = new HoleCounter();
  const lateMs = [60, 40, 20];
  let missing = 0;
  for (let frame = 0; frame < 6_000; frame++) {
    const isLate = frame % 20 >= 15 && frame % 20 < 18;
    missing += counter.add(frame * 33 + (lateMs[frame % 20 - 15] ?? 0));
    if (!isLate) assert.equal(missing, 0, `frame ${frame}`);
  }
});

Deno.test("HoleCounter takes a long interval for a camera that was off", () => {
  const counter = new HoleCounter();
  for (let frame = 0; frame < 30; frame++) counter.add(frame * 33);
  assert.equal(counter.add(10_000), 0);
});

Deno.test("HoleCounter gets used to another frame rate", () => {
  const counter = new HoleCounter();
  let ms = 0;
  for (let frame = 0; frame < 40; frame++) counter.add(ms += 33);
  for (let frame = 0; frame < 40; frame++) counter.add(ms += 66);
  assert.equal(counter.add(ms + 66), 0);
});
