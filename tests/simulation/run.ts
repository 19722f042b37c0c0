/**
 * Storms from the command line: `deno task simulate`.
 *
 * `--storms N [--from SEED] [--jobs N]` lets many rage and prints what was injected and what came of it;
 * the first that fail are shrunk; Ctrl+C ends it early with what there is. `--seed SEED [--only a,b | --without a,b]` replays one and prints its
 * history. `--database real|mirror` chooses what decides commits (many storms: every tenth fifty on
 * the real one). `--plant NAME` puts a known mistake into the app, to see that it is found.
 */
import { parseArgs } from "node:util";
import { z } from "zod";
import { stormPool } from "./pool.ts";
import { tableOf } from "./batch.ts";
import { PLANTS } from "./planted.ts";
import { replayCommand, shrink } from "./shrink.ts";
import { Simulator } from "./storm.ts";

/** As many failing storms are shrunk and shown. */
const SHOWN = 5;
const PROGRESS_MS = 10_000;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    seed: { type: "string" },
    only: { type: "string" },
    without: { type: "string" },
    storms: { type: "string", default: "2000" },
    from: { type: "string", default: "1" },
    jobs: { type: "string", default: String(navigator.hardwareConcurrency) },
    plant: { type: "string" },
    database: { type: "string" },
  },
});

const plant = PLANTS[values.plant ?? ""];
if (values.plant !== undefined && !plant) {
  throw new Error(`Plant "${values.plant}": choose one of ${Object.keys(PLANTS).join(", ")}`);
}
const database = z.enum(["real", "mirror"]).optional().parse(values.database);
const clean = values.seed === undefined
  ? await many(Number(values.storms), Number(values.from), Number(values.jobs))
  : await one(Number(values.seed));
Deno.exit(clean ? 0 : 1);

/** Replays one storm; true if nothing was wrong. */
async function one(seed: number): Promise<boolean> {
  const names = (list?: string) => list === undefined ? undefined : new Set(list.split(","));
  const mask = { only: names(values.only), without: names(values.without) };
  using simulator = await Simulator.open({ database });
  const result = await simulator.storm(seed, { mask, plant });
  console.log([...result.history, "", `Injected: ${result.injected.join(",")}`].join("\n"));
  console.log(result.violations.join("\n") || "Nothing was wrong");
  return result.violations.length === 0;
}

/** Lets many storms rage; true if nothing was wrong in any. */
async function many(storms: number, from: number, jobs: number): Promise<boolean> {
  const begunMs = performance.now();
  const seconds = () => (performance.now() - begunMs) / 1000;
  let toldAtMs = begunMs;
  const enough = new AbortController();
  Deno.addSignalListener("SIGINT", () => enough.abort());
  const sum = await stormPool(
    { from, storms, jobs, signal: enough.signal, plant: values.plant, database },
    (sum, chunk) => {
      for (const { seed, violation } of chunk.failed) console.log(`seed ${seed}: ${violation}`);
      if (performance.now() - toldAtMs < PROGRESS_MS) return;
      toldAtMs = performance.now();
      const minutes = seconds() / 60 * (storms - sum.storms) / sum.storms;
      console.log(
        `${sum.storms} of ${storms} storms, ${sum.failed.length} failed, ` +
          `${minutes.toFixed(1)} minutes to go`,
      );
    },
  );
  console.log(tableOf(sum, seconds()));
  if (sum.failed.length === 0) return true;
  using simulator = await Simulator.open();
  for (const { seed, violation } of sum.failed.slice(0, SHOWN)) {
    const small = await shrink(simulator, seed, plant);
    console.log(`\nseed ${seed}: ${violation}\n  ${replayCommand(seed, undefined, values.plant)}`);
    if (!small) console.log("  It did not fail again: that is a mistake of the simulator");
    else console.log(`  shrunk: ${replayCommand(seed, small.only, values.plant)}`);
  }
  return false;
}
