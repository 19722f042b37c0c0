/** Makes a failing storm small: leaves out fault after fault, as long as it still fails. */
import type { Simulator, StormResult } from "./storm.ts";
import type { Plant } from "./planted.ts";

/** What is left of a failing storm. */
export interface Shrunk {
  result: StormResult;
  /** The faults and events that it takes. */
  only: string[];
}

/** A storm is not tried more often than this. */
const MAX_TRIES = 400;

/** The smallest part of a failing storm that was found to fail still; null if it does not fail. */
export async function shrink(
  simulator: Simulator,
  seed: number,
  plant?: Plant,
): Promise<Shrunk | null> {
  let result = await simulator.storm(seed, { plant });
  if (result.violations.length === 0) return null;
  let only = result.injected;
  let tries = 1;
  for (let size = Math.ceil(only.length / 2); size >= 1; size = Math.floor(size / 2)) {
    let from = 0;
    while (from < only.length && tries < MAX_TRIES) {
      const fewer = [...only.slice(0, from), ...only.slice(from + size)];
      const smaller = await simulator.storm(seed, { plant, mask: { only: new Set(fewer) } });
      tries++;
      if (smaller.violations.length === 0) {
        from += size;
        continue;
      }
      result = smaller;
      // What can no longer happen without the rest is left out with it.
      only = fewer.filter((name) => smaller.injected.includes(name));
    }
  }
  return { result, only };
}

/** The command that lets exactly this storm rage again. */
export function replayCommand(seed: number, only?: readonly string[], planted?: string): string {
  return `deno task simulate --seed ${seed}` + (only ? ` --only ${only.join(",") || "none"}` : "") +
    (planted ? ` --plant ${planted}` : "");
}
