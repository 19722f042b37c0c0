/** The platform itself, in the one process that holds the {@link ProcessLock}. */
import { Hono } from "hono";
import { log } from "../../log.ts";
import type { ArchiveRecord, EmulatorRecords } from "../../store/mod.ts";
import { ArchiveFiles } from "./archive_files.ts";
import { Archives } from "./archives.ts";
import { type CallbackOptions, Callbacks } from "./callbacks.ts";
import { clientRoutes } from "./client_api.ts";
import { openClientSocket } from "./client_socket.ts";
import { EmulatorError } from "./errors.ts";
import { fileRoutes, signedMediaPath } from "./file_routes.ts";
import type { Timings } from "./limits.ts";
import { archiveJson, restRoutes } from "./rest.ts";
import { Sessions } from "./sessions.ts";
import { Tokens } from "./tokens.ts";

/** What the platform runs on. */
export interface ServerOptions {
  /** Keeps the project, sessions, connections and archives. */
  records: EmulatorRecords;
  /** Archives are kept in `archives/` below it. */
  dataDir: string;
  /** Where browsers reach this server, for the addresses of files: "http://localhost:8000". */
  origin: () => string;
  /** Where changes of archives are reported; nowhere if not given. */
  callback?: CallbackOptions;
  timings: Timings;
}

/** The platform as it runs in this process. */
export interface EmulatorServer {
  fetch(request: Request): Promise<Response>;
  close(): Promise<void>;
}

/** Opens the platform and continues what an earlier process left. */
export async function openServer(
  options: ServerOptions,
  { apiKey, apiSecret }: { apiKey: string; apiSecret: string },
): Promise<EmulatorServer> {
  const { records, timings } = options;
  const tokens = new Tokens(apiKey, apiSecret);
  const callbacks = new Callbacks(apiKey, options.callback, timings.callbackRetryMs);
  const files = new ArchiveFiles(options.dataDir);
  const mediaUrl = (record: ArchiveRecord, origin = options.origin()) => {
    const path = signedMediaPath(tokens, record, Date.now() + timings.mediaUrlMs);
    return path === null ? null : new URL(path, origin).href;
  };
  const sessions = new Sessions({
    ...{ records, apiKey },
    clientGraceMs: timings.clientGraceMs,
    changed: () => archives.update(),
  });
  const archives = new Archives({
    ...{ sessions, records, files, tokens, timings },
    changed: (record) =>
      callbacks.send({
        ...archiveJson(record, apiKey, mediaUrl(record)),
        // Unlike REST's, a callback's createdAt is the time of the call.
        createdAt: Math.round(record.requestedAtMs / 1000) * 1000,
        event: "archive",
      }),
  });
  await sessions.load();
  await archives.recover();

  const app = new Hono().basePath("/emulator");
  app.onError((error, c) => {
    if (error instanceof EmulatorError) {
      return c.json({ code: error.status, message: error.message }, error.status);
    }
    log("error", "emulator: request failed", { path: c.req.path, error: String(error) });
    return c.json({ code: 500, message: "The emulator failed; its log says why" }, 500);
  });
  app.notFound((c) => c.json({ code: 404, message: "There is nothing at this address" }, 404));
  app.get("/messaging.emulator/socket", (c) =>
    openClientSocket(c.req.raw, {
      ...{ sessions, records, tokens },
      runningArchives: (sessionId) => archives.running(sessionId),
    }));
  app.get("/recorder", (c) => archives.recorders.openSocket(c.req.raw));
  app.route("/", clientRoutes({ tokens, records, sessions }));
  app.route("/", fileRoutes(archives));
  app.route("/api.opentok.com", restRoutes({ tokens, records, sessions, archives, mediaUrl }));

  return {
    fetch: async (request) => await app.fetch(request),
    async close() {
      sessions.close();
      await archives.close();
      await callbacks.close();
    },
  };
}
