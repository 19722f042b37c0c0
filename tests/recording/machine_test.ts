import assert from "node:assert/strict";
import fc from "fast-check";
import type { Command } from "../../lib/recording/state.ts";
import { Play } from "./support.ts";

/** What is asked for, and of what. */
function ask(command: Command | null): string {
  if (!command) return "nothing";
  if ("archiveId" in command) return `${command.do} ${command.archiveId}`;
  if ("lane" in command) return `${command.do} ${command.lane}`;
  return command.do === "signal" ? `signal ${command.signal}` : command.do;
}

Deno.test("a handover joins, overlaps twice, and never stops what nothing else covers", () => {
  const play = new Play().recording();
  assert.equal(ask(play.event({ type: "handover" })), "signal join");
  assert.equal(play.state.secondaryWanted, true);
  assert.equal(ask(play.answer({})), "count-streams");
  assert.equal(ask(play.answer({ streams: { primary: 2, secondary: 1 } })), "nothing");
  assert.equal(ask(play.pass(500)), "count-streams");
  const all = { primary: 2, secondary: 2 };
  assert.equal(ask(play.answer({ streams: all })), "start-archive secondary");
  assert.equal(ask(play.answer({ archive: play.archive("S") })), "nothing");
  assert.equal(ask(play.pass(1_999)), "nothing");
  assert.equal(ask(play.pass(1)), "get-archive a2");
  assert.equal(ask(play.confirm("a2")), "stop-archive a1");
  assert.equal(ask(play.confirmEnd("a1")), "start-archive primary");
  assert.equal(ask(play.answer({ archive: play.archive("P") })), "nothing");
  assert.equal(ask(play.pass(3_000)), "get-archive a3");
  assert.equal(ask(play.confirm("a3")), "stop-archive a2");
  assert.equal(ask(play.confirmEnd("a2")), "signal leave");
  assert.equal(ask(play.answer({})), "nothing");
  assert.equal(play.failure, null);
  assert.equal(play.state.procedure, null);
  assert.equal(play.state.secondaryWanted, false);
  assert.deepEqual(play.state.slots, { main: "a3", interim: null, previous: null });
  assert.deepEqual(play.state.chain?.gaps, []);
  assert.deepEqual(play.state.tail.map((p) => [p.seq, p.lane]), [
    [0, "primary"],
    [1, "secondary"],
    [2, "primary"],
  ]);
});

Deno.test("a simultaneous handover starts the next archive beside the last, and adds one part", () => {
  const play = new Play().recording("simultaneous");
  const command = play.event({ type: "handover" });
  assert.ok(command?.do === "start-archive" && command.tag !== null && command.lane === "primary");
  play.answer({ archive: play.archive("P") });
  assert.equal(ask(play.pass(3_000)), "get-archive a2");
  assert.equal(ask(play.confirm("a2")), "stop-archive a1");
  play.confirmEnd("a1");
  assert.deepEqual(play.state.slots, { main: "a2", interim: null, previous: null });
  assert.equal(play.failure, null);
});

Deno.test("a platform that refuses tags is handed over on over the secondary session, and it is said", () => {
  const play = new Play().recording("simultaneous");
  play.event({ type: "handover" });
  assert.equal(ask(play.refuse("conflict")), "find-archive primary");
  for (let look = 2; look <= 5; look++) {
    assert.equal(ask(play.answer({})), "nothing", "lists lag");
    assert.equal(ask(play.pass(1_000)), "find-archive primary");
  }
  assert.equal(ask(play.answer({})), "signal join", "the same handover goes on");
  assert.equal(play.state.procedure?.step, "joining");
  assert.equal(play.state.chain?.strategy, "dual-session");
  assert.match(play.state.notice?.text ?? "", /takes no second archive on one session/);
});

Deno.test("a refused start of ours that a lagging list does not show is looked for again, and adopted", () => {
  const play = new Play().recording("simultaneous");
  play.event({ type: "handover" });
  const made = play.archive("P");
  play.refuse("conflict");
  play.answer({});
  assert.equal(ask(play.pass(1_000)), "find-archive primary");
  play.refuse("unavailable");
  assert.equal(ask(play.pass(1_000)), "find-archive primary", "a look that failed shows nothing");
  play.answer({ archive: made });
  assert.deepEqual(play.state.slots, { main: "a2", interim: null, previous: "a1" });
  assert.equal(play.state.chain?.strategy, "simultaneous");
});

Deno.test("a handover that failed is tried again soon, the other way", () => {
  const play = new Play().recording();
  play.joinInVain();
  play.answer({});
  assert.equal(play.failure?.kind, "platform");
  assert.equal(play.state.failedHandovers, 1);
  const command = play.event({ type: "handover" });
  assert.ok(command?.do === "start-archive" && command.tag !== null, "on the same session now");
  play.answer({ archive: play.archive("P", { id: "next" }) });
  play.pass(3_000);
  play.answer({ archive: play.archive("P", { id: "next" }) });
  play.confirmEnd("a1");
  assert.equal(play.failure, null);
  assert.equal(play.state.failedHandovers, 0);
  assert.equal(play.state.chain?.strategy, "dual-session", "the next one begins as chosen");
});

Deno.test("a start whose answer was lost is found and adopted, not made twice", () => {
  const play = new Play();
  play.start();
  assert.equal(ask(play.refuse("timeout")), "find-archive primary");
  play.answer({ archive: play.archive("P", { id: "lost" }) });
  assert.equal(play.state.slots.main, "lost");
  assert.equal(play.state.chain?.state, "recording");
});

Deno.test("a start that is refused because nobody publishes says so", () => {
  const play = new Play();
  play.start();
  assert.equal(ask(play.refuse("not-found")), "count-streams");
  play.answer({ streams: { primary: 0, secondary: 0 } });
  assert.equal(play.failure?.kind, "nobody-in-call");
  assert.equal(play.state.chain, null);
  assert.equal(play.last?.chain, null, "a chain that never recorded is not kept");
});

Deno.test("a command of a process that is gone counts as unknown and is looked up", () => {
  const play = new Play().recording();
  play.event({ type: "stop" });
  assert.equal(ask(play.state.pending?.command ?? null), "stop-archive a1");
  play.refuse("lost");
  assert.equal(ask(play.pass(0)), "get-archive a1");
  play.confirmEnd("a1");
  assert.equal(play.failure, null);
  assert.equal(play.state.chain, null);
});

Deno.test("what is missing of an archive that we stopped is not told as its own end", () => {
  const play = new Play().recording();
  play.nowMs += 10_000;
  play.startInterim();
  play.pass(2_000);
  play.confirm("a2");
  assert.equal(ask(play.state.pending?.command ?? null), "stop-archive a1");
  // The callback of our own stop is faster than its answer; the file is 5 s shorter than it ran.
  const early = { ...play.ended("a1"), durationSeconds: 7 };
  play.seen(early);
  const [gap] = play.state.chain?.gaps ?? [];
  assert.equal(gap?.cause, "The archive was stopped in time, but its last moments are missing");
});

Deno.test("what is missing after an archive that ended by itself is told with the reason", () => {
  const play = new Play().recording();
  play.nowMs += 5_000;
  play.seen(play.ended("a1", "user initiated"));
  assert.equal(
    play.state.chain?.gaps[0]?.cause,
    "The archive ended by itself (user initiated)",
    "somebody else stopped it, by the platform's own means",
  );
});

Deno.test("a handover that nobody joins is undone and the recording goes on", () => {
  const play = new Play().recording();
  assert.equal(ask(play.joinInVain()), "signal leave");
  play.answer({});
  assert.match(play.failure?.message ?? "", /Nobody joined the secondary session in time/);
  assert.match(play.state.notice?.text ?? "", /recording goes on/);
  assert.equal(play.state.slots.main, "a1");
});

Deno.test("an interim archive that dies in the overlap leaves the previous one recording", () => {
  const play = new Play().recording();
  play.startInterim();
  play.pass(2_000);
  assert.equal(ask(play.answer({ archive: play.ended("a2", "failure") })), "signal leave");
  play.answer({});
  assert.equal(play.failure?.kind, "platform");
  assert.equal(play.state.slots.main, "a1");
});

Deno.test("an archive that ends by itself is replaced at once and the gap is written down", () => {
  const play = new Play().recording();
  play.nowMs += 60_000;
  const dead = play.ended("a1", "maximum duration exceeded");
  play.nowMs += 4_000;
  assert.equal(ask(play.seen(dead)), "start-archive primary");
  assert.equal(play.state.chain?.gaps.at(-1)?.toMs, null);
  play.nowMs += 1_000;
  play.answer({ archive: play.archive("P") });
  assert.deepEqual(play.state.chain?.gaps, [{
    fromMs: 1_060_000,
    toMs: 1_065_000,
    cause: "The archive ended by itself (maximum duration exceeded)",
  }]);
  assert.equal(play.state.procedure, null);
});

Deno.test("a recording that primary refuses goes on on secondary", () => {
  const play = new Play().recording();
  play.nowMs += 60_000;
  play.seen(play.ended("a1", "failure"));
  let command = play.refuse("rate-limited");
  for (let i = 0; i < 50 && ask(command) !== "start-archive secondary"; i++) {
    if (command?.do === "count-streams") {
      command = play.answer({ streams: { primary: 1, secondary: 1 } });
    } else if (command?.do === "signal") command = play.answer({});
    else command = command ? play.refuse("rate-limited") : play.pass(5_000);
  }
  assert.equal(ask(command), "start-archive secondary");
  assert.equal(ask(play.answer({ archive: play.archive("S") })), "start-archive primary");
  assert.equal(play.state.procedure?.step, "starting-next");
});

Deno.test("Stop in the middle of a handover stops everything and lets clients leave", () => {
  const play = new Play().recording();
  play.startInterim();
  assert.equal(ask(play.event({ type: "stop" })), "stop-archive a2");
  assert.equal(ask(play.confirmEnd("a2")), "stop-archive a1");
  assert.equal(ask(play.confirmEnd("a1")), "signal leave");
  play.answer({});
  assert.equal(play.state.chain, null);
  assert.equal(play.state.lastChain?.state, "stopped");
  assert.deepEqual(play.state.outcomes.map((o) => [o.kind, o.failure?.kind ?? "done"]), [
    ["start", "done"],
    ["handover", "conflict"],
    ["stop", "done"],
  ]);
});

Deno.test("Stop forgets none of the archives that turn up while a start in doubt is looked for", () => {
  const play = new Play();
  play.start();
  assert.equal(ask(play.event({ type: "stop" })), "find-archive primary");
  const made = play.archive("P");
  play.seen(made);
  play.seen(play.archive("S"));
  play.answer({ archive: made });
  assert.deepEqual(play.state.slots, { main: null, interim: "a1", previous: "a2" });
});

Deno.test("pressing anything twice changes nothing", () => {
  const play = new Play().recording();
  for (const type of ["handover", "stop"] as const) {
    play.event({ type });
    const before = structuredClone(play.state);
    play.event({ type });
    assert.deepEqual(play.state, before);
  }
});

Deno.test("a chain hands over by itself when its archive is old enough", () => {
  const play = new Play().recording();
  const running = (ms: number) => {
    play.pass(ms);
    return play.state.procedure?.kind ?? null;
  };
  assert.equal(running(599_999), null);
  assert.equal(running(1), "handover");
});

Deno.test("whatever comes, nothing is stopped that nothing else covers, and nothing runs unseen", () => {
  const refusal = fc.constantFrom(
    ...["timeout", "conflict", "not-found", "rate-limited", "unavailable", "lost"] as const,
  );
  const press = fc.constantFrom("handover" as const, "start" as const, "stop" as const);
  const move = fc.oneof(
    { weight: 8, arbitrary: fc.constant({ go: "well" as const }) },
    { weight: 2, arbitrary: fc.record({ go: fc.constant("bad" as const), kind: refusal }) },
    { weight: 3, arbitrary: fc.record({ go: fc.constant("wait" as const), ms: fc.nat(15_000) }) },
    { weight: 1, arbitrary: fc.record({ go: fc.constant("death" as const), which: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ go: press }) },
    {
      weight: 1,
      arbitrary: fc.record({
        go: fc.constant("turns-up" as const),
        session: fc.constantFrom("P", "S"),
        known: fc.boolean(),
      }),
    },
  );
  fc.assert(
    fc.property(fc.array(move, { maxLength: 80 }), (moves) => {
      const play = new Play().recording();
      for (const step of moves) {
        play.nowMs += 10;
        const pending = play.state.pending?.command;
        const running = play.state.tail.filter((p) => p.endedAtMs === null);
        // One that is heard of apart from its start's answer, which may come afterwards.
        const turnsUp = (session: string, known: boolean) => {
          const part = known ? running.find((p) => p.sessionId === session) : undefined;
          return play.archive(session, part && { id: part.archiveId });
        };
        if (step.go === "handover" || step.go === "stop") play.event({ type: step.go });
        else if (step.go === "turns-up") play.seen(turnsUp(step.session, step.known));
        else if (step.go === "start") play.start("dual-session", "x");
        else if (step.go === "wait") play.pass(step.ms);
        else if (step.go === "death") {
          const part = running[step.which % Math.max(1, running.length)];
          if (part) play.seen(play.ended(part.archiveId, "failure"));
        } else if (!pending) play.pass(1_000);
        else if (step.go === "bad") play.refuse(step.kind);
        else if (pending.do === "start-archive") {
          play.answer({ archive: play.archive(pending.sessionId) });
        } else if (pending.do === "count-streams") {
          play.answer({ streams: { primary: 1, secondary: 1 } });
        } else if (pending.do === "stop-archive") play.confirmEnd(pending.archiveId);
        else if (pending.do === "get-archive") play.confirm(pending.archiveId);
        else if (pending.do === "find-archive") {
          const session = pending.lane === "primary" ? "P" : "S";
          play.answer({ archive: turnsUp(session, running.length % 2 === 0) });
        } else play.answer({});
        const asked = play.last?.commands[0];
        if (asked?.do === "stop-archive" && play.state.procedure?.step !== "stopping") {
          const { main, interim } = play.state.slots;
          const cover = [main, interim].filter((id) => id !== null && id !== asked.archiveId);
          assert.ok(cover.length > 0, `${asked.archiveId} was stopped, nothing covers`);
        }
        const held = Object.values(play.state.slots).filter((id) => id !== null).toSorted();
        const runs = play.state.tail.filter((p) => p.endedAtMs === null).map((p) => p.archiveId);
        assert.deepEqual(held, runs.toSorted(), "What runs is what the slots hold");
        assert.ok(
          !play.state.procedure || play.state.pending || play.state.procedure.wakeAtMs !== null,
          `${play.state.procedure?.step} waits for nothing`,
        );
      }
    }),
    { numRuns: 300, seed: 7 },
  );
});
