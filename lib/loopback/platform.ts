/** The stand-in platform itself: what the one process is that holds the {@link Seat}. */
import { Hono } from "hono";
import { Archives } from "./archives.ts";
import { readBody } from "./body.ts";
import { Callbacks } from "./callbacks.ts";
import { LoopbackError } from "./errors.ts";
import { ArchiveFiles } from "./files.ts";
import { Hub } from "./hub.ts";
import { LIMITS, type Timings } from "./limits.ts";
import { mediaRoutes, signedMediaPath } from "./media.ts";
import type { LoopbackOptions } from "./mod.ts";
import { chunkQuerySchema } from "./protocol.ts";
import { archiveJson, restRoutes } from "./rest.ts";
import { CLOSE, openSocket } from "./socket.ts";
import { Tokens } from "./tokens.ts";

/** The platform as it runs in this process. */
export interface StandIn {
  fetch(request: Request): Promise<Response>;
  close(): Promise<void>;
}

/** Opens the platform and takes up what an earlier process left unfinished. */
export async function openStandIn(
  options: LoopbackOptions & { timings: Timings },
  { apiKey, apiSecret }: { apiKey: string; apiSecret: string },
): Promise<StandIn> {
  const { records, timings } = options;
  const tokens = new Tokens(apiKey, apiSecret);
  const callbacks = new Callbacks(apiKey, options.callback, timings.callbackRetryMs);
  const files = new ArchiveFiles(options.dataDir);
  const hub = new Hub();
  const mediaUrl = (id: string, origin = options.origin()) =>
    new URL(signedMediaPath(tokens, id, Date.now() + timings.mediaUrlMs), origin).href;
  const archives = new Archives({
    hub,
    records,
    files,
    timings,
    uploadToken: (id) => tokens.sign("upload", id),
    changed: (record) =>
      callbacks.send(() => ({
        ...archiveJson(record, apiKey, record.status === "available" ? mediaUrl(record.id) : null),
        // A callback's createdAt is the time of the call, unlike REST's.
        createdAt: Math.round(record.requestedAtMs / 1000) * 1000,
        event: "archive",
      })),
  });
  await archives.recover();

  const app = new Hono().basePath("/loopback");
  app.onError((error, c) => {
    const status = error instanceof LoopbackError ? error.status : 500;
    return c.json({ code: status, message: error.message }, status);
  });
  app.notFound((c) => c.json({ code: 404, message: "Failed to find this address" }, 404));
  app.get("/socket", (c) => {
    const deps = { hub, archives, records, tokens, idleSeconds: timings.socketIdleSeconds };
    return openSocket(c.req.raw, deps);
  });
  app.put("/upload/:id", async (c) => {
    const id = c.req.param("id");
    const bearer = c.req.header("authorization")?.replace(/^Bearer /i, "") ?? "";
    if (!tokens.signed("upload", id, bearer)) {
      throw new LoopbackError(
        403,
        "Failed to store a chunk: the upload token is not this archive's",
      );
    }
    const query = chunkQuerySchema.safeParse(c.req.query());
    if (!query.success) {
      throw new LoopbackError(400, "Failed to store a chunk: sequence or position is missing");
    }
    const bytes = await readBody(c.req.raw, LIMITS.chunkBytes);
    if (!archives.receives(id)) {
      throw new LoopbackError(409, "Failed to store a chunk: the archive is over");
    }
    await files.write(id, query.data.sequence, query.data.position, bytes);
    archives.chunkCame(id);
    return c.body(null, 204);
  });
  app.route("/", mediaRoutes({ archives, files, tokens }));
  app.route("/", restRoutes({ apiKey, tokens, records, hub, archives, mediaUrl }));

  return {
    fetch: async (request) => await app.fetch(request),
    async close() {
      hub.closeAll(CLOSE.restarting, "The server restarts");
      await archives.close();
      await callbacks.close();
    },
  };
}
