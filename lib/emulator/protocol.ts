/**
 * Messages between the emulator's server and the recorder worker of a page, over one WebSocket a
 * page: `GET /emulator/recorder?token=<client token>&recorder=<uuid made by the page>`. JSON, parsed
 * by both sides. The worker reconnects with the same id. Media goes by {@link uploadPath}.
 */
import * as z from "zod";

const archiveId = z.string();
// As mediabunny names them.
const videoCodec = z.enum(["avc", "vp8"]);
const audioCodec = z.enum(["aac", "opus"]);
const codecs = z.object({ video: videoCodec, audio: audioCodec });
/** Codecs of a recording. */
export type Codecs = z.infer<typeof codecs>;

const recordedStream = z.object({
  streamId: z.string(),
  name: z.string(),
  /** What it sends now; muted media is left out of the archive. */
  hasAudio: z.boolean(),
  hasVideo: z.boolean(),
  /** Streams of any session with this participant's media: the page uses the first that it has. */
  mediaStreamIds: z.array(z.string()),
});
/** A stream of the archive's session, and where the page finds its media. */
export type RecordedStream = z.infer<typeof recordedStream>;
const streams = z.array(recordedStream);

const losses = z.object({
  /** Camera frames that the browser never delivered to the recorder (holes in their timestamps). */
  framesNotDelivered: z.number().int().nonnegative(),
  /** Frames that the recorder itself dropped, because encoding did not keep up. */
  framesDropped: z.number().int().nonnegative(),
});
/** Video frames that are missing in a recording. */
export type Losses = z.infer<typeof losses>;

const recordingRequest = z.object({
  archiveId,
  /** Counts the pages that recorded this archive, from 0. */
  segment: z.number().int().nonnegative(),
  outputMode: z.enum(["composed", "individual"]),
  hasAudio: z.boolean(),
  hasVideo: z.boolean(),
  /** Size of the composed video, pixels. */
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  /** Codecs of an earlier segment, which this one has to continue; null in the first one. */
  codecs: codecs.nullable(),
  /** Authorizes the uploads of this segment. */
  uploadToken: z.string(),
});
/** What a page is asked to record. */
export type RecordingRequest = z.infer<typeof recordingRequest>;

/** From the server to the recorder. */
export const toRecorderSchema = z.discriminatedUnion("type", [
  /** Answered at once by `pong`: measures the recorder's clock, and shows that it lives. */
  z.object({ type: z.literal("ping"), id: z.number() }),
  /** Begin; answer `started` with the first frame, or `failed`. */
  z.object({ type: z.literal("record"), request: recordingRequest, streams }),
  /** The streams have changed. While `paused` nothing is written and media time stands still. */
  z.object({ type: z.literal("streams"), archiveId, streams, paused: z.boolean() }),
  /** Stop now, upload what is left, answer `finished`. */
  z.object({ type: z.literal("stop"), archiveId }),
  /** Stop and forget: another page records this archive, or it is over. No answer. */
  z.object({ type: z.literal("discard"), archiveId }),
]);
/** From the server to the recorder. */
export type ToRecorder = z.infer<typeof toRecorderSchema>;

/** From the recorder to the server. */
export const fromRecorderSchema = z.discriminatedUnion("type", [
  /** First message of every connection. */
  z.object({
    type: z.literal("hello"),
    /** Codecs this page can encode, best first; empty: it cannot record. */
    video: z.array(videoCodec),
    audio: z.array(audioCodec),
    /** Recordings that run or wait for their last bytes to be uploaded. */
    recordings: z.array(z.object({ archiveId, segment: z.number() })),
  }),
  /** `atMs` is the recorder's clock (`performance.now()` of the worker) when the ping arrived. */
  z.object({ type: z.literal("pong"), id: z.number(), atMs: z.number() }),
  /** Media time 0 was at `startedAtMs` of the recorder's clock. */
  z.object({ type: z.literal("started"), archiveId, startedAtMs: z.number(), codecs }),
  /** About once a second while a recording runs. */
  z.object({ type: z.literal("progress"), archiveId, losses }),
  /** Everything is uploaded. */
  z.object({ type: z.literal("finished"), archiveId, losses }),
  z.object({ type: z.literal("failed"), archiveId, message: z.string() }),
  /** The page leaves the call: have another page take over, then send `stop`. */
  z.object({ type: z.literal("leaving") }),
]);
/** From the recorder to the server. */
export type FromRecorder = z.infer<typeof fromRecorderSchema>;

/** Name of the one file of a composed segment; files of individual segments are named by their stream. */
export const COMPOSED_FILE = "composed";

/**
 * Where a file of a segment is uploaded, an append-only stream (`packets.ts`). As in tus 1.0 (tus.io),
 * `PATCH` with `Upload-Offset` appends the body there and answers 204 with the new `Upload-Offset`, or
 * 409 with the right one. It needs `Authorization: Bearer <uploadToken>`.
 */
export function uploadPath(archiveId: string, segment: number, file: string): string {
  return `/emulator/upload/${archiveId}/${segment}/${encodeURIComponent(file)}`;
}
