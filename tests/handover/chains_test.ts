import assert from "node:assert/strict";
import { openRoom } from "../../lib/handover/mod.ts";
import type { RoomView } from "../../lib/recording/views.ts";
import { inWorld, WEEKLY } from "./world.ts";

/** Of a file in which nothing is missing. */
const NOTHING_LOST = { gaps: [], losses: null };

Deno.test("start(), handOver() and stop() make one chain of three overlapping parts", () =>
  inWorld(async ({ platform, store, done, recording, running }) => {
    const { chains, chain } = await recording();
    assert.equal(chain.state, "recording");
    await done(chains.handOver("main"));
    assert.equal(running().length, 1);
    const stopped = await done(chains.stop("main"));
    assert.equal(stopped.id, chain.id);
    assert.equal(stopped.state, "stopped");
    assert.deepEqual(stopped.gaps, []);
    assert.deepEqual(running(), []);
    const [a, b, c] = platform.archives;
    assert.ok(a?.endMs && b?.endMs && c?.endMs);
    assert.ok(a.endMs - b.startMs >= 2_000, "previous and interim overlap");
    assert.ok(b.endMs - c.startMs >= 2_000, "interim and next overlap");
    const parts = await store.parts.list(chain.id);
    assert.deepEqual(parts.map((p) => [p.lane, p.endedAtMs === null]), [
      ["primary", false],
      ["secondary", false],
      ["primary", false],
    ]);
  }));

Deno.test("two processes that start, hand over and stop at once do each once", () =>
  inWorld(async ({ platform, store, done, process }) => {
    const [one, two] = [process(), process()];
    const started = await done(Promise.all([one.start("main", WEEKLY), two.start("main", WEEKLY)]));
    assert.equal(started[0].id, started[1].id);
    await done(Promise.all([one.handOver("main"), two.handOver("main"), one.handOver("main")]));
    assert.equal(platform.archives.length, 3);
    const stopped = await done(Promise.all([one.stop("main"), two.stop("main")]));
    assert.equal(stopped[0].id, stopped[1].id);
    assert.equal((await done(two.stop("main"))).state, "stopped", "once more is the same");
    assert.equal((await done(store.chains.list())).items.length, 1);
  }));

Deno.test("start() while it is being stopped waits, and starts a new chain", () =>
  inWorld(async ({ done, recording }) => {
    const { chains, chain: first } = await recording();
    const [stopped, second] = await done(
      Promise.all([chains.stop("main"), chains.start("main", { ...WEEKLY, name: "Next" })]),
    );
    assert.equal(stopped.id, first.id);
    assert.notEqual(second.id, first.id);
    assert.equal(second.state, "recording");
  }));

Deno.test("stop() during a handover stops everything; the handover ends as a conflict", () =>
  inWorld(async ({ pass, done, recording, running }) => {
    const { chains } = await recording();
    const handover = chains.handOver("main");
    handover.catch(() => {});
    await pass(2_000);
    await done(chains.stop("main"));
    assert.deepEqual(running(), []);
    await assert.rejects(done(handover), { name: "ChainError", kind: "conflict" });
    assert.equal((await done(chains.view("main"))).secondaryWanted, false);
  }));

Deno.test("start() with nobody in the call says so and leaves no chain", () =>
  inWorld(async ({ platform, store, room, done, process }) => {
    platform.publishing(room.sessions.primary).clear();
    await assert.rejects(done(process().start("main", WEEKLY)), { kind: "nobody-in-call" });
    assert.deepEqual((await done(store.chains.list())).items, []);
  }));

Deno.test("verbs need a room that exists and a recording that runs", () =>
  inWorld(async ({ done, process }) => {
    const chains = process();
    await assert.rejects(done(chains.start("nowhere", WEEKLY)), { kind: "not-found" });
    await assert.rejects(done(chains.handOver("main")), { kind: "not-found" });
    await assert.rejects(done(chains.stop("main")), { kind: "not-found" });
    const view = await done(chains.view("main"));
    assert.deepEqual([view.chain, view.procedure, view.parts], [null, null, []]);
  }));

Deno.test("hint() of an archive that died has it replaced at once", () =>
  inWorld(async ({ store, pass, done, recording, killFirst, running }) => {
    const { chains, chain } = await recording();
    await pass(10_000);
    const dead = killFirst();
    // Longer than what whole seconds can hide.
    await pass(2_000);
    await done(chains.hint(dead.id));
    await pass(3_000);
    assert.equal(running().length, 1);
    const after = await done(store.chains.get(chain.id));
    assert.equal(after?.gaps.length, 1);
    assert.match(after?.gaps[0]?.cause ?? "", /failure/);
  }));

Deno.test("hintRoom() finds what died, however often it is told, and looks once a second", () =>
  inWorld(async ({ watch, pass, done, recording, killFirst, running }) => {
    const { chains } = await recording();
    await pass(10_000);
    let reads = 0;
    watch.note = (line) => {
      if (line.includes(": get archive-")) reads++;
    };
    const hints = Array.from({ length: 50 }, () => chains.hintRoom("main"));
    killFirst();
    await done(Promise.all(hints));
    await pass(3_000);
    assert.equal(running().length, 1, "the hint after the look that missed it is not lost");
    assert.ok(reads <= 3, `${reads} reads for 50 hints`);
    await done(chains.hintRoom("nowhere"));
  }));

Deno.test("sweep() resumes what a process that is gone left half done", () =>
  inWorld(async ({ store, pass, done, process, recording, running }) => {
    const { chains: gone, chain } = await recording({ sleep: () => new Promise(() => {}) });
    gone.handOver("main").catch(() => {});
    await pass(20_000);
    assert.notEqual((await done(store.recordings.get("main"))).state?.procedure, null);
    const other = process();
    await done(other.sweep());
    assert.equal((await done(other.view("main"))).procedure, null);
    assert.equal(running().length, 1);
    assert.equal((await done(store.parts.list(chain.id))).length, 3);
  }));

Deno.test("sweep() hands over when the archive is old enough", () =>
  inWorld(async ({ clock, platform, done, recording }) => {
    const { chains } = await recording();
    const view = await done(chains.view("main"));
    const started = platform.archives[0]?.startMs ?? 0;
    assert.equal(view.nextHandoverAtMs, Math.floor(started / 1000) * 1000 + 600_000);
    await clock.runUntil(started + 590_000);
    await done(chains.sweep());
    assert.equal(platform.archives.length, 1);
    await clock.runUntil(started + 600_000);
    await done(chains.sweep());
    assert.equal(platform.archives.length, 3);
  }));

Deno.test("a file's own facts replace the platform's whole seconds", () =>
  inWorld(async ({ platform, store, pass, done, recording }) => {
    const { chains, chain } = await recording({
      readFile: () => Promise.resolve({ durationMs: 5_432.1, epochMs: 123.5, ...NOTHING_LOST }),
    });
    await done(chains.stop("main"));
    await pass(10_000);
    await done(chains.sweep());
    const [part] = await done(store.parts.list(chain.id));
    assert.equal(part?.status, "available");
    assert.deepEqual([part?.durationMs, part?.startedAtMs], [5_432.1, 123.5]);
    assert.equal(part?.startSource, "file");
    assert.equal((await done(store.parts.unsettled())).items.length, 0);
    assert.equal(platform.archives.length, 1);
  }));

Deno.test("a file that cannot be read is tried five times and is no error of the chain", () =>
  inWorld(async ({ store, pass, done, recording }) => {
    let reads = 0;
    const { chains, chain } = await recording({
      readFile: () => {
        reads++;
        return Promise.reject(new Error("No such file"));
      },
    });
    await done(chains.stop("main"));
    await pass(10_000);
    for (let i = 0; i < 8; i++) await done(chains.sweep());
    assert.equal(reads, 5);
    assert.equal((await done(store.parts.list(chain.id)))[0]?.startSource, "platform");
  }));

Deno.test("watch() tells every change, of other processes too, and ends with its signal", () =>
  inWorld(async ({ pass, done, process }) => {
    const [watching, working] = [process(), process()];
    const stop = new AbortController();
    const views: RoomView[] = [];
    const watched = (async () => {
      for await (const view of watching.watch("main", stop.signal)) views.push(view);
    })();
    await done(working.start("main", WEEKLY));
    await pass(2_000);
    await done(working.handOver("main"));
    await pass(2_000);
    stop.abort();
    await done(watched);
    assert.equal(views[0]?.chain, null);
    const steps = new Set(views.map((view) => view.procedure?.step));
    assert.ok(steps.has("overlapping-interim") && steps.has("overlapping-next"));
    assert.ok(views.some((view) => view.secondaryWanted));
    assert.equal(views.at(-1)?.procedure, null);
    assert.equal(views.at(-1)?.parts.length, 3);
    assert.equal(views.at(-1)?.streams, 1);
    assert.equal((await done(watching.view("main"))).streams, 1, "as who is watched knows it");
  }));

Deno.test("watch() has a handover go on whose process is gone", () =>
  inWorld(async ({ platform, store, pass, done, process, recording }) => {
    const { chains: gone } = await recording({ sleep: () => new Promise(() => {}) });
    gone.handOver("main").catch(() => {});
    await pass(2_000);
    const stop = new AbortController();
    const watched = (async () => {
      for await (const _ of process().watch("main", stop.signal));
    })();
    await pass(25_000);
    stop.abort();
    await done(watched);
    assert.equal((await done(store.recordings.get("main"))).state?.procedure, null);
    assert.equal(platform.archives.length, 3);
  }));

Deno.test("close() hands back what runs: another process goes on without waiting for the lease", () =>
  inWorld(async ({ platform, pass, done, process, recording, running }) => {
    const { chains: one } = await recording();
    one.handOver("main").catch(() => {});
    await pass(2_000);
    await done(one.close(), 5_000);
    await done(process().sweep(), 12_000);
    assert.equal(platform.archives.length, 3);
    assert.equal(running().length, 1);
  }));

Deno.test("openRoom() makes a room's sessions once, and uses the ones it is given for main", () =>
  inWorld(async ({ store, seen, room, done }) => {
    const other = await done(openRoom({ store, platform: seen }, "other", "Other room"));
    assert.deepEqual(await done(openRoom({ store, platform: seen }, "other")), other);
    assert.equal(other.title, "Other room");
    const given = { primary: "given-1", secondary: "given-2" };
    const main = await done(openRoom({ store, platform: seen, mainSessions: given }, "main"));
    assert.deepEqual(main, { ...room, sessions: given });
    const untouched = await done(openRoom({ store, platform: seen, mainSessions: given }, "other"));
    assert.deepEqual(untouched.sessions, other.sessions);
  }));

Deno.test("processes that open a new room at once agree on its sessions", () =>
  inWorld(async ({ store, seen, done }) => {
    const open = () => openRoom({ store, platform: seen }, "other");
    const [first, ...others] = await done(Promise.all([open(), open(), open(), open()]));
    for (const room of others) assert.deepEqual(room, first);
    assert.deepEqual(await done(open()), first);
  }));

Deno.test("view() counts the gaps anew with what the files of ended parts tell", () =>
  inWorld(async ({ clock, platform, pass, done, recording }) => {
    const startMs = () => platform.archives[0]?.startMs ?? 0;
    const { chains } = await recording({
      // The first archive's file ends two seconds before the next one begins.
      readFile: () => Promise.resolve({ durationMs: 8_000, epochMs: startMs(), ...NOTHING_LOST }),
    });
    await pass(10_000);
    await done(chains.handOver("main"));
    assert.deepEqual((await done(chains.view("main"))).chain?.gaps, []);
    const [first] = platform.archives;
    assert.ok(first);
    await clock.runUntil(first.availableAtMs + 1_000);
    await done(chains.hint(first.id));
    const [gap] = (await done(chains.view("main"))).chain?.gaps ?? [];
    assert.equal(gap?.fromMs, startMs() + 8_000);
    assert.match(gap?.cause ?? "", /its last moments are missing/);
  }));

Deno.test("what a file says is missing in it is noted with its part and lowers the continuity", () =>
  inWorld(async ({ clock, platform, store, pass, done, recording }) => {
    const startMs = () => platform.archives[0]?.startMs ?? 0;
    const losses = { framesNotDelivered: 3, framesDropped: 2 };
    const gaps = () => [{ fromMs: startMs() + 4_000, toMs: startMs() + 6_000 }];
    const { chains, chain: { id } } = await recording({
      readFile: () =>
        Promise.resolve({ durationMs: 20_000, epochMs: startMs(), gaps: gaps(), losses }),
    });
    await clock.runUntil(startMs() + 20_000);
    await done(chains.stop("main"));
    await pass(10_000);
    await done(chains.sweep());
    const [part] = await done(store.parts.list(id));
    assert.deepEqual([part?.gaps, part?.losses], [gaps(), losses]);
    const stopped = await done(store.chains.get(id));
    const [{ fromMs, toMs } = assert.fail()] = stopped?.gaps ?? [];
    assert.deepEqual([{ fromMs, toMs }], gaps());
    assert.ok(stopped?.continuity !== undefined && stopped.continuity < 1);
  }));
