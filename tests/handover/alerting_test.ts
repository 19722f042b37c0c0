import assert from "node:assert/strict";
import type { ToldAlert } from "../../lib/handover/mod.ts";
import { ARCHIVE, inWorld } from "./world.ts";

const WEEKLY = { name: "Weekly", archive: ARCHIVE };

/** Remembers what it was told; the first `failures` tries do not arrive. */
function listener(failures = 0) {
  const heard: (ToldAlert & { attempt: number })[] = [];
  return {
    heard,
    tellAlert(alert: ToldAlert, attempt: number): Promise<void> {
      heard.push({ ...alert, attempt });
      return heard.length <= failures ? Promise.reject(new Error("Down")) : Promise.resolve();
    },
  };
}

Deno.test("an archive that dies is told once, however many processes see it", () =>
  inWorld(async ({ process, done, clock, platform }) => {
    const { heard, tellAlert } = listener();
    const processes = [process({ tellAlert }), process({ tellAlert }), process({ tellAlert })];
    const chain = await done(processes[0]?.start("main", WEEKLY) ?? Promise.reject());
    await clock.runUntil(clock.nowMs + 10_000);
    const [dead] = platform.archives;
    assert.ok(dead);
    platform.end(dead, "world", "failure");
    await done(Promise.all(processes.map((p) => p.hint(dead.id))));
    await clock.runUntil(clock.nowMs + 5_000);
    for (const p of processes) await done(p.sweep());
    assert.equal(heard.length, 1);
    const [{ kind, room, recording, chainId, text, attempt } = assert.fail()] = heard;
    assert.deepEqual([kind, room, recording, chainId, attempt], [
      "uncovered",
      "main",
      "Weekly",
      chain.id,
      1,
    ]);
    assert.match(text, /^Nothing is being recorded\. The archive ended by itself \(failure\)/);
  }));

Deno.test("an alert that does not arrive is tried again, and the recording does not wait for it", () =>
  inWorld(async ({ process, done, clock, platform, running }) => {
    const { heard, tellAlert } = listener(2);
    const chains = process({ tellAlert });
    await done(chains.start("main", WEEKLY));
    await clock.runUntil(clock.nowMs + 10_000);
    const [dead] = platform.archives;
    assert.ok(dead);
    platform.end(dead, "world", "failure");
    await done(chains.hint(dead.id));
    await clock.runUntil(clock.nowMs + 3_000);
    assert.equal(running().length, 1);
    for (let i = 0; i < 20; i++) {
      await clock.runUntil(clock.nowMs + 5_000);
      await done(chains.sweep());
    }
    assert.deepEqual(heard.map((h) => h.attempt), [1, 2, 3]);
    assert.equal(new Set(heard.map((h) => h.id)).size, 1, "the same id every time");
  }));

Deno.test("an alert that never arrives is given up after six tries", () =>
  inWorld(async ({ process, done, clock, platform }) => {
    const { heard, tellAlert } = listener(100);
    const chains = process({ tellAlert });
    await done(chains.start("main", WEEKLY));
    await clock.runUntil(clock.nowMs + 10_000);
    const [dead] = platform.archives;
    assert.ok(dead);
    platform.end(dead, "world", "failure");
    for (let i = 0; i < 100; i++) {
      await done(chains.sweep());
      await clock.runUntil(clock.nowMs + 5_000);
    }
    assert.equal(heard.length, 6);
  }));

Deno.test("an alert whose teller died is told by another process, after Stop too", () =>
  inWorld(async ({ process, done, clock, platform, store }) => {
    const stuck = process({ tellAlert: () => new Promise(() => {}) });
    await done(stuck.start("main", WEEKLY));
    await clock.runUntil(clock.nowMs + 10_000);
    const [dead] = platform.archives;
    assert.ok(dead);
    platform.end(dead, "world", "failure");
    await done(stuck.hint(dead.id));
    await clock.runUntil(clock.nowMs + 3_000);
    await done(stuck.stop("main"));
    const { heard, tellAlert } = listener();
    const other = process({ tellAlert });
    for (let i = 0; i < 100; i++) {
      await clock.runUntil(clock.nowMs + 5_000);
      await done(other.sweep());
    }
    assert.equal(heard.length, 1);
    assert.deepEqual((await done(store.recordings.active())).items, [], "and the room rests");
  }));
