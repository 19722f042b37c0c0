/** The platform itself, in the one process that holds the lock. */
import { Hono } from "hono";
import { log } from "../../log.ts";
import type { EmulatorRecords } from "../../store/mod.ts";
import { ArchiveFiles } from "./archive_files.ts";
import { Archives } from "./archives.ts";
import { type CallbackOptions, Callbacks } from "./callbacks.ts";
import { clientRoutes } from "./clients.ts";
import { EmulatorError } from "./errors.ts";
import { fileRoutes } from "./file_routes.ts";
import { TIMINGS, type Timings } from "./limits.ts";
import { archiveJson, restRoutes } from "./rest.ts";
import { Sessions } from "./sessions.ts";
import { Tokens } from "./tokens.ts";

/** How often everything looks at the time, ms. */
const UPDATE_MS = 50;

/** What the emulator runs on. */
export interface EmulatorOptions {
  /** Keeps the project, sessions, connections and archives. */
  records: EmulatorRecords;
  /** Archives are kept in `archives/` below it. */
  dataDir: string;
  /** Where browsers reach this server, for the addresses of files: "http://localhost:8000". */
  origin: () => string;
  /** Where changes of archives are reported; nowhere if not given. */
  callback?: CallbackOptions;
  /** The cloud's unless given. */
  timings?: Partial<Timings>;
}

/** The platform's parts, for its routes and sockets. */
export interface Platform extends EmulatorOptions {
  timings: Timings;
  tokens: Tokens;
  sessions: Sessions;
  archives: Archives;
}

/** A running emulator. */
export interface Emulator {
  /** The project's key: for the SDK, and for browsers. */
  readonly apiKey: string;
  /** The project's secret: for the SDK only. */
  readonly apiSecret: string;
  /** Answers every request below `/emulator/`; a WebSocket needs the very request of `Deno.serve`. */
  fetch(request: Request): Promise<Response>;
  /** Closes sockets, waits for files being written. The next process goes on with what records. */
  close(): Promise<void>;
}

/** Opens the platform and continues what an earlier process left. */
export async function openPlatform(
  options: EmulatorOptions,
  { apiKey, apiSecret }: Pick<Emulator, "apiKey" | "apiSecret">,
): Promise<Emulator> {
  const { records } = options;
  const timings = { ...TIMINGS, ...options.timings };
  const tokens = new Tokens(apiKey, apiSecret);
  const callbacks = new Callbacks(apiKey, options.callback, timings.callbackRetryMs);
  const files = new ArchiveFiles(options.dataDir);
  const sessions = new Sessions(records, apiKey, timings.clientGraceMs, () => archives.update());
  const archives = new Archives({
    ...{ ...options, sessions, files, tokens, timings },
    changed: (record) =>
      callbacks.send({
        ...archiveJson(platform, record),
        // Unlike REST's, a callback's createdAt is the time of the call.
        createdAt: Math.round(record.requestedAtMs / 1000) * 1000,
        event: "archive",
      }),
  });
  const platform: Platform = { ...options, timings, tokens, sessions, archives };
  await sessions.load();
  await archives.recover();
  const updating = setInterval(() => {
    sessions.update();
    archives.update();
  }, UPDATE_MS);
  Deno.unrefTimer(updating);

  const app = new Hono().basePath("/emulator");
  app.onError((error, c) => {
    if (error instanceof EmulatorError) {
      return c.json({ code: error.status, message: error.message }, error.status);
    }
    log("error", "emulator: request failed", { path: c.req.path, error: String(error) });
    return c.json({ code: 500, message: "The emulator failed; its log says why" }, 500);
  });
  app.notFound((c) => c.json({ code: 404, message: "There is nothing at this address" }, 404));
  app.get("/recorder", (c) => archives.recorders.openSocket(c.req.raw));
  app.route("/", clientRoutes(platform));
  app.route("/", fileRoutes(archives));
  app.route("/api.opentok.com", restRoutes(platform));

  return {
    ...{ apiKey, apiSecret },
    fetch: async (request) => await app.fetch(request),
    async close() {
      clearInterval(updating);
      sessions.close();
      await archives.close();
      callbacks.close();
    },
  };
}
