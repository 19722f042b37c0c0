/** What a recording's own file says about it, read by range requests: length and true start. */
import { ALL_FORMATS, Input, UrlSource } from "mediabunny";

/** Facts that only the file knows. */
export interface MediaFacts {
  durationMs: number;
  /** Wall clock of media time 0, ms since the Unix epoch; null if the file does not carry it. */
  epochMs: number | null;
}

/** The whole reading must be done in this time. */
const DEADLINE_MS = 20_000;
/** Indexes of long recordings fit; the media itself is never held. */
const MAX_CACHE_BYTES = 8 * 1024 * 1024;
const EPOCH_TAG = /gapless-epoch-ms=(\d+(?:\.\d+)?)/;

/** Reads a media file's facts. Throws if it cannot be read within 20 s. */
export async function readMediaFacts(url: string): Promise<MediaFacts> {
  const source = new UrlSource(url, {
    maxCacheSize: MAX_CACHE_BYTES,
    // The caller comes back later; and a retry would be logged with the file's whole address.
    getRetryDelay: () => null,
    // A failed prefetch nobody waits for is no failure of ours.
    handleUnhandledError: () => {},
  });
  const input = new Input({ formats: ALL_FORMATS, source });
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => deadline.reject(new Error(`Read a media file: no answer within ${DEADLINE_MS} ms`)),
    DEADLINE_MS,
  );
  try {
    const read = Promise.all([input.computeDuration(), input.getMetadataTags()]);
    const [durationSeconds, tags] = await Promise.race([read, deadline.promise]);
    const match = EPOCH_TAG.exec(tags.comment ?? "");
    return {
      durationMs: durationSeconds * 1000,
      epochMs: match?.[1] === undefined ? null : Number(match[1]),
    };
  } finally {
    clearTimeout(timer);
    input.dispose();
  }
}
