import { type ChainsOptions, createChains, openRoom } from "../../lib/handover/mod.ts";
import { storeOn } from "../../lib/store/mod.ts";
import { SimClock } from "../simulation/clock.ts";
import { Random } from "../simulation/random.ts";
import { SerialKv } from "../simulation/sim_kv.ts";
import { SimPlatform } from "../simulation/sim_platform.ts";

export const ARCHIVE = { hasAudio: true, hasVideo: true, outputMode: "composed" as const };

/** A calm simulated world: real store and handover, simulated cloud and clock. */
export async function world() {
  const kv = await Deno.openKv(":memory:");
  const clock = new SimClock();
  const serial = new SerialKv(kv);
  clock.waitsFor(() => serial.busy);
  const platform = new SimPlatform(clock, new Random(1));
  const seen = platform.asSeenThrough((operation) => operation());
  const store = storeOn(serial.asSeenThrough({
    pass: (operation) => operation(),
    commitFails: () => false,
  }));
  let ids = 0;

  /** Lets time pass until `promise` has settled. */
  async function done<T>(promise: Promise<T>, limitMs = 120_000): Promise<T> {
    let over = false;
    const watched = promise.finally(() => over = true);
    watched.catch(() => {});
    await clock.runUntil(clock.nowMs + limitMs, () => over);
    if (!over) throw new Error(`Wait for a promise: not settled within ${limitMs} ms`);
    return await watched;
  }

  /** One app process. */
  const process = (more: Partial<ChainsOptions> = {}) =>
    createChains({
      store,
      platform: seen,
      settings: {
        joinTimeoutMs: 8_000,
        overlapInterimMs: 2_000,
        overlapNextMs: 2_000,
        rotateAfterMinutes: 10,
      },
      now: () => clock.nowMs,
      sleep: (ms, signal) => clock.sleep(ms, signal),
      newId: () => `id-${++ids}`,
      readFile: () => Promise.reject(new Error("No files here")),
      onTrouble: () => {},
      ...more,
    });

  const room = await done(openRoom({ store, platform: seen, now: () => clock.nowMs }, "main"));
  const { primary, secondary } = room.sessions;
  platform.publishing(primary).add("alice");
  platform.onSignal = (_session, type) => {
    if (type === "join") platform.publishing(secondary).add("alice");
    else platform.publishing(secondary).delete("alice");
  };
  const running = () =>
    [primary, secondary].flatMap((s) => platform.running(s)).map((archive) => archive.id);
  return { clock, platform, seen, store, room, process, done, running, close: () => kv.close() };
}

/** Runs a test in a world of its own. */
export async function inWorld(
  test: (w: Awaited<ReturnType<typeof world>>) => Promise<void>,
): Promise<void> {
  const w = await world();
  try {
    await test(w);
  } finally {
    w.close();
  }
}
