/**
 * The nouns of a recording, as data. Everything stored, sent or computed about a chain is made of
 * these shapes; the store parses what it reads with the same schemas that the API sends.
 */
import * as z from "zod";

/** The two sessions a room owns: the live call's, and the one used only while a handover runs. */
export const laneSchema = z.enum(["primary", "secondary"]);
/** Which of a room's two sessions something happens on. */
export type Lane = z.infer<typeof laneSchema>;

/** Archive statuses as the platform documents them. */
export const archiveStatusSchema = z.enum([
  "started",
  "paused",
  "stopped",
  "uploaded",
  "available",
  "expired",
  "failed",
  "deleted",
]);
/** The platform's word for where an archive is in its life. */
export type ArchiveStatus = z.infer<typeof archiveStatusSchema>;

/** What an archive records and how, chosen at Start and carried over every handover. */
export const archiveOptionsSchema = z.object({
  hasAudio: z.boolean().default(true),
  hasVideo: z.boolean().default(true),
  outputMode: z.enum(["composed", "individual"]).default("composed"),
  /** Only a composed archive has a resolution. */
  resolution: z.enum(["640x480", "1280x720", "1920x1080"]).optional(),
}).refine((o) => o.hasAudio || o.hasVideo, {
  message: "An archive needs audio, video or both",
});
/** What an archive records and how. */
export type ArchiveOptions = z.infer<typeof archiveOptionsSchema>;

/** How the next archive is made to overlap the last: on the other session, or on the same one. */
export const strategySchema = z.enum(["dual-session", "simultaneous"]);
/** How a handover makes two archives overlap. */
export type Strategy = z.infer<typeof strategySchema>;
/** The one that works everywhere. */
export const DEFAULT_STRATEGY: Strategy = "dual-session";
/** The strategies as people read them, after "hands over". */
export const strategyWords: Record<Strategy, string> = {
  "dual-session": "through the secondary session",
  "simultaneous": "on the call’s own session",
};

/**
 * Where a part's start time comes from, best first: `content` (sound and picture compared), `file`
 * (the media file carries the wall clock of its first moment), `events` (clients saw it start),
 * `platform` (`createdAt` of the REST object), `request` (when we asked).
 */
export const timeSourceSchema = z.enum(["content", "file", "events", "platform", "request"]);
/** Where a part's start time comes from. */
export type TimeSource = z.infer<typeof timeSourceSchema>;

/** An answer with less confidence than this (0 to 1) is none. */
export const USABLE_CONFIDENCE = 0.25;

/** Where a part begins in another one, as comparing their sound or picture found. */
export const contentStartSchema = z.object({
  /** The part it was compared with. */
  afterSeq: z.number().int().nonnegative(),
  /** Media time of that part at which this one begins. */
  deltaMs: z.number(),
  uncertaintyMs: z.number().nonnegative(),
  confidence: z.number().min(USABLE_CONFIDENCE).max(1),
});
/** Where a part begins in another one, as comparing their sound or picture found. */
export type ContentStart = z.infer<typeof contentStartSchema>;

/** Frames of video that are missing in a file, as its recorder counted them. */
export const frameLossesSchema = z.object({
  /** The browser never delivered them to the recorder. */
  framesNotDelivered: z.number().int().nonnegative(),
  /** The recorder dropped them, because encoding did not keep up. */
  framesDropped: z.number().int().nonnegative(),
});
/** Frames of video that are missing in a file. */
export type FrameLosses = z.infer<typeof frameLossesSchema>;

/** One archive's place in a chain. Times are wall clock, in ms since the Unix epoch. */
export const partSchema = z.object({
  chainId: z.string(),
  /** Position in the chain, from 0. */
  seq: z.number().int().nonnegative(),
  archiveId: z.string(),
  sessionId: z.string(),
  lane: laneSchema,
  status: archiveStatusSchema,
  /** The platform's reason for the end, or "". */
  reason: z.string().default(""),
  /** Wall clock of the archive's media time 0, as well as it is known. */
  startedAtMs: z.number(),
  startSource: timeSourceSchema,
  startUncertaintyMs: z.number().nonnegative(),
  /** Wall clock of its end; null while it runs. */
  endedAtMs: z.number().nullable().default(null),
  /** When this app asked for its end; absent while it has not, and if the archive ended by itself. */
  stopAskedAtMs: z.number().optional(),
  /** Length of the media: from the file once it was read, whole seconds before; null while it runs. */
  durationMs: z.number().nonnegative().nullable().default(null),
  sizeBytes: z.number().nonnegative().default(0),
  /** Intervals inside the file that nothing recorded, as the file says; wall clock, ms. */
  gaps: z.array(z.object({ fromMs: z.number(), toMs: z.number() })).optional(),
  /** Absent where the file does not say. */
  losses: frameLossesSchema.optional(),
  /** An admin's correction of this part's place against the one before it, added to everything else. */
  nudgeMs: z.number().default(0),
  /** Better than any clock, and untouched by what clocks say later; absent while nobody compared. */
  contentStart: contentStartSchema.optional(),
});
/** One archive's place in a chain. */
export type Part = z.infer<typeof partSchema>;

/** A stretch of a chain's recorded time that no archive covers. */
export const gapSchema = z.object({
  fromMs: z.number(),
  /** null while nothing covers the present moment. */
  toMs: z.number().nullable(),
  /** Why, in words a person can act on. */
  cause: z.string(),
});
/** A stretch of a chain's recorded time that no archive covers (wall clock, ms). */
export type Gap = z.infer<typeof gapSchema>;

/** One continuous recording of a room, from Start to Stop. Its parts are stored beside it. */
export const chainSchema = z.object({
  id: z.string(),
  room: z.string(),
  name: z.string(),
  options: archiveOptionsSchema,
  strategy: strategySchema,
  state: z.enum(["starting", "recording", "stopping", "stopped", "failed"]),
  createdAtMs: z.number(),
  /** When somebody asked for the stop: time after it is not missed. Null until then. */
  stopRequestedAtMs: z.number().nullable().optional(),
  /** When Stop was confirmed; null until then. */
  stoppedAtMs: z.number().nullable().default(null),
  gaps: z.array(gapSchema).default([]),
  /** Covered time / recorded time, 0 to 1; absent while it records. */
  continuity: z.number().min(0).max(1).optional(),
});
/** One continuous recording of a room, from Start to Stop. */
export type Chain = z.infer<typeof chainSchema>;

/** A named meeting place and its two platform sessions. */
export const roomSchema = z.object({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, {
    message: "Use 1 to 63 lower-case letters, digits and hyphens, beginning with a letter or digit",
  }),
  title: z.string().min(1).max(120),
  sessions: z.object({ primary: z.string(), secondary: z.string() }),
  /** How the recordings that start here hand over. */
  strategy: strategySchema.default(DEFAULT_STRATEGY),
  createdAtMs: z.number(),
});
/** A named meeting place and its two platform sessions. */
export type Room = z.infer<typeof roomSchema>;
