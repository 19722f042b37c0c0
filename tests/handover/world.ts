import { type ChainsOptions, createChains, openRoom } from "../../lib/handover/mod.ts";
import { storeOn } from "../../lib/store/mod.ts";
import { Calls, type CallWatch } from "../simulation/calls.ts";
import { SimClock } from "../simulation/clock.ts";
import { Cloud } from "../simulation/cloud.ts";
import { SimDatabase } from "../simulation/database.ts";
import { Faults } from "../simulation/faults.ts";

export const ARCHIVE = { hasAudio: true, hasVideo: true, outputMode: "composed" as const };

/** A calm simulated world: real store and handover, simulated cloud and clock. */
export async function world() {
  const kv = await Deno.openKv(":memory:");
  const clock = new SimClock();
  const database = new SimDatabase(kv);
  clock.waitsFor(database);
  const platform = new Cloud(clock);
  const faults = new Faults(1, {});
  faults.cease();
  const watch: CallWatch = {
    note: () => {},
    wentWrong: () => {},
    begins: () => () => {},
    mayDie: () => {},
  };
  const calls = new Calls(platform, clock, faults, watch, "app", (operation) => operation());
  const seen = calls.platform();
  const store = storeOn(database.asSeenThrough({
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
  return {
    clock,
    platform,
    watch,
    seen,
    store,
    room,
    process,
    done,
    running,
    close: () => kv.close(),
  };
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
