/** A recording survives every storm: known ones, a fixed set, and others in every run. */
import assert from "node:assert/strict";
import { quantity } from "../support/quantity.ts";
import { stormBatch } from "./batch.ts";
import { CORPUS } from "./corpus.ts";
import { hash } from "./random.ts";
import { replayCommand, shrink } from "./shrink.ts";
import { Simulator } from "./storm.ts";

const REAL_STORMS = quantity(60, 300);
const FIXED_STORMS = quantity(500, 5_000);
const FRESH_STORMS = quantity(50, 20_000);
/** Failing storms that are shrunk and shown. */
const SHOWN = 2;

Deno.test("a recording survives the storms that once showed a mistake", async () => {
  using simulator = await Simulator.open();
  for (const { seed } of CORPUS) await survives(simulator, seed, 1);
});

Deno.test("a recording survives every storm of a fixed set, on a real Deno KV", async () => {
  using simulator = await Simulator.open();
  await survives(simulator, 1, REAL_STORMS);
});

Deno.test("a recording survives every storm of a larger fixed set", async () => {
  using simulator = await Simulator.open({ database: "mirror" });
  await survives(simulator, 1 + REAL_STORMS, FIXED_STORMS);
});

Deno.test("a recording survives storms that nobody has seen before", async () => {
  const base = hash(crypto.randomUUID(), 0);
  console.log(`Fresh storms: seeds from ${base}`);
  using simulator = await Simulator.open({ database: "mirror" });
  await survives(simulator, base, FRESH_STORMS);
});

/** Fails with the commands that replay what failed. */
async function survives(simulator: Simulator, from: number, count: number): Promise<void> {
  const { failed } = await stormBatch(simulator, from, count, { mostFailed: SHOWN });
  const shown: string[] = [];
  for (const { seed, violation } of failed) {
    const small = await shrink(simulator, seed);
    shown.push(`${violation}
  replay: ${replayCommand(seed)}
  shrunk: ${replayCommand(seed, small?.only)}
${small?.result.history.slice(-40).join("\n") ?? "It did not fail again"}`);
  }
  assert.equal(shown.join("\n"), "");
}
