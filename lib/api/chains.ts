/** Chains: finding, watching and deleting recordings. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { demand, demandAdmin, mayBrowse, mayWatch } from "../auth/mod.ts";
import { changeSeam, deleteFilm, filmOfParts, readFilm } from "../films.ts";
import { seamChangeSchema } from "../recording/views.ts";
import { StoreError } from "../store/mod.ts";
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
import { chainShape, filmShape } from "./shapes.ts";

const chainItemSchema = z.object({
  chain: chainShape,
  /** How many parts it has. */
  parts: z.number().int(),
  durationSeconds: z.number(),
  /** Covered time / recorded time, 0 to 1; until now while it records. */
  continuity: z.number(),
  /** How much was recorded more than once: what handing over cost. */
  overlapSeconds: z.number(),
});

/** How far the answer of a comparison may be off: a picture knows no more than its frames. */
const UNCERTAINTY_MS = { sound: 10, picture: 40 } as const;

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
        const film = filmOfParts(context.config, chain, parts);
        const { durationSeconds, continuity, overlapSeconds } = film;
        return { chain, parts: parts.length, durationSeconds, continuity, overlapSeconds };
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
      method: "post",
      path: "/chains/{id}/seams/{seq}",
      summary: "Say where the part after this one begins, or nudge it",
      description: "`deltaMs` is what comparing the sound or picture of both parts found; " +
        "`nudgeMs` is added to whatever is known and takes the place of the nudge before.",
      request: {
        params: idParam.extend({ seq: z.string().regex(/^\d{1,6}$/).transform(Number) }),
        body: body(seamChangeSchema),
      },
      responses: { 200: json(filmShape, "The film as it is now"), ...problems },
    }),
    async (c) => {
      demandAdmin(c.var.identity, "change a seam");
      const { id, seq } = c.req.valid("param");
      const change = c.req.valid("json");
      if ("nudgeMs" in change) return c.json(await changeSeam(context, id, seq, change), 200);
      const { basis, ...found } = change;
      const content = { ...found, uncertaintyMs: UNCERTAINTY_MS[basis] };
      return c.json(await changeSeam(context, id, seq, { content }), 200);
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
