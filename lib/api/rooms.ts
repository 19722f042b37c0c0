/** Rooms: making, joining and recording them. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { demand, demandAdmin, mayBrowse, mayJoin } from "../auth/mod.ts";
import { MAIN_ROOM } from "../handover/mod.ts";
import { type Room, roomSchema, strategySchema } from "../recording/model.ts";
import { type Join, PAGE_VERSION } from "../recording/views.ts";
import { StoreError } from "../store/mod.ts";
import { eventStream } from "./events.ts";
import { RequestError } from "./problem.ts";
import {
  type ApiContext,
  type ApiEnv,
  body,
  createRouter,
  json,
  pageOf,
  pageQuery,
  personName,
  problems,
} from "./router.ts";
import { joinShape, roomShape, roomViewShape } from "./shapes.ts";

/**
 * Life of the tokens made at a join. The one for the secondary session is used only at the first
 * handover, hours later, so it has to outlive a day's call; it opens nothing but its own session.
 */
export const TOKEN_SECONDS = 24 * 60 * 60;

const params = z.object({ room: roomSchema.shape.name });
const title = roomSchema.shape.title;

/**
 * Only the default room comes into being by being asked for; any other must have been made by an
 * admin.
 *
 * @throws {StoreError} `not-found`
 */
export async function requireRoom({ store }: ApiContext, name: string): Promise<void> {
  if (name !== MAIN_ROOM && !await store.rooms.get(name)) {
    throw new StoreError("not-found", `Cannot enter the room "${name}": there is no such room`);
  }
}

/**
 * A room that is there, with its sessions.
 *
 * @throws {StoreError} `not-found`
 * @throws {PlatformError} if its sessions have to be made and cannot
 */
export async function enterRoom(context: ApiContext, name: string): Promise<Room> {
  await requireRoom(context, name);
  return await context.openRoom(name);
}

/** The routes under `/rooms`. */
export function roomRoutes(context: ApiContext): OpenAPIHono<ApiEnv> {
  const { store, chains, platform } = context;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: "get",
      path: "/rooms",
      summary: "List rooms by name",
      request: { query: pageQuery },
      responses: { 200: json(pageOf(roomShape), "A page of rooms"), ...problems },
    }),
    async (c) => {
      demand(c.var.identity, mayBrowse(c.var.identity), "list rooms");
      const page = await store.rooms.list(c.req.valid("query"));
      return c.json({ items: page.items.map(summary), cursor: page.cursor }, 200);
    },
  );

  router.openapi(
    createRoute({
      method: "post",
      path: "/rooms",
      summary: "Make a room",
      request: {
        body: body(z.object({
          name: roomSchema.shape.name,
          title: title.optional(),
          strategy: strategySchema.optional(),
        })),
      },
      responses: { 201: json(roomShape, "The room"), ...problems },
    }),
    async (c) => {
      demandAdmin(c.var.identity, "make a room");
      const { name, title, strategy } = c.req.valid("json");
      if (await store.rooms.get(name)) {
        throw new StoreError("conflict", `Cannot make the room "${name}": there is one already`);
      }
      const made = await context.openRoom(name, title);
      const room = strategy ? await store.rooms.update(name, { strategy }) : made;
      return c.json(summary(room), 201);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/rooms/{room}",
      summary: "The state of a room's recording",
      request: { params },
      responses: { 200: json(roomViewShape, "The state now"), ...problems },
    }),
    async (c) => {
      const { room } = c.req.valid("param");
      demand(c.var.identity, mayJoin(c.var.identity, room), `see the room "${room}"`);
      await requireRoom(context, room);
      return c.json(await chains.view(room), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "post",
      path: "/rooms/{room}",
      summary: "Change a room: its title, how its recordings hand over",
      description: "`simultaneous` makes the next archive run beside the last on the call's own " +
        "session; where the platform refuses that, the recording goes on with `dual-session`. " +
        "A recording that runs keeps the way it began with.",
      request: {
        params,
        body: body(
          z.object({ title: title.optional(), strategy: strategySchema.optional() })
            .refine((change) => Object.keys(change).length > 0, "Give a title or a strategy"),
        ),
      },
      responses: { 200: json(roomShape, "The room"), ...problems },
    }),
    async (c) => {
      demandAdmin(c.var.identity, "change a room");
      const { room } = c.req.valid("param");
      await enterRoom(context, room);
      return c.json(summary(await store.rooms.update(room, c.req.valid("json"))), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "delete",
      path: "/rooms/{room}",
      summary: "Delete a room that is not being recorded; its recordings stay",
      request: { params },
      responses: { 204: { description: "It is gone" }, ...problems },
    }),
    async (c) => {
      demandAdmin(c.var.identity, "delete a room");
      await store.rooms.delete(c.req.valid("param").room);
      return c.body(null, 204);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/rooms/{room}/events",
      summary: "The state of a room's recording, now and on every change",
      request: { params },
      responses: {
        200: {
          description: "Server-sent events; `data` is what GET /rooms/{room} answers",
          content: { "text/event-stream": { schema: z.string() } },
        },
        ...problems,
      },
    }),
    async (c) => {
      const { room } = c.req.valid("param");
      demand(c.var.identity, mayJoin(c.var.identity, room), `see the room "${room}"`);
      await requireRoom(context, room);
      return eventStream(chains, room, context.closing);
    },
  );

  router.openapi(
    createRoute({
      method: "post",
      path: "/rooms/{room}/hint",
      summary: "For clients of the call: an archive of this room may have ended",
      description: "Makes the server look at the platform now and replace what has ended. What " +
        "the client saw is not taken for true.",
      request: { params },
      responses: { 204: { description: "Looked, or about to" }, ...problems },
    }),
    async (c) => {
      const { room } = c.req.valid("param");
      demand(c.var.identity, mayJoin(c.var.identity, room), `tell of the room "${room}"`);
      await requireRoom(context, room);
      await chains.hintRoom(room);
      return c.body(null, 204);
    },
  );

  router.openapi(
    createRoute({
      method: "post",
      path: "/rooms/{room}/join",
      summary: "Get what a client needs to enter both sessions of a room",
      request: {
        params,
        body: body(z.object({
          name: personName,
          host: z.boolean().default(false),
          version: z.number().int().optional().openapi({
            description: "For the app's own pages: the version that the page was built with",
          }),
        })),
      },
      responses: { 200: json(joinShape, "Sessions and tokens"), ...problems },
    }),
    async (c) => {
      const { identity } = c.var;
      const { room: roomName } = c.req.valid("param");
      const { name, host, version = PAGE_VERSION } = c.req.valid("json");
      if (version !== PAGE_VERSION) {
        throw new RequestError(410, "Cannot join: this page is of another version of Gapless");
      }
      if (host) demandAdmin(identity, `host the room "${roomName}"`);
      demand(identity, mayJoin(identity, roomName), `join the room "${roomName}"`);
      const room = await enterRoom(context, roomName);
      const role = host ? "host" : "participant";
      // The same in both sessions: tells two participants of one name apart.
      const data = JSON.stringify({ name, role, id: crypto.randomUUID() });
      const enter = (sessionId: string) => ({
        sessionId,
        token: platform.createToken(sessionId, {
          role: host ? "moderator" : "publisher",
          data,
          expiresInSeconds: TOKEN_SECONDS,
        }),
      });
      const join: Join = {
        room: room.name,
        title: room.title,
        role,
        apiKey: platform.apiKey,
        client: context.client,
        primary: enter(room.sessions.primary),
        secondary: enter(room.sessions.secondary),
      };
      return c.json(join, 200);
    },
  );

  return router;
}

function summary({ name, title, strategy, createdAtMs }: Room) {
  return { name, title, strategy, createdAtMs };
}
