/**
 * The emulator: a small video platform for one machine and small calls, which speaks OpenTok's REST
 * API and client signalling below `/emulator`. The unmodified SDKs work on it: the server's with
 * `apiUrl`, the browser's with `OT.setProxyUrl`. This is its only door.
 *
 * Several processes may share its data: one of them is the platform, the others pass requests on to
 * it, and one of them takes its place when it ends.
 */
import { join } from "node:path";
import { acquireLock } from "./server/process_lock.ts";
import { Relay, unavailable } from "./server/relay.ts";
import { type Emulator, type EmulatorOptions, openPlatform } from "./server/server.ts";

export type { Emulator, EmulatorOptions };

/** Address of the REST API, below the origin of the server: the `apiUrl` of the server SDK. */
export const EMULATOR_API_PATH = "/emulator/api.opentok.com";
/** What browsers need: see `client` in the answer to a join. */
export const EMULATOR_CLIENT = {
  proxyUrl: "/emulator",
  recorderUrl: "/modules/recorder.js",
} as const;

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
  const { records, dataDir, origin } = options;
  const project = await records.project();
  const relay = new Relay(records, origin);
  let platform: Emulator | null = null;
  let closing = false;
  const release = await acquireLock(join(dataDir, "emulator.lock"), async () => {
    platform = await openPlatform(options, project);
    await records.setHost(origin());
  });
  return {
    ...project,
    fetch(request) {
      // From here on the next process acts, though this one's server still answers.
      if (closing) return Promise.resolve(unavailable());
      return platform ? platform.fetch(request) : relay.fetch(request);
    },
    async close() {
      closing = true;
      relay.close();
      await release(async () => await platform?.close());
    },
  };
}
