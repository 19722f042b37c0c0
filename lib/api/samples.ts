/**
 * The endpoints of the dual-session archiving sample, in its shapes (https://github.com/nexmo-se/
 * dual-session-archive, README), for its default room. Served at the root and under `/api`.
 */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { demand, demandAdmin, mayBrowse, mayJoin } from "../auth/mod.ts";
import { MAIN_ROOM } from "../handover/mod.ts";
import type { Chain } from "../recording/model.ts";
import { type ArchiveJson, archiveJson } from "./archive_json.ts";
import { RequestError } from "./problem.ts";
import {
  type ApiContext,
  type ApiEnv,
  body,
  createRouter,
  idParam,
  json,
  pageOf,
  pageQuery,
  problems,
} from "./router.ts";
import { enterRoom, TOKEN_SECONDS } from "./rooms.ts";
import { archiveShape } from "./shapes.ts";

/** The platform's own limit for one list. */
const MAX_LISTED = 1000;

const lanes = <T extends z.ZodType>(value: T) => z.object({ primary: value, secondary: value });
const nameBody = body(z.object({ sessionName: z.string().trim().max(200).default("") }));
/** The platform lists by offset: what is recorded or deleted meanwhile shifts the pages. */
const offsetCursor = z.coerce.number().int().min(0).max(1_000_000);

/** True for a path of the sample's endpoints at the root. */
export function isSamplePath(pathname: string): boolean {
  return /^\/(apiKey|sessionIds|tokens|archives(\/.*)?)$/.test(pathname);
}

/** The sample's endpoints. */
export function sampleRoutes(context: ApiContext): OpenAPIHono<ApiEnv> {
  const { platform, chains, store, config } = context;
  const router = createRouter();
  const show = async (archiveId: string, request: Request): Promise<ArchiveJson> =>
    archiveJson(await platform.getArchive(archiveId), context, request);

  /** The archive that records the room's live call now. */
  async function recordingNow(room: string, request: Request): Promise<ArchiveJson> {
    const { parts } = await chains.view(room);
    const running = parts.filter((part) => part.endedAtMs === null);
    const part = running.findLast((part) => part.lane === "primary") ?? running.at(-1);
    if (part) return await show(part.archiveId, request);
    throw new RequestError(409, `Cannot show the archive of the room "${room}": none is running`);
  }
  /** The chain an archive belongs to, or null: then it is an orphan of the platform. */
  async function chainOf(archiveId: string): Promise<Chain | null> {
    const part = await store.parts.byArchive(archiveId);
    return part && await store.chains.get(part.chainId);
  }
  const isLive = (chain: Chain) => chain.state === "recording" || chain.state === "starting";

  router.openapi(
    createRoute({
      method: "get",
      path: "/apiKey",
      summary: "The project's public key",
      responses: { 200: json(z.object({ apiKey: z.string() }), "The key"), ...problems },
    }),
    (c) => c.json({ apiKey: platform.apiKey }, 200),
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/sessionIds",
      summary: "The default room's sessions",
      responses: { 200: json(lanes(z.string()), "Session ids"), ...problems },
    }),
    async (c) => {
      demand(c.var.identity, mayJoin(c.var.identity, MAIN_ROOM), "join the call");
      return c.json((await enterRoom(context, MAIN_ROOM)).sessions, 200);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/tokens",
      summary: "Tokens to publish to the default room's sessions",
      responses: { 200: json(lanes(z.string()), "Tokens"), ...problems },
    }),
    async (c) => {
      demand(c.var.identity, mayJoin(c.var.identity, MAIN_ROOM), "join the call");
      const { sessions } = await enterRoom(context, MAIN_ROOM);
      const token = (sessionId: string) =>
        platform.createToken(sessionId, {
          role: "publisher",
          data: "",
          expiresInSeconds: TOKEN_SECONDS,
        });
      return c.json(
        { primary: token(sessions.primary), secondary: token(sessions.secondary) },
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/archives",
      summary:
        "The default room's archives by time (as the sample); with `limit` all rooms', newest first",
      request: {
        query: z.object({
          name: z.string().max(200).optional(),
          limit: pageQuery.shape.limit.unwrap().optional(),
          cursor: offsetCursor.optional(),
        }),
      },
      responses: {
        200: json(
          z.union([
            z.array(archiveShape),
            pageOf(archiveShape).extend({ total: z.number().int() }),
          ]),
          "The archives, or one page of them",
        ),
        ...problems,
      },
    }),
    async (c) => {
      demand(c.var.identity, mayBrowse(c.var.identity), "list archives");
      const { name, limit, cursor: offset = 0 } = c.req.valid("query");
      if (limit !== undefined) {
        const { total, archives } = await platform.listArchives({ offset, count: limit });
        const items = archives.map((archive) => archiveJson(archive, context, c.req.raw));
        const end = offset + items.length;
        const cursor = items.length > 0 && end < total ? String(end) : null;
        return c.json({ items, cursor, total }, 200);
      }
      const { sessions } = await enterRoom(context, MAIN_ROOM);
      const lists = await Promise.all(
        [sessions.primary, sessions.secondary].map((sessionId) =>
          platform.listArchives({ sessionId, count: MAX_LISTED })
        ),
      );
      const archives = lists.flatMap((list) => list.archives)
        .filter((archive) => !name || archive.name === name)
        .sort((a, b) => a.createdAtMs - b.createdAtMs);
      return c.json(archives.map((archive) => archiveJson(archive, context, c.req.raw)), 200);
    },
  );

  const offsets = config.playerOffsetSeconds;
  const offsetAnswer = { 200: json(lanes(z.number()), "Seconds, by lane"), ...problems };
  router.openapi(
    createRoute({
      method: "get",
      path: "/archives/offset",
      summary: "Seconds to skip when playback enters a part",
      responses: offsetAnswer,
    }),
    (c) => c.json(offsets, 200),
  );
  router.openapi(
    createRoute({
      method: "get",
      path: "/archives/{id}/offset",
      summary: "Seconds to skip when playback enters a part",
      request: { params: idParam },
      responses: offsetAnswer,
    }),
    (c) => c.json(offsets, 200),
  );

  router.openapi(
    createRoute({
      method: "post",
      path: "/archives",
      summary: "Start recording the default room",
      request: { body: nameBody },
      responses: { 200: json(archiveShape, "The archive that runs"), ...problems },
    }),
    async (c) => {
      demandAdmin(c.var.identity, "start an archive");
      await enterRoom(context, MAIN_ROOM);
      await chains.start(MAIN_ROOM, {
        name: c.req.valid("json").sessionName || "Untitled",
        archive: {
          hasAudio: true,
          hasVideo: true,
          outputMode: "composed",
          resolution: "1280x720",
        },
      });
      return c.json(await recordingNow(MAIN_ROOM, c.req.raw), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "post",
      path: "/archives/{id}/restart",
      summary: "Hand over to the next archive; answers when it is done",
      // A chain keeps the name it began with, so the name sent here changes nothing.
      request: { params: idParam, body: { ...nameBody, required: false } },
      responses: { 200: json(archiveShape, "The archive that runs now"), ...problems },
    }),
    async (c) => {
      demandAdmin(c.var.identity, "restart an archive");
      const { id } = c.req.valid("param");
      const chain = await chainOf(id);
      if (!chain) throw new RequestError(404, `Cannot restart the archive "${id}": it is unknown`);
      if (!isLive(chain)) {
        throw new RequestError(409, `Cannot restart the archive "${id}": its recording has ended`);
      }
      // Pressed twice: that archive has been followed by another already, which is the answer.
      const { parts } = await chains.view(chain.room);
      const part = parts.find((part) => part.archiveId === id);
      if (part?.endedAtMs === null) await chains.handOver(chain.room);
      return c.json(await recordingNow(chain.room, c.req.raw), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "post",
      path: "/archives/{id}/stop",
      summary: "Stop recording",
      request: { params: idParam },
      responses: { 200: json(archiveShape, "The archive, stopped"), ...problems },
    }),
    async (c) => {
      demandAdmin(c.var.identity, "stop an archive");
      const { id } = c.req.valid("param");
      const chain = await chainOf(id);
      if (chain === null) {
        const stopped = await platform.stopArchive(id);
        return c.json(archiveJson(stopped, context, c.req.raw), 200);
      }
      if (chain.state !== "stopped" && chain.state !== "failed") await chains.stop(chain.room);
      return c.json(await show(id, c.req.raw), 200);
    },
  );
  return router;
}
