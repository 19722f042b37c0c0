/** Archives that end by themselves, and who is first to say so. */
import assert from "node:assert/strict";
import type { Chains } from "../../lib/handover/mod.ts";
import { PlatformError } from "../../lib/platform/platform.ts";
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

/** Records for ten seconds, does what is given, then has the archive die. */
async function diedAfterTenSeconds(
  w: World,
  chains: Chains,
  before = () => Promise.resolve(),
): Promise<string> {
  await w.done(chains.start("main", WEEKLY));
  await w.clock.runUntil(w.clock.nowMs + 10_000);
  await before();
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

Deno.test("one that ended unheard is replaced by a sweep while a handover waits for a start", () =>
  inWorld(async (w) => {
    let waits = false;
    const platform: typeof w.seen = {
      ...w.seen,
      startArchive(sessionId, options) {
        if (sessionId === w.room.sessions.primary) return w.seen.startArchive(sessionId, options);
        waits = true;
        return new Promise(() => {});
      },
    };
    const chains = w.process({ platform });
    const id = await diedAfterTenSeconds(w, chains, async () => {
      void chains.handOver("main").catch(() => {});
      await w.clock.runUntil(w.clock.nowMs + 10_000, () => waits);
    });
    void chains.sweep();
    await w.clock.runUntil(w.clock.nowMs + 3_000);
    assert.deepEqual([id, ...w.running()], ["archive-1", "archive-2"]);
  }));

Deno.test("a start that failed and was made after all is found while its handover still runs", () =>
  inWorld(async (w) => {
    const { primary, secondary } = w.room.sessions;
    await w.done(w.store.rooms.update("main", { strategy: "simultaneous" }));
    let listsLag = true;
    const platform: typeof w.seen = {
      ...w.seen,
      async startArchive(sessionId, options) {
        const archive = await w.seen.startArchive(sessionId, options);
        if (options.multiArchiveTag === undefined) return archive;
        throw new PlatformError("conflict", "start an archive", "The SDK's own retry is refused");
      },
      listArchives: async (query) =>
        listsLag ? { total: 0, archives: [] } : await w.seen.listArchives(query),
    };
    const chains = w.process({ platform });
    await w.done(chains.start("main", WEEKLY));
    const handover = chains.handOver("main");
    while (w.running().length < 3) await w.clock.runUntil(w.clock.nowMs + 100);
    // Nobody is left: the interim archive is all that the app knows of, and nothing can be started.
    for (const session of [primary, secondary]) w.platform.publishing(session).clear();
    w.platform.end(w.platform.find("archive-1"), "world", "failure");
    await w.done(chains.hint("archive-1"));
    await w.clock.runUntil(w.clock.nowMs + 10_000);
    listsLag = false;
    const sweep = chains.sweep();
    await w.clock.runUntil(w.clock.nowMs + 1_000);
    const { slots } = (await w.done(w.store.recordings.get("main"))).state ?? {};
    assert.deepEqual(slots, { main: "archive-2", interim: "archive-3", previous: null });
    await w.done(Promise.all([handover, sweep]));
    assert.deepEqual(w.running(), ["archive-2"]);
  }));

Deno.test("an archive in one session's list is taken in although the other session's list fails", () =>
  inWorld(async (w) => {
    const { primary, secondary } = w.room.sessions;
    const platform: typeof w.seen = {
      ...w.seen,
      listArchives: (query) =>
        query.sessionId === secondary
          ? Promise.reject(new PlatformError("unavailable", "list archives", "Down"))
          : w.seen.listArchives(query),
    };
    const chains = w.process({ platform });
    await w.done(chains.start("main", WEEKLY));
    const unseen = { ...ARCHIVE, name: "Weekly", multiArchiveTag: "part-1" };
    const { id } = await w.done(w.platform.start(primary, unseen));
    await w.done(chains.sweep());
    assert.ok(await w.done(w.store.parts.byArchive(id)));
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
