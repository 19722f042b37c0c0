/** A recording in a store without a call that was recorded. */
import { type Chain, chainSchema, type Part, partSchema } from "../../lib/recording/model.ts";
import type { Store } from "../../lib/store/mod.ts";
import { setPart } from "../../lib/store/parts.ts";

/** The time the recordings begin. */
export const START_MS = Date.UTC(2026, 4, 3, 10, 0, 0);

/**
 * Stores a stopped chain of `lengthsMs.length` parts, each overlapping the next by a second.
 * `chainChange` and `partChange` replace what the records hold otherwise.
 */
export async function storeChain(
  store: Store,
  chainChange: Partial<Chain> & { id: string },
  lengthsMs: number[] = [10_000, 10_000],
  partChange: Partial<Part> = {},
): Promise<void> {
  const endMs = START_MS + lengthsMs.reduce((sum, ms) => sum + ms - 1000, 1000);
  await store.chains.create(chainSchema.parse({
    room: "main",
    name: "Seminar",
    options: {},
    strategy: "dual-session",
    state: "stopped",
    createdAtMs: START_MS,
    stoppedAtMs: endMs,
    ...chainChange,
  }));
  let startedAtMs = START_MS;
  for (const [seq, durationMs] of lengthsMs.entries()) {
    const part = partSchema.parse({
      chainId: chainChange.id,
      seq,
      archiveId: `${chainChange.id}-${seq}`,
      sessionId: "session",
      lane: seq % 2 === 0 ? "primary" : "secondary",
      status: "available",
      startedAtMs,
      startSource: "file",
      startUncertaintyMs: 1,
      endedAtMs: startedAtMs + durationMs,
      durationMs,
      sizeBytes: 1000,
      ...partChange,
    });
    await setPart(store.kv.atomic(), part).commit();
    startedAtMs += durationMs - 1000;
  }
}
