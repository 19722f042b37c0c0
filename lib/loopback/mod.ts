/**
 * The stand-in platform: a small video platform for one machine, behind OpenTok's own doors. Servers
 * reach it by REST at `/loopback`, browsers by the WebSocket at `/loopback/socket`.
 */
import { Hono } from "hono";
import { Archives } from "./archives.ts";
import { readBody } from "./body.ts";
import { type CallbackOptions, Callbacks } from "./callbacks.ts";
import { LoopbackError } from "./errors.ts";
import { ArchiveFiles } from "./files.ts";
import { Hub } from "./hub.ts";
import { Ledger } from "./ledger.ts";
import { LIMITS, TIMINGS, type Timings } from "./limits.ts";
import { mediaRoutes, signedMediaPath } from "./media.ts";
import { chunkQuerySchema } from "./protocol.ts";
import { archiveJson, restRoutes } from "./rest.ts";
import { CLOSE, openSocket } from "./socket.ts";
import { Tokens } from "./tokens.ts";

export type { CallbackOptions } from "./callbacks.ts";
export { EPOCH_TAG } from "./remux.ts";

/** What the platform runs on. */
export interface LoopbackOptions {
  /** Keeps the project, sessions and archives, under keys that begin with "loopback". */
  kv: Deno.Kv;
  /** Archives are kept in `archives/` below it. */
  dataDir: string;
  /** Where browsers reach this server, for the addresses of files: "http://localhost:8000". */
  origin: () => string;
  /** Where to tell about archives; nowhere if not given. */
  callback?: CallbackOptions;
  /** Other times than the cloud's. */
  timings?: Partial<Timings>;
}

/** A running stand-in platform. */
export interface Loopback {
  /** The project's key: give it to the SDK, and to browsers. */
  readonly apiKey: string;
  /** The project's secret: for the SDK only. */
  readonly apiSecret: string;
  /** Answers every request below `/loopback/`; the WebSocket needs the very request of `Deno.serve`. */
  fetch(request: Request): Promise<Response>;
  /** Closes sockets, waits for files being written. Archives that record are taken up at the next start. */
  close(): Promise<void>;
}

/** Opens the platform and takes up what an earlier process left unfinished. */
export async function createLoopback(options: LoopbackOptions): Promise<Loopback> {
  const timings = { ...TIMINGS, ...options.timings };
  const ledger = new Ledger(options.kv);
  const { apiKey, apiSecret } = await ledger.project();
  const tokens = new Tokens(apiKey, apiSecret);
  const callbacks = new Callbacks(apiKey, options.callback, timings.callbackRetryMs);
  const files = new ArchiveFiles(options.dataDir);
  const hub = new Hub();
  const mediaUrl = (id: string) =>
    new URL(signedMediaPath(tokens, id, Date.now() + timings.mediaUrlMs), options.origin()).href;
  const archives = new Archives({
    hub,
    ledger,
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
    const deps = { hub, archives, ledger, tokens, idleSeconds: timings.socketIdleSeconds };
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
    return c.body(null, 204);
  });
  app.route("/", mediaRoutes({ archives, files, tokens }));
  app.route("/", restRoutes({ apiKey, tokens, ledger, hub, archives, mediaUrl }));

  return {
    apiKey,
    apiSecret,
    fetch: async (request) => await app.fetch(request),
    async close() {
      hub.closeAll(CLOSE.restarting, "The server restarts");
      await archives.close();
      await callbacks.close();
    },
  };
}
