/** What a page and its recording worker say to each other. */
import * as z from "zod";

/** A stream's place in a recording: the feeds that carry it, and what it shows of itself now. */
const tile = z.object({
  name: z.string(),
  /** Position among the tiles; the same for both recordings of a handover. */
  order: z.number(),
  hasAudio: z.boolean(),
  hasVideo: z.boolean(),
  audioFeed: z.string().nullable(),
  videoFeed: z.string().nullable(),
});
/** A stream's place in a recording. */
export type Tile = z.infer<typeof tile>;

/** The feeds of the tracks that the feed `id` of somebody else's carries. */
export function feedIds(id: string): { audio: string; video: string } {
  return { audio: `${id} audio`, video: `${id} video` };
}

/** What a recording is to be. */
const recordingOptions = z.object({
  archiveId: z.string(),
  hasAudio: z.boolean(),
  hasVideo: z.boolean(),
  width: z.number(),
  height: z.number(),
  uploadUrl: z.string(),
  uploadToken: z.string(),
});
/** What a recording is to be. */
export type RecordingOptions = z.infer<typeof recordingOptions>;

/**
 * A track from now on: a microphone's samples, which a MediaStreamTrackProcessor gives, or a camera's
 * pictures, which come from the camera worker.
 */
const source = z.union([z.instanceof(ReadableStream), z.instanceof(MessagePort)]);

/** From the page to the worker. */
export const toWorkerSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("feed"), id: z.string(), source }),
  z.object({ type: z.literal("end-feed"), id: z.string() }),
  /** A track of this page's, to be encoded for somebody else's recorder: for the feed `id`. */
  z.object({ type: z.literal("send"), id: z.string(), source }),
  z.object({ type: z.literal("end-send"), id: z.string() }),
  /** A message of the feed `id` of somebody else's; its tracks are the feeds of {@link feedIds}. */
  z.object({ type: z.literal("receive"), id: z.string(), message: z.instanceof(ArrayBuffer) }),
  z.object({ type: z.literal("end-receive"), id: z.string() }),
  z.object({ type: z.literal("start"), options: recordingOptions, tiles: z.array(tile) }),
  z.object({ type: z.literal("tiles"), archiveId: z.string(), tiles: z.array(tile) }),
  z.object({ type: z.literal("stop"), archiveId: z.string() }),
]);
/** A message from the page to the worker. */
export type ToWorker = z.infer<typeof toWorkerSchema>;

/** From the worker to the page. */
export const fromWorkerSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("started"), archiveId: z.string(), epochMs: z.number() }),
  z.object({ type: z.literal("finished"), archiveId: z.string(), droppedFrames: z.number() }),
  z.object({ type: z.literal("failed"), archiveId: z.string(), message: z.string() }),
  /** What a feed sends next. */
  z.object({
    type: z.literal("packet"),
    id: z.string(),
    messages: z.array(z.instanceof(ArrayBuffer)),
  }),
  /** A feed that is received cannot be decoded any more, unless it begins anew. */
  z.object({ type: z.literal("broken"), id: z.string() }),
]);
/** A message from the worker to the page. */
export type FromWorker = z.infer<typeof fromWorkerSchema>;
