import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { sampleFile } from "./sample_media.ts";
import { openEmulator, startRecording, stopWith, untilStatus } from "./test_emulator.ts";

const film = sampleFile(2);

Deno.test("an archive pauses while no one publishes, for REST, clients and the recorder", async () => {
  await using platform = await openEmulator();
  const { client, streamId, archive, recorder } = await startRecording(platform);
  await client.unpublish(streamId);
  assert.equal((await client.next("updated", "archive")).content.status, "paused");
  assert.deepEqual((await recorder.next("streams", ({ paused }) => paused)).streams, []);
  assert.equal((await platform.sdk.get(archive.id)).status, "paused");
  await client.publish();
  assert.equal((await client.next("updated", "archive")).content.status, "started");
  await recorder.next("streams", ({ paused, streams }) => !paused && streams.length === 1);
});

Deno.test("the duration of an archive excludes the time in which no one published", async () => {
  await using platform = await openEmulator();
  const { client, streamId, recording } = await startRecording(platform);
  await client.unpublish(streamId);
  await delay(1_600);
  await client.publish();
  const stopping = platform.sdk.stop(recording.archiveId);
  assert.ok((await stopping).duration <= 1);
});

Deno.test("a muted participant still publishes: the archive does not pause", async () => {
  await using platform = await openEmulator();
  const { client, streamId, archive } = await startRecording(platform);
  await client.updateChannel(streamId, "audio1", { active: false });
  await client.updateChannel(streamId, "video1", { active: false });
  assert.equal((await platform.sdk.get(archive.id)).status, "started");
});

Deno.test("an archive ends at its maximum duration", async () => {
  await using platform = await openEmulator({ timings: { maxDurationMs: 300 } });
  const { archive, recording } = await startRecording(platform);
  await recording.stopWith(film);
  const ended = await untilStatus(platform, archive.id, "available");
  assert.equal(ended.reason, "maximum duration exceeded");
});

Deno.test("the maximum duration counts only the time in which someone published", async () => {
  await using platform = await openEmulator({ timings: { maxDurationMs: 800 } });
  const { client, streamId, archive } = await startRecording(platform);
  await client.unpublish(streamId);
  await client.next("updated", "archive");
  await delay(1_000);
  assert.equal((await platform.sdk.get(archive.id)).status, "paused");
  await client.publish();
  assert.equal((await client.next("updated", "archive")).content.status, "started");
  assert.equal((await client.next("updated", "archive")).content.status, "stopped");
  assert.equal((await platform.sdk.get(archive.id)).reason, "maximum duration exceeded");
});

Deno.test("the longest time of an archive counts pauses, too", async () => {
  await using platform = await openEmulator({ timings: { maxTotalMs: 500 } });
  const { client, streamId, archive, recording } = await startRecording(platform);
  await client.unpublish(streamId);
  await recording.stopWith(film);
  const ended = await untilStatus(platform, archive.id, "available");
  assert.equal(ended.reason, "maximum duration exceeded");
});

Deno.test("an archive ends when no one publishes in time after its start", async () => {
  await using platform = await openEmulator({ timings: { firstPublishMs: 300 } });
  const sessionId = await platform.sdk.createSession();
  const { client, streamId, recorder } = await platform.enter(sessionId);
  await client.unpublish(streamId);
  const [archive, recording] = await Promise.all([
    platform.sdk.start(sessionId),
    recorder.record(),
  ]);
  await recording.stopWith(film);
  const ended = await untilStatus(platform, archive.id, "available");
  assert.equal(ended.reason, "maximum idle time exceeded");
});

Deno.test("an archive ends when no one has published for long", async () => {
  await using platform = await openEmulator({ timings: { idleMs: 300 } });
  const { client, streamId, archive, recording } = await startRecording(platform);
  await client.unpublish(streamId);
  await recording.stopWith(film);
  const ended = await untilStatus(platform, archive.id, "available");
  assert.equal(ended.reason, "maximum idle time exceeded");
});

Deno.test("an archive ends a while after the last client left", async () => {
  await using platform = await openEmulator({ timings: { emptyMs: 400 } });
  const { client, archive, recording } = await startRecording(platform);
  await client.leave();
  await recording.stopWith(film);
  const ended = await untilStatus(platform, archive.id, "available");
  assert.equal(ended.reason, "session ended");
});

Deno.test("an archive goes on when someone comes back to the empty session in time", async () => {
  await using platform = await openEmulator({ timings: { emptyMs: 2_000 } });
  const { sessionId, client, archive, recording } = await startRecording(platform);
  await client.leave();
  await recording.stopWith(film);
  const { client: back, recorder } = await platform.enter(sessionId);
  await recorder.record();
  await delay(2_100);
  assert.equal((await platform.sdk.get(archive.id)).status, "started");
  assert.equal(back.joined.body.archive[0].id, archive.id);
});

Deno.test("all archives of a session end when its media server is replaced", async () => {
  await using platform = await openEmulator({ timings: { rotationMs: 1_500 } });
  const { sessionId, recorder, archive } = await startRecording(platform);
  const [second] = await Promise.all([
    platform.sdk.start(sessionId, { multiArchiveTag: "second" }),
    recorder.record(),
  ]);
  for (const { id } of [archive, second]) {
    await recorder.next("stop", ({ archiveId }) => archiveId === id);
    // The platform gives the same reason as for a user's stop.
    assert.equal((await platform.sdk.get(id)).reason, "user initiated");
  }
  // The new server lasts as long as the first one did.
  const [third] = await Promise.all([platform.sdk.start(sessionId), recorder.record()]);
  await delay(400);
  assert.equal((await platform.sdk.get(third.id)).status, "started");
  await recorder.next("stop", ({ archiveId }) => archiveId === third.id);
});

Deno.test("an archive becomes available although its recorder never reports the end", async () => {
  await using platform = await openEmulator({ timings: { recorderFinishMs: 200 } });
  const { archive, recording } = await startRecording(platform);
  await recording.upload(film);
  assert.equal((await platform.sdk.stop(archive.id)).status, "stopped");
  assert.equal((await untilStatus(platform, archive.id, "available")).duration, 2);
});

Deno.test("a recorder that still uploads is waited for", async () => {
  await using platform = await openEmulator({ timings: { recorderFinishMs: 700 } });
  const { archive, recording } = await startRecording(platform);
  await platform.sdk.stop(archive.id);
  const third = Math.ceil(film.length / 3);
  for (const i of [0, 1, 2]) {
    await delay(400);
    const piece = film.slice(i * third, (i + 1) * third);
    assert.equal((await recording.patch(i * third, piece)).status, 204);
  }
  assert.equal((await untilStatus(platform, archive.id, "available")).duration, 2);
});

Deno.test("a recorder that uploads without end is not waited for forever", async () => {
  await using platform = await openEmulator({
    timings: { recorderFinishMs: 300, uploadMs: 600 },
  });
  const { archive, recording } = await startRecording(platform);
  await platform.sdk.stop(archive.id);
  for (let at = 0;; at += 100) {
    const { status } = await recording.patch(at, film.slice(at, at + 100));
    if (status === 404) break;
    await delay(100);
  }
  assert.notEqual((await platform.sdk.get(archive.id)).status, "started");
});

Deno.test("a participant who leaves after the stop still uploads the rest", async () => {
  await using platform = await openEmulator();
  const { client, archive, recording } = await startRecording(platform);
  await platform.sdk.stop(archive.id);
  await client.leave();
  await recording.stopWith(film);
  assert.equal((await untilStatus(platform, archive.id, "available")).duration, 2);
});

Deno.test("an archive that cannot be made within its time fails, others are made meanwhile", async () => {
  await using platform = await openEmulator({ timings: { remuxMs: 1 } });
  const { archive, recording } = await startRecording(platform);
  await Promise.all([platform.sdk.stop(archive.id), recording.stopWith(film)]);
  const failed = await untilStatus(platform, archive.id, "failed");
  assert.equal(failed.reason, "failure");
});

Deno.test("many archives that are stopped at once all become available", async () => {
  await using platform = await openEmulator();
  const recordings = await Promise.all(
    Array.from({ length: 5 }, () => startRecording(platform)),
  );
  const made = await Promise.all(
    recordings.map(({ recording }) => stopWith(platform, recording, film)),
  );
  assert.deepEqual(made.map(({ status }) => status), Array(5).fill("available"));
});
