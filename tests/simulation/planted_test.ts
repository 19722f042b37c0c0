/** The proof of the oracle: it sees every mistake that is put into the app. */
import assert from "node:assert/strict";
import { PLANTS } from "./planted.ts";
import { Simulator } from "./storm.ts";

const MOST_STORMS = 2_000;

for (const [name, plant] of Object.entries(PLANTS)) {
  Deno.test(`the oracle sees the mistake "${name}"`, async () => {
    using simulator = await Simulator.open({ database: "mirror" });
    for (let seed = 1; seed <= MOST_STORMS; seed++) {
      const { violations } = await simulator.storm(seed, { plant });
      if (violations.length > 0) return;
    }
    assert.fail(`Not seen in ${MOST_STORMS} storms`);
  });
}
