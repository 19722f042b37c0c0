/** Links: what an admin gives to people who may join one room or watch one recording. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { demandAdmin, linkScopeSchema, originOf } from "../auth/mod.ts";
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
import { enterRoom } from "./rooms.ts";
import { linkShape } from "./shapes.ts";

const HOUR_MS = 60 * 60 * 1000;
const newLinkSchema = z.object({
  label: z.string().trim().max(120).default(""),
  scope: linkScopeSchema,
  expiresInHours: z.number().int().min(1).max(24 * 90).default(24),
});

/** The routes under `/links`. */
export function linkRoutes(context: ApiContext): OpenAPIHono<ApiEnv> {
  const { auth, store } = context;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: "get",
      path: "/links",
      summary: "List the links that are valid",
      request: { query: pageQuery },
      responses: { 200: json(pageOf(linkShape), "A page of links"), ...problems },
    }),
    async (c) => {
      demandAdmin(c.var.identity, "list links");
      return c.json(await auth.listLinks(c.req.valid("query")), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "post",
      path: "/links",
      summary: "Make a link; its address is shown only in this answer",
      request: { body: body(newLinkSchema) },
      responses: {
        201: json(z.object({ link: linkShape, url: z.string() }), "The link and its address"),
        ...problems,
      },
    }),
    async (c) => {
      demandAdmin(c.var.identity, "make a link");
      const { label, scope, expiresInHours } = c.req.valid("json");
      if (scope.kind === "room") await enterRoom(context, scope.room);
      else if (!await store.chains.get(scope.chainId)) {
        throw new StoreError("not-found", "Cannot make a link: there is no such recording");
      }
      const { link, token } = await auth.createLink({
        label,
        scope,
        expiresInMs: expiresInHours * HOUR_MS,
      });
      return c.json({ link, url: `${originOf(c.req.raw)}/open/${token}` }, 201);
    },
  );

  router.openapi(
    createRoute({
      method: "delete",
      path: "/links/{id}",
      summary: "Revoke a link at once",
      request: { params: idParam },
      responses: { 204: { description: "It opens nothing any more" }, ...problems },
    }),
    async (c) => {
      demandAdmin(c.var.identity, "revoke a link");
      if (await auth.deleteLink(c.req.valid("param").id)) return c.body(null, 204);
      throw new StoreError("not-found", "Cannot revoke this link: there is no such link");
    },
  );
  return router;
}
