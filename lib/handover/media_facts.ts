/** What a recording's own file says about it, read by range requests: length, true start, losses. */
import { Input, MATROSKA, MP4, QTFF, UrlSource, WEBM } from "mediabunny";
import { z } from "zod";
import { type FrameLosses, frameLossesSchema } from "../recording/model.ts";

/** Facts that only the file knows. */
export interface MediaFacts {
  durationMs: number;
  /** Wall clock of media time 0, ms since the Unix epoch; null if the file does not carry it. */
  epochMs: number | null;
  /** Intervals that nothing recorded although the archive ran, wall clock. */
  gaps: { fromMs: number; toMs: number }[];
  losses: FrameLosses | null;
}

/** The whole reading must be done in this time. */
const DEADLINE_MS = 20_000;
/** Indexes of long recordings fit; the media itself is never held. */
const MAX_CACHE_BYTES = 8 * 1024 * 1024;
/** Formats of archives. A playlist, which could name other addresses, is none. */
const FORMATS = [MP4, QTFF, WEBM, MATROSKA];
/** The emulator's files have their facts as JSON in the tag `comment`. */
const FACTS = /^gapless (\{.*\})$/;
const factsSchema = frameLossesSchema.extend({
  epochMs: z.number(),
  gaps: z.array(z.object({ fromMs: z.number(), toMs: z.number() })),
});

/** Reads a media file's facts. Throws if it cannot be read within 20 s. */
export async function readMediaFacts(url: string): Promise<MediaFacts> {
  const source = new UrlSource(url, {
    maxCacheSize: MAX_CACHE_BYTES,
    // The caller comes back later; and a retry would be logged with the file's whole address.
    getRetryDelay: () => null,
    // A failed prefetch nobody waits for is no failure of ours.
    handleUnhandledError: () => {},
  });
  const input = new Input({ formats: FORMATS, source });
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => deadline.reject(new Error(`Read a media file: no answer within ${DEADLINE_MS} ms`)),
    DEADLINE_MS,
  );
  try {
    const read = Promise.all([input.computeDuration(), input.getMetadataTags()]);
    const [durationSeconds, tags] = await Promise.race([read, deadline.promise]);
    const { epochMs = null, gaps = [], ...losses } = readFacts(tags.comment) ?? {};
    return {
      durationMs: durationSeconds * 1000,
      epochMs,
      gaps,
      losses: frameLossesSchema.safeParse(losses).data ?? null,
    };
  } finally {
    clearTimeout(timer);
    input.dispose();
  }
}

function readFacts(comment = ""): z.infer<typeof factsSchema> | null {
  const json = FACTS.exec(comment)?.[1];
  if (json === undefined) return null;
  try {
    return factsSchema.safeParse(JSON.parse(json)).data ?? null;
  } catch {
    return null; // a comment of somebody else
  }
}
