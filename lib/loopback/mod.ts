/**
 * The stand-in platform: a small video platform for one machine, behind OpenTok's own doors. Servers
 * reach it by REST at `/loopback`, browsers by the WebSocket at `/loopback/socket`.
 *
 * Several processes may share its data: one of them is the platform, the others pass on to it what
 * they are asked, and one of them takes its place when it ends.
 */
import { join } from "node:path";
import type { CallbackOptions } from "./callbacks.ts";
import type { LoopbackRecords } from "../store/mod.ts";
import { TIMINGS, type Timings } from "./limits.ts";
import { openStandIn, type StandIn } from "./platform.ts";
import { Relay, unavailable } from "./relay.ts";
import { Seat } from "./seat.ts";

export type { CallbackOptions } from "./callbacks.ts";
export { EPOCH_TAG } from "./remux.ts";

/** What the platform runs on. */
export interface LoopbackOptions {
  /** Keeps the project, sessions and archives. */
  records: LoopbackRecords;
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
  /**
   * Closes sockets, waits for files being written. Archives that record are taken up by the next
   * process.
   */
  close(): Promise<void>;
}

/** Opens the platform, or the way to it while another process is the platform. */
export async function createLoopback(options: LoopbackOptions): Promise<Loopback> {
  const timings = { ...TIMINGS, ...options.timings };
  const { records } = options;
  const project = await records.project();
  const relay = new Relay({
    records,
    origin: options.origin,
    idleSeconds: timings.socketIdleSeconds,
  });
  let standIn: StandIn | null = null;
  const seat = new Seat(join(options.dataDir, "loopback.lock"), async () => {
    standIn = await openStandIn({ ...options, timings }, project);
    await records.setHost(options.origin());
  });
  await seat.seek();
  let closing = false;

  return {
    ...project,
    fetch(request) {
      // From here on it is the next process's to act, though this one's server still answers.
      if (closing) return Promise.resolve(unavailable());
      return standIn ? standIn.fetch(request) : relay.fetch(request);
    },
    async close() {
      closing = true;
      relay.close();
      await seat.leave(() => standIn?.close() ?? Promise.resolve());
    },
  };
}
