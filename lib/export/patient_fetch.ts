/** Reading parts for as long as an export takes: addresses expire, networks come and go. */
import {
  browserWorld,
  createMediaFetch,
  MediaFetchError,
  type MediaFetchWorld,
} from "../player/media_fetch.ts";

/** A connection that brings nothing for so long is dead. */
export const SILENCE_MS = 30_000;

/** What is done while a part cannot be reached: resolves when it is worth another try, or rejects. */
export type Wait = (trouble: MediaFetchError, signal: AbortSignal) => Promise<void>;

/**
 * A `fetch` for one part's file that gives up only where trying again is no use: whatever is just not
 * reachable now waits. Everything above it sees a slow network.
 */
export function createPatientFetch(
  mediaUrl: string,
  wait: Wait,
  over: AbortSignal,
  { world = browserWorld, silenceMs = SILENCE_MS }: {
    world?: MediaFetchWorld;
    silenceMs?: number;
  } = {},
): typeof fetch {
  const fetchMedia = createMediaFetch(mediaUrl, {
    ...world,
    fetch: (input, init) => {
      const late = new AbortController();
      const signal = AbortSignal.any([init?.signal ?? over, late.signal]);
      return within(silenceMs, late, () => world.fetch(input, { ...init, signal }));
    },
  });
  return async (input, init) => {
    const signal = init?.signal ? AbortSignal.any([init.signal, over]) : over;
    for (;;) {
      try {
        return withDeadline(await fetchMedia(input, { ...init, signal }), silenceMs);
      } catch (error) {
        const passes = error instanceof MediaFetchError && error.trouble === "unreachable";
        if (!passes || signal.aborted) throw error;
        await wait(error, signal);
      }
    }
  };
}

/** The same answer; its body fails, as one that breaks off does, when nothing comes any more. */
function withDeadline(response: Response, silenceMs: number): Response {
  const reader = response.body?.getReader();
  if (!reader) return response;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const late = new AbortController();
      late.signal.addEventListener("abort", () => void reader.cancel().catch(() => {}));
      const { value } = await within(silenceMs, late, () => reader.read());
      late.signal.throwIfAborted();
      if (value) controller.enqueue(value);
      else controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  const { status, statusText, headers } = response;
  return new Response(body, { status, statusText, headers });
}

async function within<T>(
  limitMs: number,
  late: AbortController,
  work: () => Promise<T>,
): Promise<T> {
  const timer = setTimeout(
    () => late.abort(new TypeError(`Nothing came for ${limitMs / 1000} s`)),
    limitMs,
  );
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
}
