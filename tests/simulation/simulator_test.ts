/** The simulator itself: a seed is one history, and what is left out of it does not happen. */
import assert from "node:assert/strict";
import { stormBatch } from "./batch.ts";
import { PLANTS } from "./planted.ts";
import { replayCommand, shrink } from "./shrink.ts";
import { Simulator } from "./storm.ts";

Deno.test("a seed always makes the same history, whatever raged before it", async () => {
  const first = new Map<number, string>();
  {
    using simulator = await Simulator.open();
    for (let seed = 1; seed <= 40; seed++) {
      first.set(seed, JSON.stringify(await simulator.storm(seed)));
    }
  }
  using simulator = await Simulator.open();
  for (let seed = 40; seed >= 1; seed--) {
    const again = JSON.stringify(await simulator.storm(seed));
    assert.ok(again === first.get(seed), `Storm ${seed} is another the second time`);
  }
});

Deno.test("a storm is the same on a real Deno KV and on its mirror", async () => {
  using real = await Simulator.open();
  using mirror = await Simulator.open({ database: "mirror" });
  for (let seed = 100; seed < 140; seed++) {
    const expected = JSON.stringify(await real.storm(seed));
    assert.ok(JSON.stringify(await mirror.storm(seed)) === expected, `Storm ${seed} differs`);
  }
});

Deno.test("two storms that rage at the same time do not touch each other", async () => {
  using one = await Simulator.open();
  using other = await Simulator.open();
  const alone = JSON.stringify(await one.storm(7));
  const [beside] = await Promise.all([one.storm(7), other.storm(8)]);
  assert.ok(JSON.stringify(beside) === alone);
});

Deno.test("a fault that is left out does not happen, and the others still do", async () => {
  using simulator = await Simulator.open();
  const { injected } = await simulator.storm(11);
  const [first, ...others] = injected;
  assert.ok(first !== undefined && others.length > 3);
  const fewer = await simulator.storm(11, { mask: { without: new Set([first]) } });
  assert.ok(!fewer.injected.includes(first));
  assert.ok(fewer.injected.length > 0);
  const none = await simulator.storm(11, { mask: { only: new Set() } });
  assert.deepEqual(none.injected, []);
  assert.deepEqual(none.violations, []);
});

Deno.test("a failing storm shrinks to few faults that still make it fail", async () => {
  using simulator = await Simulator.open();
  const plant = PLANTS["no-gap-record"];
  assert.ok(plant);
  const { failed } = await stormBatch(simulator, 1, 200, { plant, mostFailed: 1 });
  const seed = failed[0]?.seed ?? 0;
  const small = await shrink(simulator, seed, plant);
  assert.ok(small && small.result.violations.length > 0);
  assert.ok(small.only.length <= 3, small.only.join(" "));
  const mask = { only: new Set(small.only) };
  assert.deepEqual(
    (await simulator.storm(seed, { mask, plant })).violations,
    small.result.violations,
  );
  assert.match(replayCommand(seed, small.only), /^deno task simulate --seed \d+ --only \S+$/);
});
