import assert from "node:assert/strict";
import { type ReadonlySignal, signal } from "@preact/signals";
import { Call } from "../../lib/call/call.ts";
import { CallError, problemOf } from "../../lib/call/errors.ts";
import type { Participant } from "../../lib/call/people.ts";
import { type Join, joinSchema, type RoomView, roomViewSchema } from "../../lib/recording/views.ts";
import { letRun } from "../support/people.ts";
import { FakePlatform, fakeStream } from "./fake_platform.ts";

const LIMITS = { connectMs: [30, 30], publishMs: 30, subscribeMs: 30 };

function viewOf(secondaryWanted: boolean): RoomView {
  return roomViewSchema.parse({
    room: "main",
    nowMs: 0,
    secondaryWanted,
    chain: null,
    parts: [],
    procedure: null,
    nextHandoverAtMs: null,
    alerts: [],
    notice: null,
  });
}

function setUp() {
  const platform = new FakePlatform();
  const view = signal<RoomView | null>(viewOf(false));
  const entered: Join[] = [];
  const hints = { count: 0 };
  const call = new Call({
    enter() {
      const n = entered.length + 1;
      const entry = (sessionId: string) => ({ sessionId, token: `${sessionId}-${n}` });
      entered.push(joinSchema.parse({
        room: "main",
        title: "Main",
        role: "participant",
        apiKey: "k",
        client: "loopback",
        primary: entry("primary"),
        secondary: entry("secondary"),
      }));
      return Promise.resolve(entered[n - 1] ?? assert.fail());
    },
    load: () => Promise.resolve(platform.client),
    view,
    hint: () => hints.count++,
    limits: LIMITS,
    rejoinPausesMs: [0, 0],
  });
  const [primary, secondary] = [platform.session("primary"), platform.session("secondary")];
  return { platform, view, call, entered, hints, primary, secondary };
}

function until<T>(watched: ReadonlySignal<T>, done: (value: T) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = watched.subscribe((value) => {
      if (!done(value)) return;
      resolve();
      queueMicrotask(() => stop());
    });
  });
}
const untilState = (call: Call, state: string) => until(call.state, (now) => now === state);
const untilSecondary = (call: Call, state: string) => until(call.secondary, (now) => now === state);

Deno.test("a call sends clones of the tracks, and leaves nothing behind", async () => {
  const { platform, call, primary } = setUp();
  await call.join(platform.source);
  assert.equal(call.state.value, "joined");
  assert.equal(primary.published.size, 1);
  const [clone] = platform.camera.clones;
  assert.ok(clone);
  await call.leave();
  assert.equal(call.state.value, "left");
  assert.equal(primary.connected, false);
  assert.equal(primary.handlerCount, 0);
  assert.equal(clone.stopped, true);
  assert.equal(platform.camera.stopped, false, "the preview goes on");
});

Deno.test("a call without camera and microphone joins and sends nothing", async () => {
  const { platform, call, primary } = setUp();
  await call.join({ ...platform.source, camera: null, microphone: null });
  assert.equal(call.state.value, "joined");
  assert.equal(primary.published.size, 0);
  await call.leave();
});

Deno.test("an unanswered first connection is broken off and made again", async () => {
  const { platform, call, primary } = setUp();
  primary.connectAnswers.push("never");
  await call.join(platform.source);
  assert.equal(call.state.value, "joined");
  assert.equal(primary.tokens.length, 2);
  await call.leave();
});

Deno.test("a refused connection fails in words, and can be tried again", async () => {
  const { platform, call, primary } = setUp();
  primary.connectAnswers.push("OT_AUTHENTICATION_ERROR");
  await call.join(platform.source);
  assert.equal(call.state.value, "failed");
  assert.deepEqual(call.problem.value, problemOf("OT_AUTHENTICATION_ERROR"));
  assert.equal(primary.handlerCount, 0);
  await call.join(platform.source);
  assert.equal(call.state.value, "joined");
  assert.equal(call.problem.value, null);
  await call.leave();
});

Deno.test("publishing that is never answered ends at its deadline and stops its clones", async () => {
  const { platform, call, primary } = setUp();
  primary.publishAnswers.push("never");
  await call.join(platform.source);
  assert.equal(call.state.value, "failed");
  assert.equal(call.problem.value?.code, "OT_TIMEOUT");
  assert.ok(platform.camera.clones.every((clone) => clone.stopped));
});

Deno.test("a server that lets nobody in fails the call with its own words", async () => {
  const problem = { code: "http-403", text: "This room needs a link", remedy: "Ask the host." };
  const call = new Call({
    enter: () => Promise.reject(new CallError(problem)),
    load: () => assert.fail(),
    view: signal(null),
    hint: () => assert.fail(),
  });
  await call.join(new FakePlatform().source);
  assert.equal(call.state.value, "failed");
  assert.equal(call.problem.value, problem);
});

Deno.test("every handler is removed on leaving, however often one joins", async () => {
  const { platform, view, call, primary, secondary } = setUp();
  const counts: number[] = [];
  for (let time = 0; time < 3; time++) {
    await call.join(platform.source);
    view.value = viewOf(true);
    await untilSecondary(call, "on");
    counts.push(primary.handlerCount + secondary.handlerCount);
    await call.leave();
    view.value = viewOf(false);
    assert.deepEqual([primary.handlerCount, secondary.handlerCount], [0, 0]);
  }
  assert.ok(counts[0]);
  assert.deepEqual(counts, [counts[0], counts[0], counts[0]]);
});

Deno.test("leaving while joining wins", async () => {
  const { platform, call, primary } = setUp();
  const joining = call.join(platform.source);
  await call.leave();
  await joining;
  assert.equal(call.state.value, "left");
  assert.equal(primary.connected, false);
  assert.equal(primary.handlerCount, 0);
});

Deno.test("while the room wants it, the same tracks are sent to the secondary session too", async () => {
  const { platform, view, call, primary, secondary } = setUp();
  await call.join(platform.source);
  const [live] = primary.published;
  view.value = viewOf(true);
  await untilSecondary(call, "on");
  assert.equal(secondary.published.size, 1);
  assert.equal(secondary.subscriptions, 0);
  assert.equal(platform.camera.clones.length, 2);
  view.value = viewOf(false);
  await untilSecondary(call, "off");
  assert.equal(secondary.connected, false);
  assert.equal(secondary.handlerCount, 0);
  assert.deepEqual([...primary.published], [live], "the live call was not touched");
  assert.equal(platform.camera.clones[0]?.stopped, false);
  assert.equal(platform.camera.clones[1]?.stopped, true);
  await call.leave();
});

Deno.test("the secondary session is left a moment after it is no longer wanted, and at once with the call", async () => {
  const { platform, view, call, secondary } = setUp();
  await call.join(platform.source);
  view.value = viewOf(true);
  await untilSecondary(call, "on");
  const [sent] = secondary.published;
  view.value = viewOf(false);
  await letRun(0.05);
  assert.deepEqual(
    [...secondary.published],
    [sent],
    "an archive may not have heard of its stop yet",
  );
  view.value = viewOf(true);
  view.value = viewOf(false);
  view.value = viewOf(true);
  await letRun(0.05);
  assert.deepEqual([...secondary.published], [sent], "wanted again, it was not left");
  view.value = viewOf(false);
  const left = call.leave();
  await letRun(0.05);
  assert.equal(secondary.connected, false);
  await left;
});

Deno.test("whoever joins in the middle of a handover catches up from the room's state", async () => {
  const { platform, view, call, secondary } = setUp();
  view.value = viewOf(true);
  await call.join(platform.source);
  await untilSecondary(call, "on");
  assert.equal(secondary.published.size, 1);
  await call.leave();
  assert.equal(secondary.connected, false);
});

Deno.test("the server's signal counts before the room's state says so; a participant's does not", async () => {
  const { platform, call, primary, secondary } = setUp();
  await call.join(platform.source);
  primary.emit("signal:join", { from: { connectionId: "somebody" } });
  assert.equal(call.secondary.value, "off");
  primary.emit("signal:join", { from: null });
  await untilSecondary(call, "on");
  primary.emit("signal:leave", { from: null });
  await untilSecondary(call, "off");
  assert.equal(secondary.connected, false);
  await call.leave();
});

Deno.test("mute and camera apply to both sessions, also while the second is being joined", async () => {
  const { platform, view, call, primary, secondary } = setUp();
  await call.join(platform.source);
  view.value = viewOf(true);
  await call.changeSource({ ...platform.source, microphoneOn: false });
  await untilSecondary(call, "on");
  assert.equal([...primary.published][0]?.audio, false);
  assert.equal([...secondary.published][0]?.audio, false);
  await call.changeSource({ ...platform.source, cameraOn: false });
  for (const session of [primary, secondary]) {
    const [publisher] = session.published;
    assert.deepEqual([publisher?.audio, publisher?.video], [true, false]);
  }
  await call.leave();
});

Deno.test("a second session that fails is tried again while the call goes on", async () => {
  const { platform, view, call, secondary } = setUp();
  secondary.connectAnswers.push("OT_CONNECT_FAILED");
  secondary.publishAnswers.push("OT_STREAM_CREATE_FAILED");
  await call.join(platform.source);
  view.value = viewOf(true);
  await untilSecondary(call, "on");
  assert.equal(call.state.value, "joined");
  assert.equal(secondary.tokens.length, 3);
  assert.equal(secondary.published.size, 1);
  await call.leave();
});

Deno.test("a second session that hangs says so, is joined at once when asked, and is left at once", async () => {
  const { platform, view, call, secondary } = setUp();
  await call.join(platform.source);
  secondary.connectAnswers.push("never", "never", "never");
  view.value = viewOf(true);
  await until(call.secondaryProblem, (problem) => problem?.code === "OT_TIMEOUT");
  assert.equal(call.state.value, "joined");
  call.retrySecondary();
  await until(call.secondaryProblem, (problem) => problem === null);
  assert.equal(call.secondary.value, "on");
  assert.equal(secondary.tokens.length, 4);
  view.value = viewOf(false);
  await untilSecondary(call, "off");
  secondary.connectAnswers.push("never");
  view.value = viewOf(true);
  view.value = viewOf(false);
  await untilSecondary(call, "off");
  assert.equal(call.secondaryProblem.value, null);
  assert.deepEqual([secondary.connected, secondary.handlerCount], [false, 0]);
  await call.leave();
});

Deno.test("a second session that drops while it is wanted is joined again", async () => {
  const { platform, view, call, secondary } = setUp();
  await call.join(platform.source);
  view.value = viewOf(true);
  await untilSecondary(call, "on");
  secondary.drop("networkDisconnected");
  await untilSecondary(call, "joining");
  await untilSecondary(call, "on");
  assert.equal(secondary.published.size, 1);
  await call.leave();
});

Deno.test("a new device is sent on both sessions before the old stream is taken down", async () => {
  const { platform, view, call, primary, secondary } = setUp();
  await call.join(platform.source);
  view.value = viewOf(true);
  await untilSecondary(call, "on");
  const [before] = primary.published;
  await call.changeSource({ ...platform.source, camera: null });
  assert.equal(before?.destroyed, true);
  assert.deepEqual([primary.published.size, secondary.published.size], [1, 1]);
  await call.leave();
});

Deno.test("a device that cannot be sent leaves the old stream in place, says so, and can be retried", async () => {
  const { platform, call, primary } = setUp();
  await call.join(platform.source);
  const [before] = primary.published;
  for (const failure of ["OT_ICE_WORKFLOW_FAILED", "never"] as const) {
    primary.publishAnswers.push(failure);
    await call.changeSource({ ...platform.source, camera: null });
    assert.deepEqual([...primary.published], [before]);
    assert.equal(call.problem.value?.code, failure === "never" ? "OT_TIMEOUT" : failure);
  }
  await call.retrySending();
  assert.equal(call.problem.value, null);
  assert.equal(before?.destroyed, true);
  assert.equal([...primary.published][0]?.given.videoSource, false);
  await call.leave();
});

Deno.test("a camera that comes late, or while the line is shaky, is sent as soon as it can be", async () => {
  const { platform, call, primary } = setUp();
  const joining = call.join({ ...platform.source, camera: null });
  await call.changeSource(platform.source);
  await joining;
  assert.equal([...primary.published][0]?.given.videoSource, platform.camera.clones[0]);
  primary.emit("sessionReconnecting", {});
  await call.changeSource({ ...platform.source, camera: null });
  assert.equal(platform.camera.clones.length, 1);
  const changed = primary.nextPublish();
  primary.emit("sessionReconnected", {});
  await changed;
  assert.equal([...primary.published].at(-1)?.given.videoSource, false);
  await call.leave();
});

Deno.test("a shaky line is shown, and a lost one is joined anew with fresh passes", async () => {
  const { platform, call, primary, entered } = setUp();
  await call.join(platform.source);
  primary.emit("sessionReconnecting", {});
  assert.equal(call.state.value, "reconnecting");
  primary.emit("sessionReconnected", {});
  assert.equal(call.state.value, "joined");
  primary.drop("networkDisconnected");
  assert.equal(call.state.value, "reconnecting");
  await untilState(call, "joined");
  assert.deepEqual(primary.tokens, ["primary-1", "primary-2"]);
  assert.equal(entered.length, 2);
  assert.equal(primary.published.size, 1);
  await call.leave();
});

Deno.test("a line that stays lost fails the call after a few attempts", async () => {
  const { platform, call, primary } = setUp();
  await call.join(platform.source);
  primary.connectAnswers.push("OT_CONNECT_FAILED", "OT_CONNECT_FAILED");
  primary.drop("networkDisconnected");
  await untilState(call, "failed");
  assert.equal(call.problem.value?.code, "OT_CONNECT_FAILED");
  assert.equal(primary.handlerCount, 0);
});

Deno.test("whoever was removed by the host stays out", async () => {
  const { platform, call, primary, entered } = setUp();
  await call.join(platform.source);
  primary.drop("forceDisconnected");
  assert.equal(call.state.value, "failed");
  assert.equal(call.problem.value?.code, "forceDisconnected");
  assert.equal(entered.length, 1);
});

Deno.test("participants come and go, two of one name apart, and those who send nothing are shown", async () => {
  const { platform, call, primary } = setUp();
  await call.join(platform.source);
  const [one, two] = [fakeStream("1", "Bo"), fakeStream("2", "Bo")];
  primary.emit("connectionCreated", { connection: primary.connection });
  primary.emit("connectionCreated", { connection: one.connection });
  primary.emit("streamCreated", { stream: one });
  primary.emit("streamCreated", { stream: two });
  const quiet = { connectionId: "q", creationTime: 0, data: '{"name":"Quiet"}' };
  primary.emit("connectionCreated", { connection: quiet });
  const names = () => call.participants.value.map(({ name, hasAudio }) => [name, hasAudio]);
  assert.deepEqual(names(), [["Bo", true], ["Bo", true], ["Quiet", false]]);
  primary.emit("streamPropertyChanged", { stream: { ...one, hasAudio: false } });
  primary.emit("streamDestroyed", { stream: two });
  primary.emit("connectionDestroyed", { connection: two.connection });
  assert.deepEqual(names(), [["Bo", false], ["Quiet", false]]);
  await call.leave();
  assert.deepEqual(call.participants.value, []);
});

Deno.test("a stream that cannot be received says so, is tried three times, and at once when asked", async () => {
  const { platform, call, primary } = setUp();
  await call.join(platform.source);
  primary.subscribeAnswers.push("OT_TIMEOUT", "never", "OT_ICE_WORKFLOW_FAILED");
  const stream = fakeStream("1", "Bo");
  primary.emit("streamCreated", { stream });
  const problem = (bo: Participant | undefined) => bo?.problem?.code;
  await until(call.participants, ([bo]) => problem(bo) === "OT_TIMEOUT");
  await until(call.participants, ([bo]) => problem(bo) === "OT_ICE_WORKFLOW_FAILED");
  assert.deepEqual([primary.subscriptions, primary.unsubscriptions], [3, 3]);
  primary.subscribeAnswers.push("never");
  call.retryReceiving(stream.connection.connectionId);
  assert.equal(call.participants.value[0]?.problem, null);
  // Nobody has to wait for an attempt that hangs.
  call.retryReceiving(stream.connection.connectionId);
  assert.deepEqual([primary.subscriptions, primary.unsubscriptions], [5, 4]);
  await new Promise((resolve) => setTimeout(resolve, 2 * LIMITS.subscribeMs));
  assert.equal(call.participants.value[0]?.problem, null);
  assert.equal(primary.subscriptions, 5);
  await call.leave();
});

Deno.test("archive events of both sessions are kept; what was only heard on a left one is forgotten", async () => {
  const { platform, view, call, primary, secondary } = setUp();
  await call.join(platform.source);
  primary.emit("archiveStarted", { id: "a", name: "x" });
  view.value = viewOf(true);
  await untilSecondary(call, "on");
  secondary.emit("archiveStarted", { id: "b", name: "x" });
  primary.emit("archiveStopped", { id: "a", name: "x" });
  assert.deepEqual([...call.archives.value], [["a", "stopped"], ["b", "started"]]);
  view.value = viewOf(false);
  await untilSecondary(call, "off");
  assert.deepEqual([...call.archives.value], [["a", "stopped"]]);
  await call.leave();
});

Deno.test("the server is told of archives that end, once for all that end together", async () => {
  const { platform, call, hints, primary } = setUp();
  await call.join(platform.source);
  primary.emit("archiveStarted", { id: "a", name: "x" });
  assert.equal(hints.count, 0);
  primary.emit("archiveStopped", { id: "a", name: "x" });
  primary.emit("archiveStopped", { id: "b", name: "x" });
  assert.equal(hints.count, 1);
  await call.leave();
});
