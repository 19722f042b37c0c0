import assert from "node:assert/strict";
import fc from "fast-check";
import type { Planes } from "../../lib/loopback/browser/recorder_planes.ts";
import { Ticker } from "../../lib/loopback/browser/recorder_ticker.ts";
import { VideoFeed } from "../../lib/loopback/browser/recorder_video.ts";

/** A picture that is known by its number. */
function picture(serial: number) {
  return { width: 2, height: 2, data: new Uint8Array(6), serial };
}

/** Cameras with 20 pictures a second each, `phaseMs` apart, and what a recording saw of them. */
function studio(phasesMs: number[]) {
  let nowMs = 0;
  const seen: { atMs: number; shown: (number | null)[] }[] = [];
  const givenBack: Planes[] = [];
  const feeds = phasesMs.map(() => new VideoFeed((planes) => givenBack.push(planes)));
  const ticker = new Ticker(
    (atMs) => seen.push({ atMs, shown: feeds.map(({ shown }) => shown?.serial ?? null) }),
    () => nowMs,
  );
  for (const [i, feed] of feeds.entries()) ticker.feeds.set(String(i), feed);
  ticker.show([...ticker.feeds.keys()]);
  const momentOf = (camera: number, number: number) => 50 * number + (phasesMs[camera] ?? 0);
  return {
    ticker,
    seen,
    givenBack,
    goTo: (ms: number) => nowMs = ms,
    arrive(camera: number, number: number, atMs = momentOf(camera, number)) {
      const feed = feeds[camera];
      assert(feed);
      ticker.add(feed, picture(number), atMs);
    },
    momentOf,
  };
}

/** Every number of a camera that was shown, once for each time it became another. */
function numbersOf(seen: { shown: (number | null)[] }[], camera: number): number[] {
  const numbers = seen.flatMap(({ shown }) => shown[camera] ?? []);
  return numbers.filter((number, i) => number !== numbers[i - 1]);
}

Deno.test("pictures are composed by their moments: lateness changes nothing and loses nothing", () => {
  const count = 60;
  fc.assert(fc.property(
    fc.array(fc.integer({ min: 0, max: 49 }), { minLength: 1, maxLength: 4 }),
    fc.array(fc.integer({ min: 0, max: 1_500 }), { minLength: 7, maxLength: 7 }),
    (phasesMs, delaysMs) => {
      const { ticker, seen, goTo, arrive, momentOf } = studio(phasesMs);
      const arrivals = phasesMs.flatMap((_, camera) => {
        let lastMs = 0;
        return Array.from({ length: count }, (_, number) => {
          const lateMs = delaysMs[(number + camera) % delaysMs.length] ?? 0;
          lastMs = Math.max(lastMs, momentOf(camera, number) + lateMs);
          return { camera, number, atMs: lastMs };
        });
      }).sort((a, b) => a.atMs - b.atMs);
      for (const { camera, number, atMs } of arrivals) {
        goTo(atMs);
        arrive(camera, number);
      }
      goTo(count * 50 + 10_000);
      ticker.look();
      assert.equal(ticker.dropped, 0);
      for (const camera of phasesMs.keys()) {
        const numbers = numbersOf(seen, camera);
        assert.deepEqual(numbers, numbers.map((_, i) => i), `camera ${camera}`);
        // The last ones may still wait for a tick.
        assert(numbers.length >= count - 3, `camera ${camera}: ${numbers.length} of ${count}`);
      }
      for (const [i, { atMs }] of seen.entries()) assert(atMs > (seen[i - 1]?.atMs ?? -Infinity));
    },
  ));
});

Deno.test("a camera that has stopped is waited for two seconds, then the others go on", () => {
  const { ticker, seen, goTo, arrive } = studio([0, 10]);
  for (let number = 0; number < 100; number++) {
    goTo(50 * number + 20);
    arrive(0, number);
    if (number < 20) arrive(1, number);
  }
  const latest = () => numbersOf(seen, 0).at(-1) ?? 0;
  assert(latest() > 90, `the other camera is at ${latest()}`);
  assert.equal(ticker.dropped, 0);
});

Deno.test("without any camera a recording ticks on, a little behind the present", () => {
  const { ticker, seen, goTo } = studio([]);
  for (let ms = 1_000; ms <= 2_000; ms += 100) {
    goTo(ms);
    ticker.look();
  }
  assert.deepEqual(
    seen.map(({ atMs }) => atMs),
    Array.from({ length: 11 }, (_, i) => 850 + 100 * i),
  );
});

Deno.test("what is late is still coming until its camera has been silent for two seconds", () => {
  const { ticker, goTo, arrive } = studio([0]);
  goTo(6_000);
  arrive(0, 40);
  assert(!ticker.isBehind(2_000), "up to its last picture everything has come");
  assert(ticker.isBehind(3_000), "a picture of 2 s came just now: those after it will come too");
  goTo(8_000);
  assert(!ticker.isBehind(3_000));
});

Deno.test("every picture's memory is given back once, whatever becomes of the picture", () => {
  const { ticker, givenBack, goTo, arrive } = studio([0, 10]);
  // A thousand pictures a second are more than can be shown, and some wait for the other camera.
  for (let number = 0; number < 200; number++) arrive(0, number, number);
  goTo(500);
  for (let number = 200; number < 210; number++) arrive(1, number, 2 * number);
  ticker.show([]);
  arrive(0, 210);
  assert(ticker.dropped > 0);
  const serials = givenBack.map(({ serial }) => serial).sort((a, b) => a - b);
  assert.deepEqual(serials, Array.from({ length: 211 }, (_, i) => i));
});
