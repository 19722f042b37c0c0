/** Handing over by itself, in simulated time. */
import assert from "node:assert/strict";
import type { Chains } from "../../lib/handover/mod.ts";
import {
  type Platform,
  PlatformError,
  type PlatformErrorKind,
  type StartArchiveOptions,
} from "../../lib/platform/platform.ts";
import { inWorld, type World } from "./world.ts";

const MINUTE_MS = 60_000;
/** The world's `rotateAfterMinutes`. */
const DUE_MS = 10 * MINUTE_MS;

/** Sweeps with every process, every `everyMs`, until `untilMs`. */
async function sweeps(w: World, processes: Chains[], untilMs: number, everyMs = 5_000) {
  while (w.clock.nowMs < untilMs) {
    await w.clock.runUntil(Math.min(untilMs, w.clock.nowMs + everyMs));
    await w.done(Promise.all(processes.map((process) => process.sweep())));
  }
}

/** The platform, which refuses some starts of archives. */
function refusing(
  { seen }: World,
  kind: PlatformErrorKind,
  isRefused: (options: StartArchiveOptions) => boolean,
): Platform {
  return {
    ...seen,
    startArchive: (sessionId, options) =>
      isRefused(options)
        ? Promise.reject(new PlatformError(kind, "start an archive", "Refused"))
        : seen.startArchive(sessionId, options),
  };
}

/** How many archives recorded at each change, and whether a moment was left out. */
function coverage({ platform }: World) {
  const spans = platform.archives.map((a) => ({ fromMs: a.startMs, toMs: a.endMs ?? Infinity }));
  const moments = spans.flatMap(({ fromMs, toMs }) => [fromMs, toMs]).filter(Number.isFinite);
  const last = Math.max(...spans.map((span) => span.fromMs));
  const at = (ms: number) => spans.filter((s) => s.fromMs <= ms && s.toMs > ms).length;
  const counts = moments.filter((ms) => ms <= last).map(at);
  return { least: Math.min(...counts), most: Math.max(...counts) };
}

Deno.test("a chain hands over every ten minutes, once, however many processes sweep", () =>
  inWorld(async (w) => {
    const { chains } = await w.recording();
    const processes = [chains, w.process(), w.process()];
    const begunMs = w.clock.nowMs;
    await sweeps(w, processes, begunMs + 35 * MINUTE_MS);
    assert.equal(w.platform.archives.length, 1 + 3 * 2, "three handovers, two archives each");
    assert.deepEqual(coverage(w), { least: 1, most: 2 });
  }));

Deno.test("the countdown leads to the next handover, and begins anew after it", () =>
  inWorld(async (w) => {
    const { chains } = await w.recording();
    const first = await w.done(chains.view("main"));
    assert.ok(first.nextHandoverAtMs);
    assert.ok(Math.abs(first.nextHandoverAtMs - w.clock.nowMs - DUE_MS) < 2_000);
    await sweeps(w, [chains], first.nextHandoverAtMs + 30_000);
    const second = await w.done(chains.view("main"));
    assert.equal(second.procedure, null);
    assert.ok(second.nextHandoverAtMs && second.nextHandoverAtMs > first.nextHandoverAtMs + DUE_MS);
  }));

Deno.test("a handover by hand puts off the one that was due", () =>
  inWorld(async (w) => {
    const { chains } = await w.recording();
    const begunMs = w.clock.nowMs;
    await sweeps(w, [chains], begunMs + 8 * MINUTE_MS);
    await w.done(chains.handOver("main"));
    await sweeps(w, [chains], begunMs + 17 * MINUTE_MS);
    assert.equal(w.platform.archives.length, 3);
    await sweeps(w, [chains], begunMs + 20 * MINUTE_MS);
    assert.equal(w.platform.archives.length, 5);
  }));

Deno.test("after an outage of every process the handover that was missed is done once, at once", () =>
  inWorld(async (w) => {
    await w.recording();
    const begunMs = w.clock.nowMs;
    await w.clock.runUntil(begunMs + 47 * MINUTE_MS);
    const chains = w.process();
    await w.done(chains.sweep());
    await w.pass(30_000);
    assert.equal(w.platform.archives.length, 3, "one handover for all that were missed");
    assert.deepEqual(coverage(w), { least: 1, most: 2 });
    await sweeps(w, [chains], w.clock.nowMs + 9 * MINUTE_MS);
    assert.equal(w.platform.archives.length, 3);
  }));

Deno.test("a sweep a minute, as cron does it, hands over in the minute it is due", () =>
  inWorld(async (w) => {
    const { chains } = await w.recording();
    await sweeps(w, [chains], w.clock.nowMs + DUE_MS + 1.5 * MINUTE_MS, MINUTE_MS);
    assert.equal(w.platform.archives.length, 3);
    assert.equal(w.running().length, 1);
  }));

Deno.test("a handover that fails for eight minutes is tried until it is done, before the limit", () =>
  inWorld(async (w) => {
    let refused = 0;
    const untilMs = w.clock.nowMs + DUE_MS + 8 * MINUTE_MS;
    const platform = refusing(w, "unavailable", () => {
      const isDown = w.platform.archives.length > 0 && w.clock.nowMs <= untilMs;
      if (isDown) refused++;
      return isDown;
    });
    const { chains, chain } = await w.recording({ platform });
    await sweeps(w, [chains], untilMs - 15_000);
    assert.equal(w.platform.archives.length, 1, "and the archive that records is left alone");
    assert.equal(w.running().length, 1);
    assert.ok(refused >= 20, `${refused} tries in eight minutes`);
    const view = await w.done(chains.view("main"));
    assert.deepEqual(view.alerts.map((a) => [a.kind, a.toMs]), [["handover-failing", null]]);
    await sweeps(w, [chains], untilMs + MINUTE_MS);
    assert.ok(w.platform.archives.length > 1, "done within a minute of the platform's return");
    assert.equal(w.running().length, 1);
    assert.deepEqual((await w.done(w.store.chains.get(chain.id)))?.gaps, []);
    const after = await w.done(chains.view("main"));
    assert.deepEqual(after.alerts.filter((a) => a.toMs === null), []);
  }));

Deno.test("where nobody ever joins the secondary session the other way hands over", () =>
  inWorld(async (w) => {
    w.platform.onSignal = () => {};
    const { chains, chain } = await w.recording();
    await sweeps(w, [chains], w.clock.nowMs + DUE_MS + 2 * MINUTE_MS);
    assert.equal(w.platform.archives.length, 2);
    assert.equal(w.platform.archives[1]?.sessionId, w.room.sessions.primary);
    assert.equal(w.running().length, 1);
    assert.deepEqual((await w.done(w.store.chains.get(chain.id)))?.gaps, []);
  }));

Deno.test("a room whose strategy is simultaneous hands over on the session of the call alone", () =>
  inWorld(async (w) => {
    await w.done(w.store.rooms.update("main", { strategy: "simultaneous" }));
    const { chains, chain } = await w.recording();
    assert.equal(chain.strategy, "simultaneous");
    await sweeps(w, [chains], w.clock.nowMs + DUE_MS + MINUTE_MS);
    const { primary } = w.room.sessions;
    assert.deepEqual(w.platform.archives.map((a) => a.sessionId), [primary, primary]);
    assert.deepEqual(coverage(w), { least: 1, most: 2 });
  }));

Deno.test("where the platform refuses a second archive on a session, the other way is taken and said", () =>
  inWorld(async (w) => {
    await w.done(w.store.rooms.update("main", { strategy: "simultaneous" }));
    const platform = refusing(w, "conflict", (options) => options.multiArchiveTag !== undefined);
    const { chains } = await w.recording({ platform });
    const chain = await w.done(chains.handOver("main"));
    assert.equal(chain.strategy, "dual-session");
    assert.equal(w.platform.archives.length, 3);
    const view = await w.done(chains.view("main"));
    assert.match(view.notice?.text ?? "", /takes no second archive on one session/);
    assert.equal((await w.done(w.store.rooms.get("main")))?.strategy, "simultaneous");
  }));
