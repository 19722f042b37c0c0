import assert from "node:assert/strict";
import { type ChainsOptions, createChains, openRoom } from "../../lib/handover/mod.ts";
import { storeOn } from "../../lib/store/mod.ts";
import { Calls, type CallWatch } from "../simulation/calls.ts";
import { SimClock } from "../simulation/clock.ts";
import { Cloud } from "../simulation/cloud.ts";
import { OPEN_GATE, SimDatabase } from "../simulation/database.ts";
import { Faults } from "../simulation/faults.ts";

export const ARCHIVE = { hasAudio: true, hasVideo: true, outputMode: "composed" as const };
/** What every chain is started with. */
export const WEEKLY = { name: "Weekly", archive: ARCHIVE };

/** A calm simulated world: real store and handover, simulated cloud and clock. */
export type World = Awaited<ReturnType<typeof world>>;

/** Makes a world on an empty database. */
export async function world(kv: Deno.Kv) {
  const database = new SimDatabase(kv);
  const clock = new SimClock(database);
  const platform = new Cloud(clock);
  const faults = new Faults(1, {});
  faults.cease();
  const watch: CallWatch = {
    note: () => {},
    wentWrong: () => {},
    begins: () => () => {},
    mayDie: () => {},
  };
  const calls = new Calls(platform, clock, faults, watch, "app", OPEN_GATE.pass);
  const seen = calls.platform();
  const store = storeOn(database.asSeenThrough(OPEN_GATE));
  let ids = 0;

  const pass = (ms: number) => clock.runUntil(clock.nowMs + ms);

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

  /** An app process and the chain that it has started. */
  async function recording(more?: Partial<ChainsOptions>) {
    const chains = process(more);
    return { chains, chain: await done(chains.start("main", WEEKLY)) };
  }

  /** Has the first archive end by itself. */
  function killFirst(reason = "failure") {
    const [archive] = platform.archives;
    assert.ok(archive);
    platform.end(archive, "world", reason);
    return archive;
  }

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
    pass,
    done,
    process,
    recording,
    killFirst,
    running,
  };
}

/** Runs a test in a world of its own. */
export async function inWorld(test: (w: World) => Promise<void>): Promise<void> {
  using kv = await Deno.openKv(":memory:");
  await test(await world(kv));
}
