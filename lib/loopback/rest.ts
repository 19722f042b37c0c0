/**
 * The REST API of OpenTok, as its documentation and SDK have it (tokbox.com/developer/rest), for what
 * a stand-in on one machine can do.
 */
import { type Context, Hono } from "hono";
import { Buffer } from "node:buffer";
import { z } from "zod";
import type { Archives } from "./archives.ts";
import { readBody } from "./body.ts";
import { LoopbackError } from "./errors.ts";
import type { Hub } from "./hub.ts";
import type { ArchiveRecord, LoopbackRecords, SessionRecord } from "../store/mod.ts";
import { LIMITS } from "./limits.ts";
import type { WireStream } from "./protocol.ts";
import { RELAY_HEADER } from "./relay.ts";
import { CLOSE } from "./socket.ts";
import type { Tokens } from "./tokens.ts";

const startSchema = z.object({
  sessionId: z.string().min(1),
  name: z.string().max(1024).default(""),
  hasAudio: z.boolean().default(true),
  hasVideo: z.boolean().default(true),
  outputMode: z.literal("composed", {
    error: 'must be "composed": this stand-in makes no individual archives',
  }).default("composed"),
  streamMode: z.literal("auto").default("auto"),
  resolution: z.enum([
    "640x480",
    "480x640",
    "1280x720",
    "720x1280",
    "1920x1080",
    "1080x1920",
  ]).default("640x480"),
  multiArchiveTag: z.string().min(1).max(256).nullable().default(null),
}).refine((o) => o.hasAudio || o.hasVideo, "hasAudio and hasVideo cannot both be false");
const listSchema = z.object({
  offset: z.coerce.number().int().nonnegative().default(0),
  count: z.coerce.number().int().nonnegative().max(LIMITS.listCount).default(50),
  sessionId: z.string().min(1).optional(),
});
const signalSchema = z.object({ type: z.string().default(""), data: z.string().default("") });

/** What the REST API is made with. */
export interface RestDeps {
  apiKey: string;
  tokens: Tokens;
  records: LoopbackRecords;
  hub: Hub;
  archives: Archives;
  /** The address of an available archive's file, good for ten minutes; at this server by default. */
  mediaUrl(archiveId: string, origin?: string): string;
}

/** An archive as REST and callbacks show it. */
export function archiveJson(record: ArchiveRecord, apiKey: string, url: string | null) {
  return {
    id: record.id,
    status: record.status,
    name: record.name,
    reason: record.reason,
    sessionId: record.sessionId,
    projectId: apiKey,
    partnerId: apiKey,
    // The effective start of recording, as coarse as the cloud says it.
    createdAt: Math.floor(record.epochMs / 1000) * 1000,
    updatedAt: record.updatedAtMs,
    duration: record.durationSeconds,
    size: record.sizeBytes,
    outputMode: "composed",
    streamMode: "auto",
    hasAudio: record.hasAudio,
    hasVideo: record.hasVideo,
    resolution: record.resolution,
    sha256sum: "",
    password: "",
    url,
  };
}

/** The REST routes; every one of them asks for a project's JWT. */
export function restRoutes(deps: RestDeps): Hono {
  const { apiKey, tokens, records, hub, archives } = deps;
  const rest = new Hono();
  const project = "/v2/project/:key";
  /** Whoever asks through another process gets addresses at that one. */
  const show = (c: Context, record: ArchiveRecord) => {
    const relay = c.req.header(RELAY_HEADER);
    const url = record.status === "available" ? deps.mediaUrl(record.id, relay) : null;
    return archiveJson(record, apiKey, url);
  };
  const knownSession = async (id: string): Promise<SessionRecord> => {
    const session = await records.session(id);
    if (!session) {
      throw new LoopbackError(404, "Failed to find a session: there is none of this id");
    }
    return session;
  };

  const authenticate = async (c: Context, next: () => Promise<void>) => {
    const bearer = c.req.header("authorization")?.replace(/^Bearer /i, "");
    await tokens.verifyRest(c.req.header("x-opentok-auth") ?? bearer);
    const key = c.req.param("key");
    if (key !== undefined && key !== apiKey) {
      throw new LoopbackError(403, "Authentication error: the token is for another project");
    }
    await next();
  };
  rest.use("/session/create", authenticate);
  rest.use(`${project}/*`, authenticate);
  // Right after a restart: whoever was there is on the way back.
  const settled = async (_: Context, next: () => Promise<void>) => {
    await archives.settled();
    await next();
  };
  rest.use(`${project}/session/*`, settled);

  rest.post("/session/create", async (c) => {
    const form = new URLSearchParams(await text(c));
    if (form.get("archiveMode") === "always") {
      throw new LoopbackError(
        400,
        "Failed to create a session: archiveMode always is not supported",
      );
    }
    const createdAtMs = Date.now();
    const random = crypto.getRandomValues(new Uint8Array(15)).toBase64();
    // The SDK reads the project's key out of a session id.
    const inner = `1~${apiKey}~~${createdAtMs}~${random}~~`;
    const id = `1_${Buffer.from(inner).toString("base64url")}`;
    await records.addSession({
      id,
      createdAtMs,
      routed: form.get("p2p.preference") === "disabled",
    });
    return c.json([{
      session_id: id,
      project_id: apiKey,
      partner_id: apiKey,
      create_dt: new Date(createdAtMs).toISOString(),
      media_server_url: "",
    }]);
  });

  rest.post(`${project}/archive`, async (c) => {
    const { sessionId, ...options } = await json(c, startSchema);
    const record = await archives.start(await knownSession(sessionId), options);
    const { multiArchiveTag } = record;
    return c.json({ ...show(c, record), ...(multiArchiveTag !== null && { multiArchiveTag }) });
  });
  rest.get(`${project}/archive`, async (c) => {
    const { offset, count, sessionId } = parse(listSchema, c.req.query());
    const all = await archives.list(sessionId);
    return c.json({
      count: all.length,
      items: all.slice(offset, offset + count).map((r) => show(c, r)),
    });
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

  const signal = async (c: Context, to: string | null) => {
    const { id } = await knownSession(c.req.param("session") ?? "");
    const { type, data } = await json(c, signalSchema);
    hub.signal(id, to, type, data);
    return c.body(null, 204);
  };
  rest.post(`${project}/session/:session/signal`, (c) => signal(c, null));
  rest.post(
    `${project}/session/:session/connection/:connection/signal`,
    (c) => signal(c, c.req.param("connection")),
  );
  rest.delete(`${project}/session/:session/connection/:connection`, async (c) => {
    const { id } = await knownSession(c.req.param("session"));
    const wanted = c.req.param("connection");
    const client = hub.clients(id).find(({ connection }) => connection.id === wanted);
    if (!client) {
      throw new LoopbackError(404, `Failed to disconnect: no client "${wanted}" is connected`);
    }
    client.close(CLOSE.forced, "forceDisconnected");
    return c.body(null, 204);
  });
  rest.get(`${project}/session/:session/stream`, async (c) => {
    const { id } = await knownSession(c.req.param("session"));
    const items = hub.streams(id).map(streamJson);
    return c.json({ count: items.length, items });
  });
  rest.get(`${project}/session/:session/stream/:stream`, async (c) => {
    const { id } = await knownSession(c.req.param("session"));
    const stream = hub.streams(id).find((s) => s.id === c.req.param("stream"));
    if (!stream) throw new LoopbackError(404, "Failed to find a stream: there is none of this id");
    return c.json(streamJson(stream));
  });
  return rest;
}

function streamJson({ id, name, videoType }: WireStream) {
  return { id, name, videoType, layoutClassList: [] };
}

async function text(c: Context): Promise<string> {
  return new TextDecoder().decode(await readBody(c.req.raw, LIMITS.restBodyBytes));
}

async function json<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  let body: unknown;
  try {
    body = JSON.parse(await text(c));
  } catch (error) {
    if (error instanceof LoopbackError) throw error;
    throw new LoopbackError(400, "Failed to read the request: its body is not JSON");
  }
  return parse(schema, body);
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues.map((i) => `${i.path.join(".")}: ${i.message}`).join("; ");
  throw new LoopbackError(400, `Failed to read the request: ${why}`);
}
