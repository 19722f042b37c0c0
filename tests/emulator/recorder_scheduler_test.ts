import assert from "node:assert/strict";
import fc from "fast-check";
import { FrameScheduler } from "../../lib/emulator/recorder/scheduler.ts";

/** A scheduler of sources "0", "1", ..., whose frames are numbers, and what each tick showed. */
function setUp(sources: number) {
  const ids = Array.from({ length: sources }, (_, i) => String(i));
  const ticks: { atMs: number; shown: (number | null)[] }[] = [];
  const clock = { nowMs: 0 };
  const scheduler: FrameScheduler<number> = new FrameScheduler<number>(
    (atMs) => ticks.push({ atMs, shown: ids.map((id) => scheduler.shown(id)?.frame ?? null) }),
    () => clock.nowMs,
  );
  return { scheduler, ticks, clock };
}

/** The frames of a source in the order in which they were shown. */
function shownOf(ticks: { shown: (number | null)[] }[], source: number): number[] {
  const frames = ticks.flatMap(({ shown }) => shown[source] ?? []);
  return frames.filter((frame, i) => frame !== frames[i - 1]);
}

Deno.test("a scheduler shows every frame of every camera, whatever their phase and delay", () => {
  const intervalMs = 33;
  const count = 60;
  const phases = fc.array(fc.integer({ min: 0, max: 32 }), { minLength: 1, maxLength: 4 });
  const delays = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 7, maxLength: 7 });
  fc.assert(fc.property(phases, delays, (phases, delays) => {
    const { scheduler, ticks, clock } = setUp(phases.length);
    const arrivals = phases.flatMap((phase, source) => {
      let lastMs = 0;
      return Array.from({ length: count }, (_, frame) => {
        const delayMs = delays[(frame + source) % delays.length] ?? 0;
        lastMs = Math.max(lastMs, frame * intervalMs + phase + delayMs);
        return { source, frame, atMs: frame * intervalMs + phase, arrivalMs: lastMs };
      });
    }).sort((a, b) => a.arrivalMs - b.arrivalMs);
    for (const { source, frame, atMs, arrivalMs } of arrivals) {
      clock.nowMs = arrivalMs;
      scheduler.add(String(source), frame, atMs);
    }
    for (const source of phases.keys()) {
      const shown = shownOf(ticks, source);
      assert.deepEqual(shown, shown.map((_, i) => i));
      assert(shown.length >= count - 2, `${shown.length} of ${count} frames are shown`);
    }
    for (const [i, { atMs }] of ticks.entries()) {
      assert(i === 0 || atMs >= (ticks[i - 1]?.atMs ?? 0) + 1, "times rise");
    }
  }));
});

Deno.test("a scheduler follows the fastest camera", () => {
  const { scheduler, ticks, clock } = setUp(2);
  for (let ms = 0; ms < 2_000; ms += 33) {
    clock.nowMs = ms;
    scheduler.add("0", ms, ms);
    if (ms % 66 === 0) scheduler.add("1", ms, ms);
  }
  assert(Math.abs(ticks.length - 61) <= 2, `${ticks.length} ticks`);
});

Deno.test("a scheduler does not wait for a camera that has stopped", () => {
  const { scheduler, ticks, clock } = setUp(2);
  for (let frame = 0; frame < 60; frame++) {
    clock.nowMs = frame * 33;
    scheduler.add("0", frame, clock.nowMs);
    if (frame < 10) scheduler.add("1", frame, clock.nowMs);
  }
  assert.equal(shownOf(ticks, 0).at(-1), 59);
});

Deno.test("a scheduler without any camera ticks ten times a second", () => {
  const { scheduler, ticks, clock } = setUp(0);
  for (let ms = 1_000; ms <= 2_000; ms += 20) {
    clock.nowMs = ms;
    scheduler.poll();
  }
  assert.deepEqual(
    ticks.map(({ atMs }) => atMs),
    Array.from({ length: 11 }, (_, i) => 900 + 100 * i),
  );
});

Deno.test("a scheduler shows everything that arrives at once after a stall", () => {
  const { scheduler, ticks, clock } = setUp(2);
  const frames = (fromMs: number, toMs: number) => {
    for (const id of ["0", "1"]) {
      for (let ms = fromMs; ms < toMs; ms += 33) scheduler.add(id, ms, ms);
    }
  };
  for (clock.nowMs = 0; clock.nowMs < 990; clock.nowMs += 33) {
    frames(clock.nowMs, clock.nowMs + 33);
  }
  clock.nowMs = 1_980;
  frames(990, 1_980);
  for (const source of [0, 1]) {
    const shown = shownOf(ticks, source);
    assert.deepEqual(shown, shown.map((_, i) => 33 * i));
    assert(shown.length >= 59, `${shown.length} of 60 frames are shown`);
  }
});
