/** Where a viewer left a film: kept in this browser only. */

/** Nearer to either end than this, a film is simply begun from the start. */
const MARGIN_SECONDS = 10;
const PREFIX = "gapless:left:";

type Memory = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** Where to go on, or null to begin at the beginning. */
export function leftAt(memory: Memory, chainId: string): number | null {
  try {
    const seconds = Number(memory.getItem(PREFIX + chainId) ?? NaN);
    return Number.isFinite(seconds) && seconds >= MARGIN_SECONDS ? seconds : null;
  } catch {
    return null;
  }
}

/** Remembers a moment, or forgets it near the ends. A browser that keeps nothing is no error. */
export function rememberAt(
  memory: Memory,
  chainId: string,
  seconds: number,
  durationSeconds: number,
): void {
  try {
    const inside = seconds >= MARGIN_SECONDS && seconds < durationSeconds - MARGIN_SECONDS;
    if (inside) memory.setItem(PREFIX + chainId, seconds.toFixed(1));
    else memory.removeItem(PREFIX + chainId);
  } catch {
    // Private windows and full storage: then this film begins at its beginning next time.
  }
}
