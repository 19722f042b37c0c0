import assert from "node:assert/strict";
import type { ToldAlert } from "../../lib/handover/mod.ts";
import { inWorld } from "./world.ts";

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
  inWorld(async ({ process, recording, done, pass, killFirst }) => {
    const { heard, tellAlert } = listener();
    const { chains, chain } = await recording({ tellAlert });
    const processes = [chains, process({ tellAlert }), process({ tellAlert })];
    await pass(10_000);
    const dead = killFirst();
    await done(Promise.all(processes.map((p) => p.hint(dead.id))));
    await pass(5_000);
    for (const p of processes) await done(p.sweep());
    assert.equal(heard.length, 1);
    const [{ text, kind, room, recording: name, chainId, attempt } = assert.fail()] = heard;
    assert.deepEqual(
      { kind, room, name, chainId, attempt },
      { kind: "uncovered", room: "main", name: "Weekly", chainId: chain.id, attempt: 1 },
    );
    assert.match(text, /^Nothing is being recorded\. The archive ended by itself \(failure\)/);
  }));

Deno.test("an alert that does not arrive is tried again, and the recording does not wait for it", () =>
  inWorld(async ({ recording, done, pass, killFirst, running }) => {
    const { heard, tellAlert } = listener(2);
    const { chains } = await recording({ tellAlert });
    await pass(10_000);
    await done(chains.hint(killFirst().id));
    await pass(3_000);
    assert.equal(running().length, 1);
    for (let i = 0; i < 20; i++) {
      await pass(5_000);
      await done(chains.sweep());
    }
    assert.deepEqual(heard.map((h) => h.attempt), [1, 2, 3]);
    assert.equal(new Set(heard.map((h) => h.id)).size, 1, "the same id every time");
  }));

Deno.test("an alert that never arrives is given up after six tries", () =>
  inWorld(async ({ recording, done, pass, killFirst }) => {
    const { heard, tellAlert } = listener(100);
    const { chains } = await recording({ tellAlert });
    await pass(10_000);
    killFirst();
    for (let i = 0; i < 100; i++) {
      await done(chains.sweep());
      await pass(5_000);
    }
    assert.equal(heard.length, 6);
  }));

Deno.test("an alert whose teller died is told by another process, after Stop too", () =>
  inWorld(async ({ process, recording, done, pass, killFirst, store }) => {
    const stuck = await recording({ tellAlert: () => new Promise(() => {}) });
    await pass(10_000);
    await done(stuck.chains.hint(killFirst().id));
    await pass(3_000);
    await done(stuck.chains.stop("main"));
    const { heard, tellAlert } = listener();
    const other = process({ tellAlert });
    for (let i = 0; i < 100; i++) {
      await pass(5_000);
      await done(other.sweep());
    }
    assert.equal(heard.length, 1);
    assert.deepEqual((await done(store.recordings.active())).items, [], "and the room rests");
  }));
