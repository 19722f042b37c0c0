/**
 * The REST API of OpenTok, as its documentation and SDK have it (tokbox.com/developer/rest): sessions,
 * archives, streams, signals, moderation.
 */
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { Buffer } from "node:buffer";
import { z } from "zod";
import type { ArchiveRecord, EmulatorRecords, SessionRecord } from "../../store/mod.ts";
import type { Archives } from "./archives.ts";
import { EmulatorError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { RELAY_HEADER } from "./relay.ts";
import type { PublishedStream, Sessions } from "./sessions.ts";
import type { Tokens } from "./tokens.ts";

const startSchema = z.object({
  sessionId: z.string().min(1),
  name: z.string().max(1024).default(""),
  hasAudio: z.boolean().default(true),
  hasVideo: z.boolean().default(true),
  outputMode: z.enum(["composed", "individual"]).default("composed"),
  streamMode: z.literal("auto", { error: 'must be "auto": the emulator records all streams' })
    .default("auto"),
  resolution: z.enum([
    "640x480",
    "480x640",
    "1280x720",
    "720x1280",
    "1920x1080",
    "1080x1920",
  ]).optional(),
  multiArchiveTag: z.string().min(1).max(256).nullable().default(null),
})
  .refine((o) => o.hasAudio || o.hasVideo, "hasAudio and hasVideo cannot both be false")
  .refine(
    (o) => o.outputMode === "composed" || o.resolution === undefined,
    "resolution is for composed archives",
  );
const listSchema = z.object({
  offset: z.coerce.number().int().nonnegative().default(0),
  count: z.coerce.number().int().nonnegative().max(LIMITS.listCount).default(50),
  sessionId: z.string().min(1).optional(),
});
const signalSchema = z.object({ type: z.string().default(""), data: z.string().default("") });
const muteSchema = z.object({
  active: z.boolean().default(true),
  excludedStreamIds: z.array(z.string()).default([]),
});

/** What the REST API is made with. */
export interface RestDeps {
  tokens: Tokens;
  records: EmulatorRecords;
  sessions: Sessions;
  archives: Archives;
  /** The address of a finished file, valid for ten minutes; at this server's origin by default. */
  mediaUrl(record: ArchiveRecord, origin?: string): string | null;
}

/** An archive as REST and callbacks show it. */
export function archiveJson(record: ArchiveRecord, apiKey: string, url: string | null) {
  const { id, status, name, reason, sessionId, outputMode, hasAudio, hasVideo } = record;
  return {
    ...{ id, status, name, reason, sessionId, outputMode, hasAudio, hasVideo, url },
    projectId: apiKey,
    partnerId: apiKey,
    // The effective start of recording, as coarse as the cloud reports it.
    createdAt: Math.floor((record.segments[0]?.startedAtMs ?? record.requestedAtMs) / 1000) * 1000,
    updatedAt: record.updatedAtMs,
    duration: record.durationSeconds,
    size: record.sizeBytes,
    streamMode: "auto",
    ...(outputMode === "composed" && { resolution: record.resolution }),
    sha256sum: "",
    password: "",
  };
}

/** The REST routes; each of them requires a project's JWT. */
export function restRoutes(deps: RestDeps): Hono {
  const { tokens, records, sessions, archives } = deps;
  const { apiKey } = tokens;
  const rest = new Hono();
  const project = "/v2/project/:key";
  /** A client that asks through another process gets addresses at that one. */
  const show = (c: Context, record: ArchiveRecord) =>
    archiveJson(record, apiKey, deps.mediaUrl(record, c.req.header(RELAY_HEADER)));
  const knownSession = async (c: Context): Promise<SessionRecord> =>
    await findSession(c.req.param("session") ?? "");
  const findSession = async (id: string): Promise<SessionRecord> => {
    const session = await records.session(id);
    if (!session) throw new EmulatorError(404, "Cannot find the session");
    return session;
  };

  const authenticate = async (c: Context, next: () => Promise<void>) => {
    const bearer = c.req.header("authorization")?.replace(/^Bearer /i, "");
    await tokens.verifyRest(c.req.header("x-opentok-auth") ?? bearer);
    const key = c.req.param("key");
    if (key !== undefined && key !== apiKey) {
      throw new EmulatorError(403, "Authentication error: the token is for another project");
    }
    await next();
  };
  const limited = bodyLimit({
    maxSize: LIMITS.restBodyBytes,
    onError: () => {
      throw new EmulatorError(413, `The body may have ${LIMITS.restBodyBytes} bytes`);
    },
  });
  rest.use("/session/create", limited, authenticate);
  rest.use(`${project}/*`, limited, authenticate);

  rest.post("/session/create", async (c) => {
    const form = new URLSearchParams(await c.req.text());
    if (form.get("archiveMode") === "always") {
      throw new EmulatorError(
        400,
        "Cannot create a session: the emulator does not support archiveMode always",
      );
    }
    const createdAtMs = Date.now();
    const random = crypto.getRandomValues(new Uint8Array(15)).toBase64();
    // The SDK reads the project's key out of a session id.
    const inner = `1~${apiKey}~~${createdAtMs}~${random}~~`;
    const id = `1_${Buffer.from(inner).toString("base64url")}`;
    const routed = form.get("p2p.preference") === "disabled";
    await records.addSession({ id, createdAtMs, routed });
    return c.json([{
      session_id: id,
      project_id: apiKey,
      partner_id: apiKey,
      create_dt: new Date(createdAtMs).toISOString(),
      media_server_url: "",
    }]);
  });

  rest.post(`${project}/archive`, async (c) => {
    const { sessionId, resolution = "640x480", ...options } = await readJson(c, startSchema);
    const session = await findSession(sessionId);
    const record = await archives.start(session, { ...options, resolution });
    const { multiArchiveTag } = record;
    return c.json({ ...show(c, record), ...(multiArchiveTag !== null && { multiArchiveTag }) });
  });
  rest.get(`${project}/archive`, async (c) => {
    const { offset, count, sessionId } = parse(listSchema, c.req.query());
    const all = await archives.list(sessionId);
    const items = all.slice(offset, offset + count).map((record) => show(c, record));
    return c.json({ count: all.length, items });
  });
  rest.get(
    `${project}/archive/:id`,
    async (c) => c.json(show(c, await archives.get(c.req.param("id")))),
  );
  rest.delete(`${project}/archive/:id`, async (c) => {
    await archives.delete(c.req.param("id"));
    return c.body(null, 204);
  });
  rest.post(
    `${project}/archive/:id/stop`,
    async (c) => c.json(show(c, await archives.stop(c.req.param("id")))),
  );

  const signal = async (c: Context) => {
    const { id: sessionId } = await knownSession(c);
    const to = c.req.param("connection");
    // Signals of the server have no sender.
    const address = { from: "", to, id: crypto.randomUUID() };
    sessions.signal(sessionId, address, await readJson(c, signalSchema));
    return c.body(null, 204);
  };
  rest.post(`${project}/session/:session/signal`, signal);
  rest.post(`${project}/session/:session/connection/:connection/signal`, signal);
  rest.delete(`${project}/session/:session/connection/:connection`, async (c) => {
    const { id } = await knownSession(c);
    await sessions.forceDisconnect(sessions.connection(id, c.req.param("connection")));
    return c.body(null, 204);
  });

  rest.get(`${project}/session/:session/stream`, async (c) => {
    const { id } = await knownSession(c);
    const items = sessions.streams(id).map(streamJson);
    return c.json({ count: items.length, items });
  });
  rest.get(`${project}/session/:session/stream/:stream`, async (c) => {
    const { id } = await knownSession(c);
    return c.json(streamJson(sessions.stream(id, c.req.param("stream"))));
  });
  const muted = (c: Context, { createdAtMs }: SessionRecord) =>
    c.json({
      applicationId: apiKey,
      status: "ACTIVE",
      name: "",
      environment: "standard",
      createdAt: createdAtMs,
    });
  rest.post(`${project}/session/:session/stream/:stream/mute`, async (c) => {
    const session = await knownSession(c);
    sessions.forceMute(sessions.stream(session.id, c.req.param("stream")), "");
    return muted(c, session);
  });
  rest.post(`${project}/session/:session/mute`, async (c) => {
    const session = await knownSession(c);
    sessions.forceMuteAll(session.id, "", await readJson(c, muteSchema));
    return muted(c, session);
  });
  return rest;
}

function streamJson({ stream: { id, content } }: PublishedStream) {
  const video = content.channel.find(({ type }) => type === "video");
  return { id, name: content.name, videoType: video?.source ?? "camera", layoutClassList: [] };
}

async function readJson<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  let body: unknown;
  try {
    body = JSON.parse(await c.req.text());
  } catch (error) {
    if (error instanceof EmulatorError) throw error;
    throw new EmulatorError(400, "Cannot read the request: its body is not JSON");
  }
  return parse(schema, body);
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues.map((i) => `${i.path.join(".")}: ${i.message}`).join("; ");
  throw new EmulatorError(400, `Cannot read the request: ${why}`);
}
