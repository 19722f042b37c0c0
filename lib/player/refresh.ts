/** Asking for newer versions of a film that is not complete yet. Browser only. */
import type { Film } from "../recording/views.ts";

/** How often an incomplete film is asked for, and at most how seldom when answers fail. */
const SHORTEST_MS = 4_000;
const LONGEST_MS = 60_000;

/** Calls `take` with every newer version until `signal` aborts; rests while the page is hidden. */
export async function refreshFilm(
  chainId: string,
  take: (film: Film) => void,
  signal: AbortSignal,
): Promise<void> {
  // The schemas are only needed by pages that ask: most films are complete.
  const { readFilm } = await import("../api/client.ts");
  let delayMs = SHORTEST_MS;
  while (!signal.aborted) {
    await rest(delayMs, signal);
    if (document.hidden || signal.aborted) continue;
    try {
      take(await readFilm(chainId, { signal }));
      delayMs = SHORTEST_MS;
    } catch {
      // What plays goes on playing; the film is asked for again, ever more seldom.
      delayMs = Math.min(LONGEST_MS, delayMs * 2);
    }
  }
}

function rest(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, delayMs);
    signal.addEventListener("abort", done);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
