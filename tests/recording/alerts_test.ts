import assert from "node:assert/strict";
import { Play } from "./support.ts";

const told = (play: Play) => play.state.alerts.map((a) => [a.kind, a.fromMs, a.toMs]);

/** A handover that nobody joins, to its end. */
function failHandover(play: Play) {
  play.event({ type: "handover" });
  if (play.state.procedure?.step === "starting-next") {
    for (let i = 0; i < 3; i++) {
      play.refuse("rate-limited");
      play.pass(5_000);
    }
    return;
  }
  play.answer({});
  play.nowMs += 10_000;
  play.answer({ streams: { primary: 1, secondary: 0 } });
  play.answer({});
}

Deno.test("an uncovered moment is one alert, open while it lasts, with its length afterwards", () => {
  const play = new Play().recording();
  play.nowMs += 60_000;
  const dead = play.ended("a1", "failure");
  play.nowMs += 4_000;
  play.event({ type: "seen", archive: dead });
  assert.deepEqual(told(play), [["uncovered", 1_060_000, null]]);
  assert.equal(
    play.state.alerts[0]?.text,
    "Nothing is being recorded. The archive ended by itself (failure)",
  );
  play.refuse("rate-limited");
  play.nowMs += 1_000;
  play.event({ type: "seen", archive: play.archive("P") });
  assert.deepEqual(told(play), [["uncovered", 1_060_000, 1_065_000]]);
  assert.match(play.state.alerts[0]?.text ?? "", /^5\.0 s were not recorded\./);
});

Deno.test("a second gap is an alert of its own", () => {
  const play = new Play().recording();
  for (const at of [60_000, 120_000]) {
    play.nowMs = 1_000_000 + at;
    play.event({ type: "seen", archive: play.ended(play.state.slots.main ?? "", "failure") });
    play.nowMs += 3_000;
    play.answer({ archive: play.archive("P") });
  }
  assert.deepEqual(told(play), [
    ["uncovered", 1_060_000, 1_063_000],
    ["uncovered", 1_120_000, 1_123_000],
  ]);
  assert.equal(new Set(play.state.alerts.map((a) => a.id)).size, 2);
});

Deno.test("an archive that ends by itself while another records is an alert, though nothing is lost", () => {
  const play = new Play().recording();
  play.nowMs += 10_000;
  play.event({ type: "handover" });
  play.answer({});
  play.answer({ streams: { primary: 1, secondary: 1 } });
  play.answer({ archive: play.archive("S") });
  play.nowMs += 1_000;
  play.event({ type: "seen", archive: play.ended("a1", "server rotation") });
  assert.deepEqual(told(play), [["archive-ended", play.nowMs, play.nowMs]]);
  assert.match(play.state.alerts[0]?.text ?? "", /ended by itself \(server rotation\)/);
});

Deno.test("what this app stops itself is no alert, nor is a handover, nor Stop", () => {
  const play = new Play().recording();
  play.nowMs += 10_000;
  play.event({ type: "handover" });
  play.answer({});
  play.answer({ streams: { primary: 1, secondary: 1 } });
  play.answer({ archive: play.archive("S") });
  play.pass(2_000);
  play.answer({ archive: play.archive("S", { id: "a2" }) });
  play.answer({ archive: play.ended("a1") });
  play.event({ type: "stop" });
  while (play.state.procedure) {
    const command = play.state.pending?.command;
    if (!command) play.pass(1_000);
    else if ("archiveId" in command) play.answer({ archive: play.ended(command.archiveId) });
    else play.answer({});
  }
  assert.deepEqual(told(play), []);
});

Deno.test("handovers that fail several times are an alert until one works", () => {
  const play = new Play().recording();
  play.nowMs += 10_000;
  failHandover(play);
  assert.deepEqual(told(play), [], "one failure is a notice");
  failHandover(play);
  assert.deepEqual(play.state.alerts.map((a) => [a.kind, a.toMs]), [["handover-failing", null]]);
  play.event({ type: "handover" });
  play.answer({});
  play.answer({ streams: { primary: 1, secondary: 1 } });
  play.answer({ archive: play.archive("S") });
  play.pass(2_000);
  play.answer({ archive: play.archive("S", { id: play.state.slots.interim ?? "" }) });
  play.answer({ archive: play.ended("a1") });
  play.answer({ archive: play.archive("P") });
  const next = play.state.slots.main ?? "";
  play.pass(3_000);
  play.answer({ archive: play.archive("P", { id: next }) });
  play.answer({ archive: play.ended(play.state.slots.interim ?? "") });
  play.answer({});
  assert.equal(play.state.procedure, null);
  assert.equal(play.state.alerts[0]?.toMs, play.nowMs);
});

Deno.test("an archive that grows too old is an alert well before the platform ends it", () => {
  const play = new Play().recording();
  play.state.handOverAgainAtMs = Infinity;
  play.pass(64 * 60_000);
  assert.deepEqual(told(play), []);
  play.pass(60_000);
  assert.deepEqual(play.state.alerts.map((a) => a.kind), ["limit-near"], "10 min due, 120 the end");
});

Deno.test("a call that nobody publishes in is an alert until somebody does", () => {
  const play = new Play().recording();
  const seen = (status: "paused" | "started") =>
    play.event({ type: "seen", archive: play.archive("P", { id: "a1", status }) });
  seen("paused");
  seen("paused");
  assert.deepEqual(told(play), [["paused", play.nowMs, null]]);
  play.nowMs += 5_000;
  seen("started");
  assert.deepEqual(told(play), [["paused", play.nowMs - 5_000, play.nowMs]]);
});

Deno.test("alerts that are open end with their chain, and no more than twenty are kept", () => {
  const play = new Play().recording();
  for (let i = 0; i < 30; i++) {
    play.nowMs += 60_000;
    play.event({ type: "seen", archive: play.ended(play.state.slots.main ?? "", "failure") });
    play.nowMs += 3_000;
    if (i < 29) play.answer({ archive: play.archive("P") });
  }
  assert.equal(play.state.alerts.length, 20);
  assert.equal(play.state.alerts.at(-1)?.toMs, null);
  play.event({ type: "stop" });
  for (let i = 0; i < 20 && play.state.procedure; i++) {
    if (play.state.pending) play.answer({});
    else play.pass(1_000);
  }
  assert.equal(play.state.chain, null);
  assert.ok(play.state.alerts.every((alert) => alert.toMs !== null));
});

Deno.test("a gap that only the files show is an alert, and one that they show better is no second", () => {
  const play = new Play().recording();
  play.nowMs += 60_000;
  play.event({ type: "seen", archive: play.ended("a1", "failure") });
  play.nowMs += 3_000;
  play.answer({ archive: play.archive("P", { id: "a2" }) });
  const measure = (archiveId: string, startedAtMs: number, durationMs: number) => {
    const part = play.state.tail.find((p) => p.archiveId === archiveId);
    assert.ok(part);
    const exact = { startSource: "file" as const, startUncertaintyMs: 20 };
    const endedAtMs = startedAtMs + durationMs;
    play.event({
      type: "measured",
      part: { ...part, ...exact, startedAtMs, durationMs, endedAtMs },
    });
  };
  measure("a1", 1_000_000, 59_500);
  assert.deepEqual(told(play), [["uncovered", 1_059_500, 1_063_000]], "the same gap, known better");
  assert.match(play.state.alerts[0]?.text ?? "", /^3\.5 s were not recorded/);

  play.nowMs += 60_000;
  play.event({ type: "handover" });
  play.answer({});
  play.answer({ streams: { primary: 1, secondary: 1 } });
  play.answer({ archive: play.archive("S", { id: "a3" }) });
  play.pass(2_000);
  play.answer({ archive: play.archive("S", { id: "a3" }) });
  play.answer({ archive: play.ended("a2") });
  assert.equal(told(play).length, 1);
  measure("a2", 1_063_000, 59_000);
  assert.equal(told(play).length, 1, "a second may come from the whole seconds of the other");
  play.answer({ archive: play.archive("P", { id: "a4" }) });
  play.pass(3_000);
  play.answer({ archive: play.archive("P", { id: "a4" }) });
  play.answer({ archive: play.ended("a3") });
  measure("a3", 1_123_100, 5_000);
  assert.deepEqual(told(play)[1], ["uncovered", 1_122_000, 1_123_100]);
  assert.equal(told(play).length, 2);
  assert.deepEqual(play.state.chain?.gaps.length, 2);
});
