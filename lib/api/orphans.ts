/** Archives that belong to no recording: finding, stopping and adopting them. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { demand, demandAdmin, mayBrowse } from "../auth/mod.ts";
import { adoptOrphan, orphansAmong, stopOrphan } from "../orphans.ts";
import { laneSchema, roomSchema } from "../recording/model.ts";
import { archiveJson } from "./archive_json.ts";
import {
  type ApiContext,
  type ApiEnv,
  createRouter,
  idParam,
  json,
  pageOf,
  problems,
} from "./router.ts";
import { archiveShape, chainShape } from "./shapes.ts";

/** Archives that one page looks through at most. */
const MAX_LOOKED_THROUGH = 100;

const orphanSchema = z.object({
  archive: archiveShape,
  room: roomSchema.shape.name,
  lane: laneSchema,
});

/** The routes under `/orphans`. */
export function orphanRoutes(context: ApiContext): OpenAPIHono<ApiEnv> {
  const router = createRouter();

  router.openapi(
    createRoute({
      method: "get",
      path: "/orphans",
      summary: "List archives that belong to no recording, newest first",
      description:
        "A page looks through `limit` archives of the project, so it may hold none and " +
        "still have a `cursor`.",
      request: {
        query: z.object({
          cursor: z.string().regex(/^\d{1,9}$/, "Use a cursor that a page gave")
            .transform(Number).optional(),
          limit: z.coerce.number().int().min(1).max(MAX_LOOKED_THROUGH)
            .default(MAX_LOOKED_THROUGH),
        }),
      },
      responses: { 200: json(pageOf(orphanSchema), "A page of archives"), ...problems },
    }),
    async (c) => {
      demand(c.var.identity, mayBrowse(c.var.identity), "list archives");
      const { cursor: offset = 0, limit } = c.req.valid("query");
      const { archives, total } = await context.platform.listArchives({ offset, count: limit });
      const items = (await orphansAmong(context, archives)).map(({ archive, room, lane }) => ({
        archive: archiveJson(archive, context, c.req.raw),
        room,
        lane,
      }));
      const end = offset + archives.length;
      const cursor = archives.length > 0 && end < total ? String(end) : null;
      return c.json({ items, cursor }, 200);
    },
  );

  router.openapi(
    createRoute({
      method: "post",
      path: "/orphans/{id}/stop",
      summary: "Stop an archive that belongs to no recording",
      request: { params: idParam },
      responses: { 200: json(archiveShape, "The archive, stopped"), ...problems },
    }),
    async (c) => {
      demandAdmin(c.var.identity, "stop an archive");
      const stopped = await stopOrphan(context, c.req.valid("param").id);
      return c.json(archiveJson(stopped, context, c.req.raw), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "post",
      path: "/orphans/{id}/adopt",
      summary: "Make an archive part of a recording",
      description: "Of the one that ran in its room, under its name, at its time; else of one of " +
        "its own. It must have ended.",
      request: { params: idParam },
      responses: { 200: json(chainShape, "The recording that it is part of now"), ...problems },
    }),
    async (c) => {
      demandAdmin(c.var.identity, "adopt an archive");
      return c.json(await adoptOrphan(context, c.req.valid("param").id), 200);
    },
  );
  return router;
}
