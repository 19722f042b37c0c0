import assert from "node:assert/strict";
import { type MediaFacts, readMediaFacts } from "../../lib/handover/media_facts.ts";
import { FakeRecording } from "./fake_recorder.ts";
import { joined, readMedia, sampleFile, samplePackets } from "./sample_media.ts";
import {
  download,
  openEmulator,
  type Page,
  startRecording,
  type TestEmulator,
  untilStatus,
} from "./test_emulator.ts";

const film = sampleFile(3);
/** Recorders' clocks are measured: on a busy machine segments lie within this of their places, ms. */
const CLOCK_MS = 250;

/** A call of two, whose first page records; the other page can. */
async function callOfTwo(platform: TestEmulator) {
  const call = await startRecording(platform);
  const startedAtMs = call.recorder.nowMs();
  const second = await platform.enter(call.sessionId);
  return { ...call, second, startedAtMs };
}

/** Starts the second page's recording `afterMs` after the first one's. */
async function takeOver(
  { recorder }: Page,
  startedAtMs: number,
  afterMs: number,
): Promise<FakeRecording> {
  const recording = await recorder.record({ startedAtMs: startedAtMs + afterMs });
  await recorder.next("streams"); // the server has noted that it records
  return recording;
}

/** Stops the archive; the facts of its file, and its packets. */
async function finish(platform: TestEmulator, id: string, recording: FakeRecording) {
  await Promise.all([platform.sdk.stop(id), recording.stopWith(film)]);
  const archive = await untilStatus(platform, id, "available");
  const media = await readMedia(await download(archive));
  return { archive, media, facts: await readMediaFacts(archive.url) };
}

function assertGap({ gaps, epochMs }: MediaFacts, fromMs: number, toMs: number): void {
  const [gap = assert.fail("There is no gap"), ...others] = gaps;
  assert.deepEqual(others, []);
  assert.ok(Math.abs(gap.fromMs - (epochMs ?? 0) - fromMs) < CLOCK_MS, JSON.stringify(gap));
  assert.ok(Math.abs(gap.toMs - (epochMs ?? 0) - toMs) < CLOCK_MS, JSON.stringify(gap));
}

Deno.test("when the recorder is gone another page takes over, in one file that knows its gap", async () => {
  await using platform = await openEmulator({ timings: { recorderGraceMs: 50 } });
  const { archive, recording, recorder, second, startedAtMs } = await callOfTwo(platform);
  await recording.upload(film);
  await recorder.close();
  const continued = await takeOver(second, startedAtMs, 5_000);
  assert.deepEqual([continued.archiveId, continued.request.segment], [archive.id, 1]);
  assert.deepEqual(continued.request.codecs, { video: "vp8", audio: "opus" });
  const { archive: { reason, duration }, media, facts } = await finish(
    platform,
    archive.id,
    continued,
  );
  assert.deepEqual([reason, duration], ["user initiated", 8]);
  assert.equal(media.packets.video?.length, 180);
  assertGap(facts, 3_000, 5_000);
});

Deno.test("what a recorder uploaded before it died is in the file up to its last frame", async () => {
  await using platform = await openEmulator({ timings: { recorderGraceMs: 50 } });
  const { archive, recording, recorder, second, startedAtMs } = await callOfTwo(platform);
  const writes = samplePackets(5);
  const received = joined(writes.slice(0, writes.length * 0.6));
  await recording.upload(received.slice(0, -1));
  await recorder.close();
  const { facts } = await finish(
    platform,
    archive.id,
    await takeOver(second, startedAtMs, 4_000),
  );
  assertGap(facts, 3_000, 4_000);
});

Deno.test("a page that leaves records until another one has started: there is no gap", async () => {
  await using platform = await openEmulator();
  const { archive, recording, recorder, second, startedAtMs } = await callOfTwo(platform);
  recorder.send({ type: "leaving" });
  const { request, streams } = await second.recorder.next("record");
  assert.equal(recorder.has("stop"), false);
  assert.equal(streams.length, 2);
  const { archiveId } = request;
  second.recorder.send({
    ...{ type: "started", archiveId, startedAtMs: startedAtMs + 2_000 },
    codecs: { video: "vp8", audio: "opus" },
  });
  await second.recorder.next("streams");
  await recording.stopWith(film);
  const continued = new FakeRecording(second.recorder, request, streams);
  const { archive: { duration }, media, facts } = await finish(platform, archive.id, continued);
  assert.equal(duration, 5);
  assert.deepEqual(facts.gaps, []);
  assert.ok(Math.abs((media.packets.video?.length ?? 0) - 150) <= CLOCK_MS / 33);
});

Deno.test("when the last page leaves, the archive has all of it", async () => {
  await using platform = await openEmulator({ timings: { emptyMs: 200 } });
  const { client, archive, recorder, recording } = await startRecording(platform);
  recorder.send({ type: "leaving" });
  await client.leave();
  await recording.stopWith(film);
  const { duration, reason } = await untilStatus(platform, archive.id, "available");
  assert.deepEqual([duration, reason], [3, "session ended"]);
});

Deno.test("a participant who leaves the session counts as leaving, though the page stays connected", async () => {
  await using platform = await openEmulator();
  const { client, second } = await callOfTwo(platform);
  await client.leave();
  await second.recorder.record();
});

Deno.test("a recorder that fails is replaced", async () => {
  await using platform = await openEmulator();
  const { archive, recorder, second, startedAtMs, recording } = await callOfTwo(platform);
  await recording.upload(film);
  recorder.send({ type: "failed", archiveId: archive.id, message: "The encoder died" });
  const { facts } = await finish(
    platform,
    archive.id,
    await takeOver(second, startedAtMs, 4_000),
  );
  assertGap(facts, 3_000, 4_000);
});

Deno.test("a recorder that failed is not asked for the same archive again", async () => {
  await using platform = await openEmulator({ timings: { recorderMissingMs: 300 } });
  const { archive, recorder, recording } = await startRecording(platform);
  await recording.upload(film);
  recorder.send({ type: "failed", archiveId: archive.id, message: "The encoder died" });
  assert.equal((await untilStatus(platform, archive.id, "available")).reason, "failure");
  assert.equal(recorder.has("record"), false);
});

Deno.test("an archive that no page can continue ends as a failure, with what was received", async () => {
  await using platform = await openEmulator({
    timings: { recorderGraceMs: 50, recorderMissingMs: 100 },
  });
  const { archive, recorder, recording } = await startRecording(platform);
  await recording.upload(film);
  await recorder.close();
  const { reason, duration } = await untilStatus(platform, archive.id, "available");
  assert.deepEqual([reason, duration], ["failure", 3]);
});

Deno.test("a page that arrives while no page records takes over", async () => {
  await using platform = await openEmulator({ timings: { recorderGraceMs: 50 } });
  const { sessionId, archive, recorder } = await startRecording(platform);
  await recorder.close();
  const late = await platform.enter(sessionId);
  assert.equal((await late.recorder.record()).archiveId, archive.id);
  assert.equal((await platform.sdk.get(archive.id)).status, "started");
});

Deno.test("a recorder that returns within its grace goes on, and no page takes over", async () => {
  await using platform = await openEmulator();
  const { archive, recorder, second, recording } = await callOfTwo(platform);
  await recorder.close();
  await recorder.reconnect([{ archiveId: archive.id, segment: 0 }]);
  await recorder.next("streams", ({ streams }) => streams.length === 2);
  assert.equal(second.recorder.has("record"), false);
  const { facts } = await finish(platform, archive.id, recording);
  assert.deepEqual(facts.gaps, []);
});

Deno.test("a recorder that returns too late has to stop, and what it has is in the file", async () => {
  await using platform = await openEmulator({ timings: { recorderGraceMs: 50 } });
  const { archive, recorder, second, recording, startedAtMs } = await callOfTwo(platform);
  await recorder.close();
  const continued = await takeOver(second, startedAtMs, 4_000);
  await recorder.reconnect([{ archiveId: archive.id, segment: 0 }]);
  await recording.stopWith(film);
  const { archive: { duration }, facts } = await finish(platform, archive.id, continued);
  assert.equal(duration, 7);
  assertGap(facts, 3_000, 4_000);
});

Deno.test("a recorder that does not answer pings is given up", async () => {
  await using platform = await openEmulator({
    timings: { recorderPingMs: 50, recorderSilenceMs: 300, recorderGraceMs: 50 },
  });
  const { recorder, second } = await callOfTwo(platform);
  recorder.isAlive = false;
  await second.recorder.record();
  assert.equal((await recorder.closed).code, 4002);
});

Deno.test("the gap of a file is on the wall clock, although media time stands still in pauses", async () => {
  await using platform = await openEmulator({ timings: { recorderGraceMs: 50 } });
  const { client, streamId, archive, recorder, recording } = await startRecording(platform);
  const startedAtMs = recorder.nowMs();
  await client.unpublish(streamId);
  await client.next("updated", "archive");
  const pausedAtMs = recorder.nowMs();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const second = await platform.enter(archive.sessionId);
  await client.next("updated", "archive");
  const pauseMs = recorder.nowMs() - pausedAtMs;
  await recording.upload(film);
  await recorder.close();
  const { facts } = await finish(
    platform,
    archive.id,
    await takeOver(second, startedAtMs, 6_000),
  );
  const [gap = assert.fail("There is no gap")] = facts.gaps;
  const [fromMs, toMs] = [gap.fromMs, gap.toMs].map((ms) => ms - (facts.epochMs ?? 0));
  assert.ok(
    Math.abs((fromMs ?? 0) - 3_000 - pauseMs) < CLOCK_MS,
    `from ${fromMs}, pause ${pauseMs}`,
  );
  assert.ok(Math.abs((toMs ?? 0) - 6_000) < CLOCK_MS, `to ${toMs}`);
});
