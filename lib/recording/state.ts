/**
 * What is kept of a room's recording between two steps. Whoever reads it knows everything that is
 * needed to go on: which archives run, which procedure is at which step, which command is out.
 */
import { z } from "zod";
import {
  archiveOptionsSchema,
  chainSchema,
  laneSchema,
  partSchema,
  strategySchema,
} from "./model.ts";
import { alertSchema, roomViewSchema, stepSchema } from "./views.ts";

/** What the platform is asked to do. At most one command is out at a time. */
export const commandSchema = z.discriminatedUnion("do", [
  z.object({
    do: z.literal("start-archive"),
    lane: laneSchema,
    sessionId: z.string(),
    name: z.string(),
    options: archiveOptionsSchema,
    /** Lets it run beside another archive of the same session. */
    tag: z.string().nullable(),
  }),
  /** Look for the running archive that a lost start may have made. */
  z.object({
    do: z.literal("find-archive"),
    lane: laneSchema,
    sessionId: z.string(),
    name: z.string(),
    sinceMs: z.number(),
    /** Archives that it is not. */
    known: z.array(z.string()),
  }),
  z.object({ do: z.literal("stop-archive"), archiveId: z.string() }),
  z.object({ do: z.literal("get-archive"), archiveId: z.string() }),
  z.object({
    do: z.literal("signal"),
    sessionId: z.string(),
    signal: z.enum(["join", "leave"]),
  }),
  z.object({ do: z.literal("count-streams"), primary: z.string(), secondary: z.string() }),
]);
/** What the platform is asked to do. */
export type Command = z.infer<typeof commandSchema>;

/** What a failed procedure is told as: the kinds of `ChainError`. */
export const failureSchema = z.object({
  kind: z.enum(["not-found", "conflict", "nobody-in-call", "platform"]),
  message: z.string(),
});
/** Why a procedure failed. */
export type Failure = z.infer<typeof failureSchema>;

/** Why a command failed, in the platform's categories; `lost`: who carried it out is gone. */
const answerKindSchema = z.enum([
  "unauthorized",
  "not-found",
  "conflict",
  "rate-limited",
  "unavailable",
  "timeout",
  "unexpected",
  "lost",
]);

const procedureKind = z.enum(["start", "handover", "replace", "stop"]);

/** A procedure on its way. */
export const procedureSchema = z.object({
  id: z.number().int().positive(),
  kind: procedureKind,
  step: stepSchema,
  startedAtMs: z.number(),
  stepStartedAtMs: z.number(),
  /** How often the step's command was tried, from 1. */
  attempt: z.number().int().positive(),
  /** When to go on, while no command is out. */
  wakeAtMs: z.number().nullable(),
  /** Where a start is tried, whether a try may have worked unseen, and why the last one did not. */
  starting: z.object({
    lane: laneSchema,
    inDoubt: z.boolean(),
    looks: z.number().int().nonnegative(),
    why: z.string(),
    /** In the platform's categories. */
    kind: answerKindSchema.nullable(),
  }).nullable(),
  /** How often the platform was asked how a stop went. */
  looks: z.number().int().nonnegative(),
  /** Streams seen last, while waiting for clients to join secondary. */
  streams: z.object({ primary: z.number(), secondary: z.number() }).nullable(),
  /** What keeps its step from going on, told as a notice while it does. */
  trouble: roomViewSchema.shape.notice,
  /** Why it is being undone. */
  failure: failureSchema.nullable(),
});
/** A procedure on its way. */
export type Procedure = z.infer<typeof procedureSchema>;

/** A room's recording, whole. */
export const recordingStateSchema = z.object({
  room: z.string(),
  sessions: z.object({ primary: z.string(), secondary: z.string() }),
  /** The chain that records now. */
  chain: chainSchema.nullable(),
  /** The chain that recorded last, as it was when it ended. */
  lastChain: chainSchema.nullable(),
  /** The last parts of the chain; all that run are among them. */
  tail: z.array(partSchema),
  /** Archives of the chain before: old news of one must not make it a part of another chain. */
  former: z.array(z.string()).default([]),
  nextSeq: z.number().int().nonnegative(),
  /** Archives that run, by what they are for. `previous` is the one on its way out. */
  slots: z.object({
    main: z.string().nullable(),
    interim: z.string().nullable(),
    previous: z.string().nullable(),
  }),
  secondaryWanted: z.boolean(),
  procedure: procedureSchema.nullable(),
  lastProcedureId: z.number().int().nonnegative(),
  /** The command that is out; `issuedBy` is the fencing token of who carries it out, 0 for nobody yet. */
  pending: z.object({
    id: z.number().int().positive(),
    command: commandSchema,
    decidedAtMs: z.number(),
    issuedBy: z.number().int().nonnegative(),
  }).nullable(),
  lastCommandId: z.number().int().nonnegative(),
  /** How the last procedures ended, for those who wait for one. */
  outcomes: z.array(z.object({
    id: z.number(),
    kind: procedureKind,
    chainId: z.string().nullable(),
    failure: failureSchema.nullable(),
  })),
  /** A handover that failed is not tried again by itself before this. */
  handOverAgainAtMs: z.number(),
  /** How many handovers of the chain have failed since one last worked. */
  failedHandovers: z.number().int().nonnegative().default(0),
  /** Starts that may take effect unseen (late, or by a process frozen meanwhile): archives looked for. */
  suspects: z.array(z.object({ name: z.string(), sinceMs: z.number(), untilMs: z.number() })),
  notice: roomViewSchema.shape.notice,
  /** The last alerts, of earlier chains too. */
  alerts: z.array(alertSchema).default([]),
  lastAlertId: z.number().int().nonnegative().default(0),
});
/** A room's recording, whole. */
export type RecordingState = z.infer<typeof recordingStateSchema>;

/** What the machine has to know of an archive. A platform's description of one fits. */
export const archiveFactsSchema = z.object({
  id: z.string(),
  sessionId: z.string(),
  name: z.string(),
  status: partSchema.shape.status,
  reason: z.string(),
  createdAtMs: z.number(),
  durationSeconds: z.number(),
  sizeBytes: z.number(),
});
/** What the machine has to know of an archive. */
export type ArchiveFacts = z.infer<typeof archiveFactsSchema>;

/** How a command went. `lost`: nobody knows, the process that carried it out is gone. */
export type Answer =
  | { ok: true; archive: ArchiveFacts | null; streams: Procedure["streams"] }
  | { ok: false; certain: boolean; kind: AnswerKind; message: string };
/** Why a command failed, in the platform's categories. */
export type AnswerKind = z.infer<typeof answerKindSchema>;

/** What the machine reacts to. */
export type RecordingEvent =
  | {
    type: "start";
    chainId: string;
    name: string;
    options: z.infer<typeof archiveOptionsSchema>;
    strategy: z.infer<typeof strategySchema>;
  }
  | { type: "handover" }
  | { type: "stop" }
  /** Time has passed. */
  | { type: "tick" }
  /** The answer to the command with this id. */
  | { type: "answer"; id: number; answer: Answer }
  /** What the file of an ended part tells: its place and length are exact now. */
  | { type: "measured"; part: z.infer<typeof partSchema> }
  /** An archive as the platform describes it now, from a callback, the sweep or a late answer. */
  | { type: "seen"; archive: ArchiveFacts };

/** Delays that a room's procedures keep to. */
export interface RecordingSettings {
  /** Longest wait for clients to publish to secondary. */
  joinTimeoutMs: number;
  /** How long previous and interim archive run together at least. */
  overlapInterimMs: number;
  /** How long interim and next archive run together at least. */
  overlapNextMs: number;
  /** A chain hands over by itself when its archive is this old. */
  rotateAfterMs: number;
}

/** The state of a room that has never recorded. */
export function emptyRecording(
  room: string,
  sessions: RecordingState["sessions"],
): RecordingState {
  return {
    room,
    sessions,
    chain: null,
    lastChain: null,
    tail: [],
    former: [],
    nextSeq: 0,
    slots: { main: null, interim: null, previous: null },
    secondaryWanted: false,
    procedure: null,
    lastProcedureId: 0,
    pending: null,
    lastCommandId: 0,
    outcomes: [],
    handOverAgainAtMs: 0,
    failedHandovers: 0,
    suspects: [],
    notice: null,
    alerts: [],
    lastAlertId: 0,
  };
}
