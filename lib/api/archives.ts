/** Archives one by one: their media and their end. (Starting and listing them: `samples.ts`.) */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { demand, demandAdmin, type Identity, mayBrowse, mayWatch } from "../auth/mod.ts";
import { deleteArchive } from "../films.ts";
import type { PlatformArchive } from "../platform/platform.ts";
import { archiveJson, ownPath } from "./archive_json.ts";
import { RequestError } from "./problem.ts";
import { type ApiContext, type ApiEnv, createRouter, idParam, json, problems } from "./router.ts";
import { archiveShape } from "./shapes.ts";

/** The routes under `/archives/{id}`. */
export function archiveRoutes(context: ApiContext): OpenAPIHono<ApiEnv> {
  const { store, platform } = context;
  const router = createRouter();

  async function demandWatch(identity: Identity, archiveId: string, action: string) {
    if (mayBrowse(identity)) return;
    const part = await store.parts.byArchive(archiveId);
    demand(identity, part !== null && mayWatch(identity, part.chainId), action);
  }

  router.openapi(
    createRoute({
      method: "get",
      path: "/archives/{id}",
      summary: "An archive as the platform describes it now",
      request: { params: idParam },
      responses: { 200: json(archiveShape, "The archive"), ...problems },
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      await demandWatch(c.var.identity, id, "see this archive");
      return c.json(archiveJson(await platform.getArchive(id), context, c.req.raw), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/archives/{id}/media",
      summary: "Redirects to the archive's file; the address lives a few minutes, so ask again",
      request: { params: idParam },
      responses: { 302: { description: "`Location` is the file" }, ...problems },
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      await demandWatch(c.var.identity, id, "watch this archive");
      const location = mediaLocation(
        await platform.getArchive(id),
        context.emulatorOrigin(),
      );
      return new Response(null, {
        status: 302,
        headers: { location, "cache-control": "no-store", "referrer-policy": "no-referrer" },
      });
    },
  );

  router.openapi(
    createRoute({
      method: "delete",
      path: "/archives/{id}",
      summary: "Delete an archive's file",
      request: { params: idParam },
      responses: { 204: { description: "It is gone" }, ...problems },
    }),
    async (c) => {
      demandAdmin(c.var.identity, "delete an archive");
      await deleteArchive(context, c.req.valid("param").id);
      return c.body(null, 204);
    },
  );
  return router;
}

/**
 * Where an archive's file is now. Files of the emulator are at this very origin, whatever
 * name the browser knows it by, so their address is given as a path.
 *
 * @throws {RequestError} that says why there is no file: not yet (409), or not any more (410).
 *
 * @example
 * ```ts
 * const location = mediaLocation(await platform.getArchive(id), null);
 * ```
 */
export function mediaLocation(archive: PlatformArchive, emulatorOrigin: string | null): string {
  const cannot = `Cannot show the archive "${archive.name}"`;
  switch (archive.status) {
    case "started":
    case "paused":
      throw new RequestError(409, `${cannot}: it is still being recorded`, 10);
    case "stopped":
      throw new RequestError(409, `${cannot}: its file is being made, try again in a moment`, 3);
    case "uploaded":
      throw new RequestError(
        409,
        `${cannot}: the platform uploaded it to the project's own storage, look for it there`,
      );
    case "expired":
      throw new RequestError(410, `${cannot}: its file expired (files are kept for 72 hours)`);
    case "deleted":
      throw new RequestError(410, `${cannot}: it was deleted`);
    case "failed":
      throw new RequestError(410, `${cannot}: recording it failed`);
  }
  if (archive.url === null) {
    throw new RequestError(409, `${cannot}: its file has no address yet, try again in a moment`, 3);
  }
  return ownPath(archive.url, emulatorOrigin) ?? archive.url;
}
