/** Many storms: their sums, and which of them failed. */
import type { Simulator } from "./storm.ts";
import type { Plant } from "./planted.ts";

/** What came of many storms. */
export interface Batch {
  storms: number;
  failed: { seed: number; violation: string }[];
  faults: Record<string, number>;
  outcomes: Record<string, number>;
}

/** No storms yet. */
export function emptyBatch(): Batch {
  return { storms: 0, failed: [], faults: {}, outcomes: {} };
}

/** Lets a storm rage for each of `count` seeds from `from`; ends early after `mostFailed` failed. */
export async function stormBatch(
  simulator: Simulator,
  from: number,
  count: number,
  { plant, mostFailed = Infinity }: { plant?: Plant; mostFailed?: number } = {},
): Promise<Batch> {
  const batch = emptyBatch();
  for (let seed = from; seed < from + count && batch.failed.length < mostFailed; seed++) {
    const { violations: [violation], faults, outcomes } = await simulator.storm(seed, { plant });
    const failed = violation === undefined ? [] : [{ seed, violation }];
    addBatch(batch, { storms: 1, failed, faults, outcomes });
  }
  return batch;
}

/** Adds the sums of `more` to `sum`. */
export function addBatch(sum: Batch, more: Batch): void {
  sum.storms += more.storms;
  sum.failed.push(...more.failed);
  addCounts(sum.faults, more.faults);
  addCounts(sum.outcomes, more.outcomes);
}

function addCounts(sum: Record<string, number>, more: Record<string, number>): void {
  for (const [name, n] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + n;
}

/** The sums as a table for people. */
export function tableOf(batch: Batch, seconds: number): string {
  const row = (name: string, value: number | string) => `  ${name.padEnd(34)}${value}`;
  const rows = (counts: Record<string, number>) =>
    Object.keys(counts).sort().map((name) => row(name, counts[name] ?? 0));
  const { "gaps ours": gaps = 0, "gaps forced": forced = 0, ...outcomes } = batch.outcomes;
  const { "orphans ours": orphans = 0, "orphans forced": forcedOrphans = 0, ...others } = outcomes;
  return [
    "Faults and events by kind",
    ...rows(batch.faults),
    "What came of them",
    ...rows(others),
    "Verdict",
    row("storms", batch.storms),
    row("storms that failed", batch.failed.length),
    row("gaps forced by the platform", forced),
    row("gaps ours", gaps),
    row("orphans of starts nobody could know", forcedOrphans),
    row("orphans ours", orphans),
    row("seconds", seconds.toFixed(1)),
    row("ms a storm", (seconds * 1000 / Math.max(1, batch.storms)).toFixed(1)),
  ].join("\n");
}
