/** What the stand-in platform must not forget: its project, its sessions, its archives. */
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
const archiveSchema = z.object({
  id: z.string(),
  sessionId: z.string(),
  name: z.string(),
  status: z.enum(["started", "paused", "stopped", "available", "failed"]),
  reason: z.string(),
  hasAudio: z.boolean(),
  hasVideo: z.boolean(),
  resolution: z.string(),
  multiArchiveTag: z.string().nullable(),
  /** When the start was asked for. */
  requestedAtMs: z.number(),
  /** Wall clock of media time 0. */
  epochMs: z.number(),
  updatedAtMs: z.number(),
  durationSeconds: z.number(),
  sizeBytes: z.number(),
  /** True once nothing more can come of its recorder. */
  whole: z.boolean().default(false),
});
/** The stand-in's one project. */
export type ProjectRecord = z.infer<typeof projectSchema>;
/** A session as it was created. */
export type SessionRecord = z.infer<typeof sessionSchema>;
/** An archive from its confirmed start to its deletion. */
export type ArchiveRecord = z.infer<typeof archiveSchema>;

/** The stand-in platform's records. */
export interface LoopbackRecords {
  /** The project's key and secret, made the first time anybody asks. */
  project(): Promise<ProjectRecord>;
  /** The origin of the process that is the platform, or was the last. */
  host(): Promise<string | null>;
  /** This process is the platform now. */
  setHost(origin: string): Promise<void>;
  addSession(session: SessionRecord): Promise<void>;
  /** A session, or null when there is none of this id. */
  session(id: string): Promise<SessionRecord | null>;
  /** Keeps an archive's present state. */
  saveArchive(archive: ArchiveRecord): Promise<void>;
  /** An archive, or null when there is none of this id. */
  archive(id: string): Promise<ArchiveRecord | null>;
  /** Whether there is an archive of this id, even one that can no longer be read. */
  hasArchive(id: string): Promise<boolean>;
  /** Every archive, newest first. */
  archives(): Promise<ArchiveRecord[]>;
  removeArchive(id: string): Promise<void>;
}

/** The stand-in platform's records in this KV. */
export function createLoopbackRecords(context: StoreContext): LoopbackRecords {
  const { kv } = context;
  const key = keys.loopback;
  const set = async (key: Deno.KvKey, value: unknown, what: string) => {
    await commit(kv.atomic().set(key, value), `Keep ${what} of the stand-in platform`);
  };
  return {
    project() {
      return untilCommitted("Make the stand-in platform's project", async () => {
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
    saveArchive: (archive) => set(key.archive(archive.id), archive, "an archive"),
    archive: async (id) => (await readRecord(context, archiveSchema, key.archive(id))).value,
    hasArchive: async (id) => (await kv.get(key.archive(id))).versionstamp !== null,
    async archives() {
      const all: ArchiveRecord[] = [];
      for await (const entry of kv.list({ prefix: key.archives })) {
        const archive = parseOrReport(context, archiveSchema, entry.key, entry);
        if (archive) all.push(archive);
      }
      return all.sort((a, b) => b.epochMs - a.epochMs);
    },
    async removeArchive(id) {
      await commit(
        kv.atomic().delete(key.archive(id)),
        "Forget an archive of the stand-in platform",
      );
    },
  };
}
