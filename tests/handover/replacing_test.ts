/** Archives that end by themselves, and who is first to say so. */
import assert from "node:assert/strict";
import type { Chains } from "../../lib/handover/mod.ts";
import { ARCHIVE, inWorld, type world } from "./world.ts";

const WEEKLY = { name: "Weekly", archive: ARCHIVE };
type World = Awaited<ReturnType<typeof world>>;

/** Who may say that an archive ended. */
const witnesses: Record<string, (chains: Chains, w: World, archiveId: string) => Promise<void>> = {
  "the platform's callback about it": (chains, _w, id) => chains.hint(id),
  "a callback about its session": (chains, w) => chains.hintSession(w.room.sessions.primary),
  "somebody in the call": (chains) => chains.hintRoom("main"),
  "the sweep": (chains) => chains.sweep(),
};

/** Records for ten seconds, then has the archive die. */
async function diedAfterTenSeconds(w: World, chains: Chains): Promise<string> {
  await w.done(chains.start("main", WEEKLY));
  await w.clock.runUntil(w.clock.nowMs + 10_000);
  const [dead] = w.platform.archives;
  assert.ok(dead);
  w.platform.end(dead, "world", "maximum duration exceeded");
  return dead.id;
}

for (const [who, tell] of Object.entries(witnesses)) {
  Deno.test(`an archive that ended by itself is replaced when ${who} tells`, () =>
    inWorld(async (w) => {
      const chains = w.process();
      const id = await diedAfterTenSeconds(w, chains);
      await w.pass(3_000);
      await w.done(tell(chains, w, id));
      await w.pass(3_000);
      assert.equal(w.running().length, 1);
      const chain = await w.done(chains.stop("main"));
      assert.deepEqual(w.running(), []);
      const [gap, ...more] = chain.gaps;
      assert.deepEqual(more, []);
      assert.equal(gap?.cause, "The archive ended by itself (maximum duration exceeded)");
      const [dead, next] = w.platform.archives;
      const lostMs = (next?.startMs ?? Infinity) - (dead?.endMs ?? 0);
      assert.ok(lostMs < 5_000, `${lostMs} ms are lost`);
      assert.ok(gap.toMs !== null && Math.abs(gap.toMs - gap.fromMs - lostMs) <= 2_000);
      assert.ok(chain.continuity !== undefined && chain.continuity < 1);
    }));
}

Deno.test("one that ended unheard is replaced as soon as the handover after it has failed", () =>
  inWorld(async (w) => {
    const chains = w.process();
    await diedAfterTenSeconds(w, chains);
    const handover = w.done(chains.handOver("main")).catch((error) => String(error));
    while (w.platform.archives.length < 2) await w.pass(100);
    const interim = w.platform.archives[1];
    assert.ok(interim);
    await w.pass(1_000);
    w.platform.end(interim, "world", "failure");
    await w.done(chains.hint(interim.id));
    assert.match(String(await handover), /The interim archive ended by itself/);
    await w.pass(3_000);
    assert.equal(w.running().length, 1);
  }));

Deno.test("it is replaced once when all tell at the same time, of two processes", () =>
  inWorld(async (w) => {
    const [one, two] = [w.process(), w.process()];
    const id = await diedAfterTenSeconds(w, one);
    const told = Object.values(witnesses).flatMap((tell) => [tell(one, w, id), tell(two, w, id)]);
    await w.done(Promise.all(told));
    await w.pass(10_000);
    assert.equal(w.platform.archives.length, 2);
    assert.equal(w.running().length, 1);
  }));
