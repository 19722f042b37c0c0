/** What the emulator must not forget: its project, its sessions, who is connected, its archives. */
import { z } from "zod";
import { keys } from "./keys.ts";
import { commit, parseOrReport, readRecord, type StoreContext, untilCommitted } from "./records.ts";

const projectSchema = z.object({ apiKey: z.string(), apiSecret: z.string() });
const sessionSchema = z.object({
  id: z.string(),
  /** False for a relayed session, which cannot be archived. */
  routed: z.boolean(),
  createdAtMs: z.number(),
});
const streamSchema = z.object({
  id: z.string(),
  createdAtMs: z.number(),
  /** As the client announced it; `channel` has its audio and video. */
  content: z.looseObject({
    name: z.string().max(1000).default(""),
    channel: z.array(z.looseObject({ id: z.string(), type: z.string() })).max(8).default([]),
  }),
});
const connectionSchema = z.object({
  id: z.string(),
  sessionId: z.string(),
  /** Names the client's socket; a client that reconnects brings it again. */
  socketId: z.string(),
  /** Hash of the client's token. */
  tokenHash: z.string(),
  data: z.string(),
  role: z.enum(["subscriber", "publisher", "publisheronly", "moderator"]),
  createdAtMs: z.number(),
  streams: z.array(streamSchema),
  /** Streams of others that this client receives. */
  subscribers: z.array(z.object({ id: z.string(), streamId: z.string() })),
});
const losses = z.object({ framesNotDelivered: z.number(), framesDropped: z.number() });
const archiveSchema = z.object({
  id: z.string(),
  sessionId: z.string(),
  name: z.string(),
  status: z.enum(["started", "paused", "stopped", "available", "failed"]),
  reason: z.string(),
  hasAudio: z.boolean(),
  hasVideo: z.boolean(),
  outputMode: z.enum(["composed", "individual"]),
  resolution: z.string(),
  multiArchiveTag: z.string().nullable(),
  /** When the start was requested. */
  requestedAtMs: z.number(),
  updatedAtMs: z.number(),
  durationSeconds: z.number(),
  sizeBytes: z.number(),
  /** Name of the finished file: `archive.mp4`, `archive.webm` or `archive.zip`; null without one. */
  fileName: z.string().nullable(),
  codecs: z.object({ video: z.enum(["avc", "vp8"]), audio: z.enum(["aac", "opus"]) }),
  /** What each page recorded, in order. */
  segments: z.array(z.object({
    recorderId: z.string(),
    /** Wall clock of the segment's media time 0. */
    startedAtMs: z.number(),
    /** Nothing more will be uploaded. */
    complete: z.boolean(),
    losses,
  })),
  /** When nobody published; media time stands still. `toMs` is null while it lasts. */
  breaks: z.array(z.object({ fromMs: z.number(), toMs: z.number().nullable() })),
  /** What each stream of an individual archive was, for the manifest. */
  streams: z.record(z.string(), z.object({ connectionData: z.string() })),
});
/** The emulator's one project. */
export type ProjectRecord = z.infer<typeof projectSchema>;
/** A session as it was created. */
export type SessionRecord = z.infer<typeof sessionSchema>;
/** A client's connection to a session. */
export type ConnectionRecord = z.infer<typeof connectionSchema>;
/** A published stream. */
export type StreamRecord = z.infer<typeof streamSchema>;
/** An archive from its confirmed start to its deletion. */
export type ArchiveRecord = z.infer<typeof archiveSchema>;

/** The shape of a published stream, as clients announce it and as it is stored. */
export const streamContentSchema = streamSchema.shape.content;

/** The emulator's records. */
export interface EmulatorRecords {
  /** The project's key and secret, made at the first call. */
  project(): Promise<ProjectRecord>;
  /** The origin of the process that is the platform, or was the last. */
  host(): Promise<string | null>;
  /** Notes that this process is the platform now. */
  setHost(origin: string): Promise<void>;
  addSession(session: SessionRecord): Promise<void>;
  /** A session, or null when there is none of this id. */
  session(id: string): Promise<SessionRecord | null>;
  /** Every connection, in no order. */
  connections(): Promise<ConnectionRecord[]>;
  /** Saves a connection's present state, and nothing else that the object may hold. */
  saveConnection(connection: ConnectionRecord): Promise<void>;
  removeConnection(connection: Pick<ConnectionRecord, "id">): Promise<void>;
  /** Saves an archive's present state. */
  saveArchive(archive: ArchiveRecord): Promise<void>;
  /** An archive, or null when there is none of this id. */
  archive(id: string): Promise<ArchiveRecord | null>;
  /** Whether there is an archive of this id, even one that can no longer be read. */
  hasArchive(id: string): Promise<boolean>;
  /** Every archive, newest first. */
  archives(): Promise<ArchiveRecord[]>;
  removeArchive(id: string): Promise<void>;
}

/** The emulator's records in this KV. */
export function createEmulatorRecords(context: StoreContext): EmulatorRecords {
  const { kv } = context;
  const key = keys.emulator;
  const set = async (key: Deno.KvKey, value: unknown, what: string) => {
    await commit(kv.atomic().set(key, value), `Save ${what} of the emulator`);
  };
  const remove = async (key: Deno.KvKey, what: string) => {
    await commit(kv.atomic().delete(key), `Delete ${what} of the emulator`);
  };
  async function list<T>(schema: z.ZodType<T>, prefix: Deno.KvKey): Promise<T[]> {
    const all: T[] = [];
    for await (const entry of kv.list({ prefix })) {
      const record = parseOrReport(context, schema, entry.key, entry);
      if (record) all.push(record);
    }
    return all;
  }
  return {
    project() {
      return untilCommitted("Make the emulator's project", async () => {
        const { value, versionstamp } = await readRecord(context, projectSchema, key.project);
        if (value) return { done: value };
        const random = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
        const made = {
          apiKey: String(40_000_000 + random % 10_000_000),
          apiSecret: crypto.getRandomValues(new Uint8Array(20)).toHex(),
        };
        const operation = kv.atomic().check({ key: key.project, versionstamp })
          .set(key.project, made);
        return await commit(operation, "Make the project") ? { done: made } : null;
      });
    },
    host: async () => (await readRecord(context, z.string(), key.host)).value,
    setHost: (origin) => set(key.host, origin, "the host"),
    addSession: (session) => set(key.session(session.id), session, "a session"),
    session: async (id) => (await readRecord(context, sessionSchema, key.session(id))).value,
    connections: () => list(connectionSchema, key.connections),
    saveConnection: (connection) =>
      set(key.connection(connection.id), connectionSchema.parse(connection), "a connection"),
    removeConnection: ({ id }) => remove(key.connection(id), "a connection"),
    saveArchive: (archive) => set(key.archive(archive.id), archive, "an archive"),
    archive: async (id) => (await readRecord(context, archiveSchema, key.archive(id))).value,
    hasArchive: async (id) => (await kv.get(key.archive(id))).versionstamp !== null,
    archives: async () =>
      (await list(archiveSchema, key.archives)).sort((a, b) => b.requestedAtMs - a.requestedAtMs),
    removeArchive: (id) => remove(key.archive(id), "an archive"),
  };
}
