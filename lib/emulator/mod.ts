/**
 * The emulator: a small video platform for one machine and small calls, which speaks OpenTok's REST
 * API and client signalling below `/emulator`. The unmodified SDKs work on it: the server's with
 * `apiUrl`, the browser's with `OT.setProxyUrl`. This is its only door.
 *
 * Several processes may share its data: one of them is the platform, the others pass requests on to
 * it, and one of them takes its place when it ends.
 */
import { join } from "node:path";
import { TIMINGS, type Timings } from "./server/limits.ts";
import { ProcessLock } from "./server/process_lock.ts";
import { Relay, unavailable } from "./server/relay.ts";
import { type EmulatorServer, openServer, type ServerOptions } from "./server/server.ts";

export type { CallbackOptions } from "./server/callbacks.ts";

/** What the emulator runs on; times are the cloud's unless given. */
export type EmulatorOptions = Omit<ServerOptions, "timings"> & { timings?: Partial<Timings> };

/** Where the emulator answers, below the origin of the server. */
export const EMULATOR_PATH = "/emulator";
/** Address of the REST API, below the origin of the server: the `apiUrl` of the server SDK. */
export const EMULATOR_API_PATH = `${EMULATOR_PATH}/api.opentok.com`;
/** What browsers need: see `client` in the answer to a join. */
export const EMULATOR_CLIENT = {
  proxyUrl: EMULATOR_PATH,
  recorderUrl: "/modules/recorder.js",
} as const;

/** A running emulator. */
export interface Emulator {
  /** The project's key: for the SDK, and for browsers. */
  readonly apiKey: string;
  /** The project's secret: for the SDK only. */
  readonly apiSecret: string;
  /** Answers every request below `/emulator/`; a WebSocket needs the very request of `Deno.serve`. */
  fetch(request: Request): Promise<Response>;
  /**
   * Closes sockets, waits for files being written. Archives that record are continued by the next
   * process.
   */
  close(): Promise<void>;
}

/**
 * Opens the emulator, or the way to it while another process is the platform.
 *
 * @example
 * ```ts
 * const emulator = await createEmulator({ records, dataDir: ".data", origin: () => "http://localhost:8000" });
 * Deno.serve((request) => emulator.fetch(request));
 * ```
 */
export async function createEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { records, origin } = options;
  const timings = { ...TIMINGS, ...options.timings };
  const project = await records.project();
  const relay = new Relay({ records, origin });
  let server: EmulatorServer | null = null;
  const lock = new ProcessLock(join(options.dataDir, "emulator.lock"), async () => {
    server = await openServer({ ...options, timings }, project);
    await records.setHost(origin());
  });
  await lock.acquire();
  let closing = false;

  return {
    ...project,
    fetch(request) {
      // From here on the next process acts, though this one's server still answers.
      if (closing) return Promise.resolve(unavailable());
      return server ? server.fetch(request) : relay.fetch(request);
    },
    async close() {
      closing = true;
      relay.close();
      await lock.release(() => server?.close() ?? Promise.resolve());
    },
  };
}
