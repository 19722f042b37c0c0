/**
 * Fetching a part's media although its address is short-lived. `mediaUrl` answers with a redirect to
 * an address that lives ten minutes; that address is used while it is young, and asked for anew once
 * it has aged (so before any late preload or long seek) or was refused.
 */

/** Addresses live 10 minutes; one this old is renewed before it is used again. */
export const ADDRESS_LIFE_MS = 8 * 60_000;

/**
 * What is wrong with a request: `expired` the address was refused, a new one may work; `gone` there
 * is no such file; `denied` our own server refuses us; `unreachable` no answer, or one that says try
 * later; `blocked` the file's server does not let scripts read it (CORS); `no-ranges` it sends only
 * whole files.
 */
export type Trouble = "expired" | "gone" | "denied" | "unreachable" | "blocked" | "no-ranges";

/** A part's media could not be fetched, after all the tries its kind of trouble deserves. */
export class MediaFetchError extends Error {
  override readonly name = "MediaFetchError";
  constructor(readonly trouble: Trouble, message: string, options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** The file is there, but it is nothing this player can show; the message continues "Part n ...". */
export class UnplayableFileError extends Error {
  override readonly name = "UnplayableFileError";
}

/** Waits before each further try; a trouble without an entry is final at once. */
export const RETRY_DELAYS_MS: Readonly<Record<Trouble, readonly number[]>> = {
  expired: [0, 1_000],
  gone: [1_000],
  denied: [],
  unreachable: [300, 1_000, 3_000, 6_000],
  blocked: [],
  "no-ranges": [],
};

/** What an answer means, or null if it is good. `redirected`: it came from the file's own address. */
export function troubleOf(
  answer: { status: number; redirected: boolean },
): Trouble | null {
  if (answer.status === 206) return null;
  if (answer.status >= 200 && answer.status < 300) return "no-ranges";
  if (answer.status === 429 || answer.status >= 500) return "unreachable";
  if (answer.redirected) return "expired";
  return answer.status === 401 || answer.status === 403 ? "denied" : "gone";
}

/** What {@link createMediaFetch} needs of the world. */
export interface MediaFetchWorld {
  fetch: typeof fetch;
  now(): number;
  /** False where it is known that there is no network. */
  isOnline(): boolean;
  /** Resolves after the delay, or rejects when the signal aborts. */
  sleep(delayMs: number, signal: AbortSignal | null): Promise<void>;
}

/**
 * A `fetch` for one part's media: adds nothing to the request but chooses the address, and rejects
 * with {@link MediaFetchError} instead of answering with anything but 206.
 */
export function createMediaFetch(mediaUrl: string, world: MediaFetchWorld): typeof fetch {
  let address: { url: string; sinceMs: number } | null = null;

  return async (_input, init) => {
    const signal = init?.signal ?? null;
    for (let tries = 0;;) {
      if (address && world.now() - address.sinceMs > ADDRESS_LIFE_MS) address = null;
      const usedAddress = address !== null;
      let trouble: Trouble;
      let status = 0;
      let cause: unknown;
      try {
        const response = await world.fetch(address?.url ?? mediaUrl, {
          ...init,
          cache: "no-store",
        });
        const redirected = usedAddress || response.redirected;
        const found = troubleOf({ status: response.status, redirected });
        if (!found) {
          if (!usedAddress && response.redirected) {
            address = { url: response.url, sinceMs: world.now() };
          }
          return response;
        }
        void response.body?.cancel();
        [trouble, status] = [found, response.status];
      } catch (error) {
        if (signal?.aborted) throw error;
        cause = error;
        trouble = await isBlocked(mediaUrl, world, signal) ? "blocked" : "unreachable";
      }
      address = null;
      // A remembered address that fails costs nothing: the real count begins with a new one.
      if (usedAddress && trouble !== "no-ranges") continue;
      // Without a network nothing is won by trying again: whoever asked hears of it at once.
      const delayMs = world.isOnline() ? RETRY_DELAYS_MS[trouble][tries++] : undefined;
      if (delayMs === undefined) {
        const final = trouble === "expired" ? "gone" : trouble;
        const detail = status ? `HTTP ${status}` : "no answer";
        throw new MediaFetchError(final, `Fetching "${mediaUrl}" failed: ${detail}`, { cause });
      }
      await world.sleep(delayMs, signal);
    }
  };
}

/** Tells a file server that forbids scripts from one that is not there: does ours still redirect? */
async function isBlocked(
  mediaUrl: string,
  world: MediaFetchWorld,
  signal: AbortSignal | null,
): Promise<boolean> {
  try {
    const answer = await world.fetch(mediaUrl, { redirect: "manual", cache: "no-store", signal });
    void answer.body?.cancel();
    return answer.type === "opaqueredirect";
  } catch {
    return false;
  }
}

/** The browser's own world. */
export const browserWorld: MediaFetchWorld = {
  fetch: (input, init) => fetch(input, init),
  now: () => Date.now(),
  isOnline: () => navigator.onLine,
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(done, delayMs);
      // Coming back online ends the wait: the next try has a better chance now than later.
      globalThis.addEventListener("online", done);
      signal?.addEventListener("abort", aborted);
      function clear() {
        clearTimeout(timer);
        globalThis.removeEventListener("online", done);
        signal?.removeEventListener("abort", aborted);
      }
      function done() {
        clear();
        resolve();
      }
      function aborted() {
        clear();
        reject(signal?.reason);
      }
    }),
};
