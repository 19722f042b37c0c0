/** What the loopback platform must not forget, in Deno KV. No other file of it touches KV. */
import { z } from "zod";

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
/** A session as it was created. */
export type SessionRecord = z.infer<typeof sessionSchema>;
/** An archive from its confirmed start to its deletion. */
export type ArchiveRecord = z.infer<typeof archiveSchema>;

const PROJECT = ["loopback", "project"];
const HOST = ["loopback", "host"];
const sessionKey = (id: string) => ["loopback", "session", id];
const ARCHIVES = ["loopback", "archive"];
const archiveKey = (id: string) => [...ARCHIVES, id];

/** Typed access to the platform's records; everything read is parsed. */
export class Ledger {
  constructor(private readonly kv: Deno.Kv) {}

  /** The project's key and secret, made the first time anybody asks. */
  async project(): Promise<{ apiKey: string; apiSecret: string }> {
    for (;;) {
      const found = await this.kv.get(PROJECT);
      if (found.value !== null) return projectSchema.parse(found.value);
      const random = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
      const made = {
        apiKey: String(40_000_000 + random % 10_000_000),
        apiSecret: crypto.getRandomValues(new Uint8Array(20)).toHex(),
      };
      await this.kv.atomic().check(found).set(PROJECT, made).commit();
    }
  }

  /** The origin of the process that is the platform, or was the last. */
  async host(): Promise<string | null> {
    return z.string().nullable().parse((await this.kv.get(HOST)).value);
  }

  /** This process is the platform now. */
  async setHost(origin: string): Promise<void> {
    await this.kv.set(HOST, origin);
  }

  /** Keeps a new session. */
  async addSession(session: SessionRecord): Promise<void> {
    await this.kv.set(sessionKey(session.id), session);
  }

  /** A session, or null when there is none of this id. */
  async session(id: string): Promise<SessionRecord | null> {
    const { value } = await this.kv.get(sessionKey(id));
    return value === null ? null : sessionSchema.parse(value);
  }

  /** Keeps an archive's present state. */
  async saveArchive(archive: ArchiveRecord): Promise<void> {
    await this.kv.set(archiveKey(archive.id), archive);
  }

  /** An archive, or null when there is none of this id. */
  async archive(id: string): Promise<ArchiveRecord | null> {
    const { value } = await this.kv.get(archiveKey(id));
    return value === null ? null : archiveSchema.parse(value);
  }

  /** Whether there is an archive of this id, even one that can no longer be read. */
  async hasArchive(id: string): Promise<boolean> {
    return (await this.kv.get(archiveKey(id))).value !== null;
  }

  /** Every archive, newest first. A record that no longer parses is left out. */
  async archives(): Promise<ArchiveRecord[]> {
    const all: ArchiveRecord[] = [];
    for await (const { value } of this.kv.list({ prefix: ARCHIVES })) {
      const parsed = archiveSchema.safeParse(value);
      if (parsed.success) all.push(parsed.data);
    }
    return all.sort((a, b) => b.epochMs - a.epochMs);
  }

  /** Forgets an archive. */
  async removeArchive(id: string): Promise<void> {
    await this.kv.delete(archiveKey(id));
  }
}
