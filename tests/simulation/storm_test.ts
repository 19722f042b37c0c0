import assert from "node:assert/strict";
import { storm } from "./storm.ts";

const STORMS = 150;
const FIRST_SEED = 1;

Deno.test("a recording survives every storm of a fixed set", async () => {
  const failed: string[] = [];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + STORMS && failed.length < 3; seed++) {
    const { violations } = await storm(seed);
    if (violations.length > 0) {
      failed.push(`${violations[0]}\n  replay: deno run -A tests/simulation/run.ts --seed ${seed}`);
    }
  }
  assert.deepEqual(failed, []);
});
