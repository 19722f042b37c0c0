/**
 * What the app tells a browser about a recording: the shapes that pages, islands, event streams and
 * the API share. Pure data, so both sides of the wire may import it.
 */
import * as z from "zod";
import {
  archiveOptionsSchema,
  chainSchema,
  contentStartSchema,
  frameLossesSchema,
  gapSchema,
  laneSchema,
  partSchema,
  timeSourceSchema,
} from "./model.ts";

/** The steps of a procedure in the order they run, in the words shown to people. */
export const stepSchema = z.enum([
  "starting",
  "joining",
  "starting-interim",
  "overlapping-interim",
  "stopping-previous",
  "starting-next",
  "overlapping-next",
  "stopping-interim",
  "leaving",
  "undoing",
  "stopping",
  "replacing",
]);
/** The step of a running procedure. */
export type Step = z.infer<typeof stepSchema>;

/** What a host has to hear of at once. */
export const alertSchema = z.object({
  id: z.string(),
  chainId: z.string(),
  /**
   * `uncovered`: a moment that nothing records; `archive-ended`: one ended by itself while another
   * went on; `paused`: nobody publishes; `handover-failing`: several in a row; `limit-near`: the
   * platform will end the archive soon.
   */
  kind: z.enum(["uncovered", "archive-ended", "paused", "handover-failing", "limit-near"]),
  fromMs: z.number(),
  /** null while it goes on. */
  toMs: z.number().nullable(),
  text: z.string(),
});
/** What a host has to hear of at once. */
export type Alert = z.infer<typeof alertSchema>;

/** The state of a room's recording as everyone in the room may see it, sent whole on every change. */
export const roomViewSchema = z.object({
  room: z.string(),
  /** The server's clock when this was made, ms since the Unix epoch: clients count from it. */
  nowMs: z.number(),
  /** True while clients must also publish to the secondary session (level-triggered `join`). */
  secondaryWanted: z.boolean(),
  /** How many streams the primary session carried when last looked at; absent while unknown. */
  streams: z.number().int().nonnegative().optional(),
  /** The chain that records now, or null. */
  chain: chainSchema.nullable(),
  /** That chain's parts in order; the ones with `endedAtMs: null` record now. */
  parts: z.array(partSchema),
  /** The procedure that runs now, or null. */
  procedure: z.object({
    kind: z.enum(["start", "handover", "replace", "stop"]),
    step: stepSchema,
    startedAtMs: z.number(),
    stepStartedAtMs: z.number(),
    /** When the running step gives up or moves on, or null if it does not wait for time. */
    stepEndsAtMs: z.number().nullable(),
    attempt: z.number().int().positive(),
  }).nullable(),
  /** When the chain will hand over by itself, or null. */
  nextHandoverAtMs: z.number().nullable(),
  /** The last thing that went wrong, with the way out, or null. */
  notice: z.object({
    atMs: z.number(),
    level: z.enum(["info", "warning", "error"]),
    text: z.string(),
  })
    .nullable(),
  /** What endangers or endangered the chain that records now, oldest first. */
  alerts: z.array(alertSchema),
});
/** The state of a room's recording, as sent to browsers. */
export type RoomView = z.infer<typeof roomViewSchema>;

/** A part placed on the film's timeline. */
export const filmPartSchema = z.object({
  seq: z.number().int().nonnegative(),
  archiveId: z.string(),
  lane: laneSchema,
  status: partSchema.shape.status,
  reason: z.string(),
  /** Film time of this part's media time 0, seconds; the first part's is 0. */
  placeSeconds: z.number(),
  /** Length of its media, seconds; null while unknown. */
  durationSeconds: z.number().nullable(),
  sizeBytes: z.number(),
  /** Frames missing in its file; absent where the file does not say. */
  losses: frameLossesSchema.optional(),
  /** Where its media is: answers 302 to a short-lived address, never cached. */
  mediaUrl: z.string(),
});
/** A part placed on the film's timeline. */
export type FilmPart = z.infer<typeof filmPartSchema>;

/** The join of part `afterSeq` and the part after it. */
export const seamSchema = z.object({
  afterSeq: z.number().int().nonnegative(),
  /** How long both parts cover the same time; negative means a gap. */
  overlapMs: z.number(),
  /** Media time of the later part at which the last moment of the earlier one lies. */
  offsetMs: z.number(),
  source: timeSourceSchema,
  uncertaintyMs: z.number().nonnegative(),
  /** How sure the comparison of contents was, 0 to 1; absent for other sources. */
  confidence: z.number().optional(),
  /** An admin's correction, already in the other numbers: later for more than 0; absent for 0. */
  nudgeMs: z.number().optional(),
});
/** The join of part n and part n+1. */
export type Seam = z.infer<typeof seamSchema>;

/** A nudge further than this is no correction any more. */
export const MAX_NUDGE_MS = 10_000;

/** What an admin's page says about a seam: what comparing the parts found, or a correction. */
export const seamChangeSchema = z.union([
  z.strictObject({
    /** Media time of the earlier part at which the later one begins. */
    deltaMs: z.number().nonnegative(),
    confidence: contentStartSchema.shape.confidence,
    basis: z.enum(["sound", "picture"]).default("sound"),
  }),
  z.strictObject({ nudgeMs: z.number().min(-MAX_NUDGE_MS).max(MAX_NUDGE_MS) }),
]);
/** What an admin's page says about a seam. */
export type SeamChange = z.input<typeof seamChangeSchema>;

/** A whole chain as one film. */
export const filmSchema = z.object({
  chainId: z.string(),
  room: z.string(),
  name: z.string(),
  options: archiveOptionsSchema,
  state: chainSchema.shape.state,
  createdAtMs: z.number(),
  /** Wall clock of film time 0, ms since the Unix epoch. */
  epochMs: z.number(),
  durationSeconds: z.number(),
  parts: z.array(filmPartSchema),
  seams: z.array(seamSchema),
  /** Uncovered stretches in film time, seconds. */
  gaps: z.array(
    z.object({ fromSeconds: z.number(), toSeconds: z.number(), cause: gapSchema.shape.cause }),
  ),
  /** Covered time / recorded time, 0 to 1. */
  continuity: z.number().min(0).max(1),
  /** How much was recorded more than once, seconds: what handing over cost. */
  overlapSeconds: z.number().nonnegative(),
});
/** A whole chain as one film: what `<gapless-video>` plays. */
export type Film = z.infer<typeof filmSchema>;

/**
 * Version of what pages and server exchange, raised when an open page of an earlier build could no
 * longer join a call.
 */
export const PAGE_VERSION = 2;

/** The answer to a join: what a client needs to enter both sessions of a room. */
export const joinSchema = z.object({
  room: z.string(),
  title: z.string(),
  role: z.enum(["host", "participant"]),
  apiKey: z.string(),
  /** What the page needs besides the SDK; empty on OpenTok / Vonage Video. */
  client: z.object({
    /** Where the SDK sends its requests instead (`OT.setProxyUrl`), from this page's origin. */
    proxyUrl: z.string().optional(),
    /** Module that records in this page: see `lib/call/recorder.ts`. */
    recorderUrl: z.string().optional(),
  }),
  primary: z.object({ sessionId: z.string(), token: z.string() }),
  secondary: z.object({ sessionId: z.string(), token: z.string() }),
});
/** What a client needs to enter both sessions of a room. */
export type Join = z.infer<typeof joinSchema>;
