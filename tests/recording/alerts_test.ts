import assert from "node:assert/strict";
import { Play } from "./support.ts";

const told = (play: Play) => play.state.alerts.map((a) => [a.kind, a.fromMs, a.toMs]);

/** The main archive fails, and is replaced `ms` later. */
function replaceAfter(play: Play, ms: number) {
  play.seen(play.ended(play.state.slots.main ?? "", "failure"));
  play.nowMs += ms;
  play.answer({ archive: play.archive("P") });
}

/** A handover that fails: nobody joins, or the platform refuses to start beside an archive. */
function failHandover(play: Play) {
  if (play.state.failedHandovers === 0) {
    play.joinInVain();
    play.answer({});
    return;
  }
  play.event({ type: "handover" });
  for (let i = 0; i < 3; i++) {
    play.refuse("rate-limited");
    play.pass(5_000);
  }
}

Deno.test("an uncovered moment is one alert, open while it lasts, with its length afterwards", () => {
  const play = new Play().recording();
  play.nowMs += 60_000;
  const dead = play.ended("a1", "failure");
  play.nowMs += 4_000;
  play.seen(dead);
  assert.deepEqual(told(play), [["uncovered", 1_060_000, null]]);
  assert.equal(
    play.state.alerts[0]?.text,
    "Nothing is being recorded. The archive ended by itself (failure)",
  );
  play.refuse("rate-limited");
  play.nowMs += 1_000;
  play.seen(play.archive("P"));
  assert.deepEqual(told(play), [["uncovered", 1_060_000, 1_065_000]]);
  assert.match(play.state.alerts[0]?.text ?? "", /^5\.0 s were not recorded\./);
});

Deno.test("a second gap is an alert of its own", () => {
  const play = new Play().recording();
  for (const at of [60_000, 120_000]) {
    play.nowMs = 1_000_000 + at;
    replaceAfter(play, 3_000);
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
  play.startInterim();
  play.nowMs += 1_000;
  play.seen(play.ended("a1", "server rotation"));
  assert.deepEqual(told(play), [["archive-ended", play.nowMs, play.nowMs]]);
  assert.match(play.state.alerts[0]?.text ?? "", /ended by itself \(server rotation\)/);
});

Deno.test("what this app stops itself is no alert, nor is a handover, nor Stop", () => {
  const play = new Play().recording();
  play.nowMs += 10_000;
  play.startInterim();
  play.pass(2_000);
  play.confirm("a2");
  play.confirmEnd("a1");
  play.event({ type: "stop" });
  while (play.state.procedure) {
    const command = play.state.pending?.command;
    if (!command) play.pass(1_000);
    else if ("archiveId" in command) play.confirmEnd(command.archiveId);
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
  play.startInterim();
  play.pass(2_000);
  const interim = play.state.slots.interim ?? "";
  play.confirm(interim);
  play.confirmEnd("a1");
  play.answer({ archive: play.archive("P") });
  play.pass(3_000);
  play.confirm(play.state.slots.main ?? "");
  play.confirmEnd(interim);
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
  const seen = (status: "paused" | "started") => play.seen(play.archive("P", { id: "a1", status }));
  seen("paused");
  seen("paused");
  assert.deepEqual(told(play), [["paused", play.nowMs, null]]);
  play.nowMs += 5_000;
  seen("started");
  assert.deepEqual(told(play), [["paused", play.nowMs - 5_000, play.nowMs]]);
});

Deno.test("alerts that are open end with their chain, and no more than twenty are kept", () => {
  const play = new Play().recording();
  for (let i = 0; i < 29; i++) {
    play.nowMs += 60_000;
    replaceAfter(play, 3_000);
  }
  play.nowMs += 60_000;
  play.seen(play.ended(play.state.slots.main ?? "", "failure"));
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
  replaceAfter(play, 3_000);
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
  play.startInterim();
  play.pass(2_000);
  play.confirm("a3");
  play.confirmEnd("a2");
  assert.equal(told(play).length, 1);
  measure("a2", 1_063_000, 59_000);
  assert.equal(told(play).length, 1, "a second may come from the whole seconds of the other");
  play.answer({ archive: play.archive("P") });
  play.pass(3_000);
  play.confirm("a4");
  play.confirmEnd("a3");
  measure("a3", 1_123_100, 5_000);
  assert.deepEqual(told(play)[1], ["uncovered", 1_122_000, 1_123_100]);
  assert.equal(told(play).length, 2);
  assert.deepEqual(play.state.chain?.gaps.length, 2);
});
