/** The proof of the oracle: it sees every mistake that is put into the app. */
import assert from "node:assert/strict";
import { quantity } from "../support/quantity.ts";
import { stormBatch } from "./batch.ts";
import { PLANTS } from "./planted.ts";
import { Simulator } from "./storm.ts";

/** The first storm that shows each mistake. */
const SEEDS: Record<string, number> = {
  "stop-before-confirmed": 5,
  "no-overlap": 7,
  "no-verification": 1,
  "no-fencing": 18,
  "no-lease": 21,
  "no-adoption": 6,
  "save-after-command": 1,
  "no-gap-record": 8,
  "edge-triggered-join": 11,
  "double-start": 12,
  "no-replacement": 1,
  "no-resumption": 1,
  "forgotten-options": 5,
  "stop-not-confirmed": 73,
};
/** In the long run each mistake is also searched for in so many storms. */
const SEARCHED_STORMS = quantity(0, 2_000);

for (const [name, plant] of Object.entries(PLANTS)) {
  Deno.test(`the oracle sees the mistake "${name}"`, async () => {
    const findAnother = `run deno task simulate --plant ${name}`;
    const seed = SEEDS[name];
    assert.ok(seed !== undefined, `No storm is known to show it: ${findAnother}`);
    using simulator = await Simulator.open({ database: "mirror" });
    const { violations } = await simulator.storm(seed, { plant });
    assert.ok(violations.length > 0, `Storm ${seed} does not show it any more: ${findAnother}`);
    if (SEARCHED_STORMS === 0) return;
    const { failed } = await stormBatch(simulator, 1, SEARCHED_STORMS, { plant, mostFailed: 1 });
    assert.ok(failed.length > 0, `Not seen in ${SEARCHED_STORMS} storms: ${findAnother}`);
  });
}
