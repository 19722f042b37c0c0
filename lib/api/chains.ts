/** Chains: finding, watching and deleting recordings. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { demand, demandAdmin, mayBrowse, mayWatch } from "../auth/mod.ts";
import { deleteFilm, filmOfParts, readFilm } from "../films.ts";
import { StoreError } from "../store/mod.ts";
import {
  type ApiContext,
  type ApiEnv,
  createRouter,
  idParam,
  json,
  pageOf,
  pageQuery,
  problems,
} from "./router.ts";
import { chainShape, filmShape } from "./shapes.ts";

const chainItemSchema = z.object({
  chain: chainShape,
  /** How many parts it has. */
  parts: z.number().int(),
  durationSeconds: z.number(),
});

/** The routes under `/chains`. */
export function chainRoutes(context: ApiContext): OpenAPIHono<ApiEnv> {
  const { store } = context;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: "get",
      path: "/chains",
      summary: "List recordings, newest first",
      request: {
        query: pageQuery.extend({
          name: z.string().max(200).optional(),
          room: z.string().max(63).optional(),
        }),
      },
      responses: { 200: json(pageOf(chainItemSchema), "A page of recordings"), ...problems },
    }),
    async (c) => {
      demand(c.var.identity, mayBrowse(c.var.identity), "list recordings");
      const page = await store.chains.list(c.req.valid("query"));
      const items = await Promise.all(page.items.map(async (chain) => {
        const parts = await store.parts.list(chain.id);
        const { durationSeconds } = filmOfParts(context.config, chain, parts);
        return { chain, parts: parts.length, durationSeconds };
      }));
      return c.json({ items, cursor: page.cursor }, 200);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/chains/{id}",
      summary: "A recording as one film: its parts, seams and gaps on one timeline",
      request: { params: idParam },
      responses: { 200: json(filmShape, "The film"), ...problems },
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      demand(c.var.identity, mayWatch(c.var.identity, id), "watch this recording");
      const film = await readFilm(context, id);
      if (film) return c.json(film, 200);
      throw new StoreError(
        "not-found",
        `Cannot find the recording "${id}": it may have been deleted`,
      );
    },
  );

  router.openapi(
    createRoute({
      method: "delete",
      path: "/chains/{id}",
      summary: "Delete a recording and all its archives",
      request: { params: idParam },
      responses: { 204: { description: "It is gone" }, ...problems },
    }),
    async (c) => {
      demandAdmin(c.var.identity, "delete a recording");
      await deleteFilm(context, c.req.valid("param").id);
      return c.body(null, 204);
    },
  );
  return router;
}
