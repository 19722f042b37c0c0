/**
 * Messages between a browser and the loopback platform, over one WebSocket a session connection.
 * Both ends parse what they receive with these schemas.
 */
import * as z from "zod";

const connection = z.object({ id: z.string(), data: z.string(), creationTime: z.number() });
const stream = z.object({
  id: z.string(),
  connectionId: z.string(),
  name: z.string().max(1000),
  hasAudio: z.boolean(),
  hasVideo: z.boolean(),
  videoType: z.enum(["camera", "screen", "custom"]),
  width: z.number(),
  height: z.number(),
  creationTime: z.number(),
  /** Names the camera and microphone behind a stream: two streams with one source carry the same media. */
  source: z.string().max(512).default(""),
});
const archive = z.object({
  id: z.string(),
  name: z.string(),
  status: z.enum(["started", "paused", "stopped"]),
});
/** A connection, as clients see it. */
export type WireConnection = z.infer<typeof connection>;
/** A stream, as clients see it. */
export type WireStream = z.infer<typeof stream>;

/** WebRTC negotiation between a publisher's and a subscriber's page, relayed untouched. */
const rtc = z.discriminatedUnion("kind", [
  /** `feed`: everything, late rather than lost, over a data channel; else media as it comes. */
  z.object({ kind: z.literal("request"), feed: z.boolean().default(false) }),
  z.object({ kind: z.literal("offer"), sdp: z.string() }),
  z.object({ kind: z.literal("answer"), sdp: z.string() }),
  z.object({ kind: z.literal("candidate"), candidate: z.string() }),
  z.object({ kind: z.literal("close") }),
]);
/** One step of a WebRTC negotiation. */
export type WireRtc = z.infer<typeof rtc>;

/** What a browser sends. */
export const clientMessageSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("publish"),
    stream: stream.omit({ connectionId: true, creationTime: true }),
  }),
  z.object({ type: z.literal("unpublish"), streamId: z.string() }),
  z.object({
    type: z.literal("stream-changed"),
    streamId: z.string(),
    hasAudio: z.boolean(),
    hasVideo: z.boolean(),
    width: z.number(),
    height: z.number(),
  }),
  z.object({
    type: z.literal("signal"),
    id: z.number(),
    signalType: z.string(),
    data: z.string(),
    to: z.string().nullable(),
  }),
  /** `subscription` names one RTCPeerConnection; the subscriber makes it up. */
  z.object({
    type: z.literal("rtc"),
    to: z.string(),
    streamId: z.string(),
    subscription: z.string(),
    rtc,
  }),
  /** The recorder's first moment is captured: `epochMs` is the wall clock of media time 0. */
  z.object({ type: z.literal("recording-started"), archiveId: z.string(), epochMs: z.number() }),
  /** Every chunk was uploaded; the file is whole. */
  z.object({
    type: z.literal("recording-finished"),
    archiveId: z.string(),
    droppedFrames: z.number(),
  }),
  z.object({ type: z.literal("recording-failed"), archiveId: z.string(), message: z.string() }),
  z.object({ type: z.literal("ping") }),
]);
/** A message from a browser. */
export type ClientMessage = z.infer<typeof clientMessageSchema>;

/** What the platform sends. `welcome` is always the first message. */
export const serverMessageSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("welcome"),
    connection,
    /** Who lost this connection comes back as the same one with it: see {@link socketQuerySchema}. */
    ticket: z.string(),
    connections: z.array(connection),
    streams: z.array(stream),
    archives: z.array(archive),
  }),
  z.object({ type: z.literal("connection-created"), connection }),
  z.object({
    type: z.literal("connection-destroyed"),
    connectionId: z.string(),
    reason: z.string(),
  }),
  z.object({ type: z.literal("stream-created"), stream }),
  z.object({ type: z.literal("stream-changed"), stream }),
  z.object({ type: z.literal("stream-destroyed"), streamId: z.string(), reason: z.string() }),
  z.object({
    type: z.literal("signal"),
    from: z.string().nullable(),
    signalType: z.string(),
    data: z.string(),
  }),
  z.object({ type: z.literal("signal-result"), id: z.number(), error: z.string().nullable() }),
  z.object({
    type: z.literal("rtc"),
    from: z.string(),
    streamId: z.string(),
    subscription: z.string(),
    rtc,
  }),
  z.object({ type: z.literal("archive"), archive }),
  /** This connection was chosen to record; chunks go to `uploadUrl` (see below) with `uploadToken`. */
  z.object({
    type: z.literal("record"),
    archiveId: z.string(),
    hasAudio: z.boolean(),
    hasVideo: z.boolean(),
    width: z.number(),
    height: z.number(),
    uploadUrl: z.string(),
    uploadToken: z.string(),
  }),
  /** Stop at once, upload what is left, answer `recording-finished`. */
  z.object({ type: z.literal("stop-recording"), archiveId: z.string() }),
  z.object({ type: z.literal("error"), message: z.string() }),
  z.object({ type: z.literal("pong") }),
]);
/** A message from the loopback platform. */
export type ServerMessage = z.infer<typeof serverMessageSchema>;

/**
 * A socket is `GET /loopback/socket?token=`; who had a connection and lost it adds its id and ticket,
 * and is the same connection again, to others too.
 */
export const socketQuerySchema = z.object({
  token: z.string().catch(""),
  connection: z.uuid().optional().catch(undefined),
  ticket: z.string().optional(),
  /** Where the page was loaded from, when another server of this platform passes the socket on. */
  origin: z.url({ protocol: /^https?$/ }).optional().catch(undefined),
});

/**
 * A chunk is `PUT {uploadUrl}?sequence=N&position=P` with `Authorization: Bearer {uploadToken}` and the
 * bytes as body: `sequence` counts from 0 without holes (a repeated one is the same chunk again),
 * `position` is the byte offset in the file. Answers 204.
 */
export const chunkQuerySchema = z.object({
  sequence: z.coerce.number().int().nonnegative(),
  position: z.coerce.number().int().nonnegative(),
});
