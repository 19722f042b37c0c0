/**
 * Runs storms: `--seed N` replays one and prints its history; `--storms N [--from M]` runs many and
 * prints what was injected and what came of it.
 */
import { parseArgs } from "node:util";
import { storm } from "./storm.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    seed: { type: "string" },
    storms: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
  },
});

if (values.seed !== undefined) {
  const { history, violations } = await storm(Number(values.seed));
  // deno-lint-ignore no-console -- a command's output
  console.log([...history, "", ...violations].join("\n"));
  Deno.exit(violations.length === 0 ? 0 : 1);
}

const totals: Record<string, number> = {};
const begun = performance.now();
let failed = 0;
const from = Number(values.from);
for (let seed = from; seed < from + Number(values.storms); seed++) {
  const { violations, counts } = await storm(seed);
  for (const [name, n] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + n;
  if (violations.length > 0) {
    failed++;
    // deno-lint-ignore no-console -- a command's output
    console.log(`seed ${seed}: ${violations[0]}`);
  }
}
const seconds = ((performance.now() - begun) / 1000).toFixed(1);
// deno-lint-ignore no-console -- a command's output
console.table({ storms: Number(values.storms), failed, seconds, ...totals });
Deno.exit(failed === 0 ? 0 : 1);
