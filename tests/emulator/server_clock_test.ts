import assert from "node:assert/strict";
import { RecorderClock } from "../../lib/emulator/server/recorders.ts";
import { readMediaFacts } from "../../lib/handover/media_facts.ts";
import { sampleFile } from "./sample_media.ts";
import { openEmulator, startRecording, stopWith } from "./test_emulator.ts";

const HOUR_MS = 3_600_000;

for (const clockOffsetMs of [-HOUR_MS, 7 * HOUR_MS]) {
  Deno.test(`an archive begins by the server's clock when the page's is off by ${clockOffsetMs} ms`, async () => {
    await using platform = await openEmulator();
    const beforeMs = Date.now();
    const { archive, recording } = await startRecording(platform, {}, { clockOffsetMs });
    const afterMs = Date.now();
    assert.ok(archive.createdAt > beforeMs - 1_000 && archive.createdAt <= afterMs);
    const { url } = await stopWith(platform, recording, sampleFile(1));
    const { epochMs } = await readMediaFacts(url);
    assert.ok(epochMs !== null && epochMs > beforeMs - 250 && epochMs < afterMs + 250);
  });
}

Deno.test("RecorderClock maps nothing before its first measurement", () => {
  assert.equal(new RecorderClock().toWallClock(0), null);
});

Deno.test("RecorderClock takes the middle of the round trip", () => {
  const clock = new RecorderClock();
  clock.add(100, 5_000, 5_020);
  assert.equal(clock.toWallClock(100), 5_010);
});

Deno.test("RecorderClock prefers the measurement with the shortest round trip", () => {
  const clock = new RecorderClock();
  clock.add(100, 5_000, 5_100);
  clock.add(200, 5_110, 5_112);
  clock.add(300, 5_150, 5_250);
  assert.equal(clock.toWallClock(200), 5_111);
});

Deno.test("RecorderClock stays where it is while measurements differ by a few ms", () => {
  const clock = new RecorderClock();
  clock.add(100, 5_000, 5_010);
  for (let i = 1; i < 20; i++) clock.add(100 + i * 1_000, 5_003 + i * 1_000, 5_005 + i * 1_000);
  assert.equal(clock.toWallClock(100), 5_005);
});

Deno.test("RecorderClock follows a step at once, whatever it measured before", () => {
  const clock = new RecorderClock();
  for (let i = 0; i < 12; i++) clock.add(i * 1_000, i * 1_000 + 5_000, i * 1_000 + 5_000);
  // The computer slept for a minute: performance.now() stood still.
  clock.add(12_000, 77_000, 77_004);
  assert.equal(clock.toWallClock(12_000), 77_002);
});
