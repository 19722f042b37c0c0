/**
 * The REST API of OpenTok, as its documentation and SDK have it (tokbox.com/developer/rest): sessions,
 * archives, streams, signals, moderation.
 */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { Buffer } from "node:buffer";
import { z } from "zod";
import type { ArchiveRecord, SessionRecord } from "../../store/mod.ts";
import { ensure, jsonText, limitBody, parse } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { RELAY_PARAMETER } from "./relay.ts";
import type { Platform } from "./server.ts";
import type { PublishedStream } from "./sessions.ts";
import { serveRequest } from "./signalling.ts";

const startSchema = z.object({
  sessionId: z.string().min(1),
  name: z.string().max(1024).default(""),
  hasAudio: z.boolean().default(true),
  hasVideo: z.boolean().default(true),
  outputMode: z.enum(["composed", "individual"]).default("composed"),
  streamMode: z.literal("auto", { error: 'must be "auto": the emulator records all streams' })
    .default("auto"),
  resolution: z.literal(["640x480", "1280x720", "1920x1080", "480x640", "720x1280", "1080x1920"])
    .optional(),
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

/** An archive as REST and callbacks show it; the address of its file is at `origin`. */
export function archiveJson(platform: Platform, record: ArchiveRecord, origin?: string) {
  const { tokens, timings } = platform;
  const { id, status, name, reason, sessionId, outputMode, hasAudio, hasVideo, fileName } = record;
  const expires = Date.now() + timings.mediaUrlMs;
  const query = `expires=${expires}&signature=${tokens.sign("media", `${id} ${expires}`)}`;
  const url = new URL(`/emulator/media/${id}/${fileName}?${query}`, origin ?? platform.origin());
  return {
    ...{ id, status, name, reason, sessionId, outputMode, hasAudio, hasVideo },
    url: status === "available" ? url.href : null,
    ...{ projectId: tokens.apiKey, partnerId: tokens.apiKey },
    // The effective start of recording, as coarse as the cloud reports it.
    createdAt: Math.floor((record.segments[0]?.startedAtMs ?? record.requestedAtMs) / 1000) * 1000,
    updatedAt: record.updatedAtMs,
    duration: record.durationSeconds,
    size: record.sizeBytes,
    ...{ streamMode: "auto", sha256sum: "", password: "" },
    ...(outputMode === "composed" && { resolution: record.resolution }),
  };
}

/** The REST routes; each of them requires a project's JWT. */
export function restRoutes(platform: Platform) {
  const { tokens, records, sessions, archives } = platform;
  const { apiKey } = tokens;
  const findSession = async (id = ""): Promise<SessionRecord> => {
    const session = await records.session(id);
    ensure(session, 404, "Cannot find the session");
    return session;
  };
  const authenticate: MiddlewareHandler = async (c, next) => {
    const bearer = c.req.header("authorization")?.replace(/^Bearer /i, "");
    await tokens.verifyRest(c.req.header("x-opentok-auth") ?? bearer);
    const isOurs = (c.req.param("key") ?? apiKey) === apiKey;
    ensure(isOurs, 403, "Authentication error: the token is for another project");
    await next();
  };
  const limited = limitBody(LIMITS.restBodyBytes);

  const rest = new Hono();
  rest.post("/session/create", limited, authenticate, async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const isManual = form.get("archiveMode") !== "always";
    const cannot = "Cannot create the session: the emulator does not support archiveMode always";
    ensure(isManual, 400, cannot);
    const createdAtMs = Date.now();
    const random = crypto.getRandomValues(new Uint8Array(15)).toBase64();
    // The SDK reads the project's key out of a session id.
    const inner = `1~${apiKey}~~${createdAtMs}~${random}~~`;
    const id = `1_${Buffer.from(inner).toString("base64url")}`;
    const routed = form.get("p2p.preference") === "disabled";
    await records.addSession({ id, createdAtMs, routed });
    const project = { project_id: apiKey, partner_id: apiKey, media_server_url: "" };
    return c.json([{ session_id: id, create_dt: new Date(createdAtMs).toISOString(), ...project }]);
  });

  const project = rest.basePath("/v2/project/:key");
  project.use("/*", limited, authenticate);
  /** A client that asks through another process gets addresses at that one. */
  const show = (c: Context, record: ArchiveRecord) =>
    archiveJson(platform, record, c.req.query(RELAY_PARAMETER));

  project.post("/archive", async (c) => {
    const wish = parse(jsonText.pipe(startSchema), await c.req.text(), "start an archive");
    const { sessionId, resolution = "640x480", ...options } = wish;
    const record = await archives.start(await findSession(sessionId), { ...options, resolution });
    const { multiArchiveTag } = record;
    return c.json({ ...show(c, record), ...(multiArchiveTag !== null && { multiArchiveTag }) });
  });
  project.get("/archive", async (c) => {
    const { offset, count, sessionId } = parse(listSchema, c.req.query(), "list archives");
    const all = await archives.list(sessionId);
    const items = all.slice(offset, offset + count).map((record) => show(c, record));
    return c.json({ count: all.length, items });
  });
  project.get("/archive/:id", async (c) => c.json(show(c, await archives.get(c.req.param("id")))));
  project.delete("/archive/:id", async (c) => {
    await archives.delete(c.req.param("id"));
    return c.body(null, 204);
  });
  project.post("/archive/:id/stop", async (c) => {
    return c.json(show(c, await archives.stop(c.req.param("id"))));
  });

  const session = project.basePath("/session/:session");
  const showStream = ({ stream: { id, content: { name, channel } } }: PublishedStream) => {
    const video = channel.find(({ type }) => type === "video");
    return { id, name, videoType: video?.source ?? "camera", layoutClassList: [] };
  };
  session.get("/stream", async (c) => {
    const { id } = await findSession(c.req.param("session"));
    const items = sessions.streams(id).map(showStream);
    return c.json({ count: items.length, items });
  });
  session.get("/stream/:stream", async (c) => {
    const { id } = await findSession(c.req.param("session"));
    return c.json(showStream(sessions.stream(id, c.req.param("stream"))));
  });
  /** What clients may request, too: the app signals without a name, and moderates. */
  const request = (method: string, kind: string) => async (c: Context) => {
    const { id: sessionId, createdAtMs: createdAt } = await findSession(c.req.param("session"));
    const text = await c.req.text();
    const content = text === "" ? {} : parse(jsonText, text, "read the request");
    const app = { id: "", role: "moderator", sessionId } as const;
    const ids = { ...c.req.param(), signal: crypto.randomUUID() };
    await (await serveRequest(sessions, app, { method, kind, ids, content }))?.();
    if (method !== "update") return c.body(null, 204);
    const project = { applicationId: apiKey, status: "ACTIVE", name: "", environment: "standard" };
    return c.json({ ...project, createdAt });
  };
  session.post("/signal", request("signal", "signal"));
  session.post("/connection/:connection/signal", request("signal", "connection/signal"));
  session.delete("/connection/:connection", request("delete", "connection"));
  session.post("/mute", request("update", ""));
  session.post("/stream/:stream/mute", request("update", "stream"));
  return rest;
}
