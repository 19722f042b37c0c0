import assert from "node:assert/strict";
import { jwtVerify } from "jose";
import {
  finishedArchive,
  joined,
  openPlatform,
  recordingSession,
  sampleWebM,
  sampleWrites,
  untilStatus,
} from "./server_support.ts";

const film = await sampleWebM(2);

Deno.test("when its recorder goes away an archive ends with what was received", async () => {
  await using platform = await openPlatform();
  const { sessionId, client, archive, recording } = await recordingSession(platform);
  const other = await platform.join(sessionId);
  // A tab that is killed has uploaded whole packets, yet no end of the file.
  const writes = await sampleWrites(5);
  const received = joined(writes.slice(0, writes.length * 0.6));
  assert.equal(await recording.put(0, 0, received), 204);
  await client.leave();

  const told = await other.next("archive");
  assert.deepEqual(told.archive, { id: archive.id, name: "", status: "stopped" });
  const ended = await untilStatus(platform, archive.id, "available");
  assert.equal(ended.reason, "failure");
  assert.equal(ended.duration, 3);
  // And the session can be recorded again, by the other page.
  await Promise.all([platform.sdk.start(sessionId), other.record()]);
});

Deno.test("a recorder that leaves the session after the stop may still upload the rest", async () => {
  await using platform = await openPlatform({
    timings: { stopAnswerMs: 0, recorderFinishMs: 1_500 },
  });
  const { client, archive, recording } = await recordingSession(platform);
  const third = Math.ceil(film.length / 3);
  assert.equal(await recording.put(0, 0, film.subarray(0, third)), 204);
  await platform.sdk.stop(archive.id);
  await client.leave();
  for (const i of [1, 2]) {
    await new Promise((resolve) => setTimeout(resolve, 900));
    const chunk = film.subarray(i * third, (i + 1) * third);
    assert.equal(await recording.put(i, i * third, chunk), 204);
  }
  assert.equal((await untilStatus(platform, archive.id, "available")).duration, 2);
});

Deno.test("when its recorder fails an archive ends, with nothing received it has failed", async () => {
  await using platform = await openPlatform();
  const { client, archive } = await recordingSession(platform);
  client.send({ type: "recording-failed", archiveId: archive.id, message: "The encoder died" });
  assert.equal((await client.next("archive")).archive.status, "stopped");
  const failed = await untilStatus(platform, archive.id, "failed");
  assert.equal(failed.reason, "failure");
  assert.equal(failed.url, null);
  await platform.sdk.remove(archive.id);
});

Deno.test("another page cannot end or claim an archive that it does not record", async () => {
  await using platform = await openPlatform();
  const { sessionId, archive, recording } = await recordingSession(platform);
  const other = await platform.join(sessionId);
  const archiveId = archive.id;
  other.send({ type: "recording-finished", archiveId, droppedFrames: 0 });
  other.send({ type: "recording-failed", archiveId, message: "" });
  other.send({ type: "recording-started", archiveId, epochMs: recording.epochMs });
  await other.next("stop-recording");
  assert.equal((await platform.sdk.get(archiveId)).status, "started");
});

Deno.test("an archive pauses while nobody publishes, and goes on", async () => {
  await using platform = await openPlatform();
  const { client, archive } = await recordingSession(platform);
  client.send({ type: "unpublish", streamId: "stream" });
  assert.equal((await client.next("archive")).archive.status, "paused");
  assert.equal((await platform.sdk.get(archive.id)).status, "paused");
  client.publish("again");
  assert.equal((await client.next("archive")).archive.status, "started");
});

Deno.test("an archive ends a while after the last client left", async () => {
  await using platform = await openPlatform({ timings: { emptyMs: 1_500 } });
  const { client, archive, recording } = await recordingSession(platform);
  await recording.upload(film);
  await client.leave();
  const paused = await platform.sdk.get(archive.id);
  assert.equal(paused.status, "paused");
  const ended = await untilStatus(platform, archive.id, "available");
  assert.equal(ended.reason, "session ended");
  assert.equal(ended.duration, 2);
});

Deno.test("somebody who comes back to an empty session finds its archive ended", async () => {
  await using platform = await openPlatform();
  const { sessionId, client, archive, recording } = await recordingSession(platform);
  await recording.upload(film);
  await client.leave();
  const back = await platform.join(sessionId);
  assert.equal((await back.next("archive")).archive.status, "stopped");
  await untilStatus(platform, archive.id, "available");
});

for (
  const [rule, timings, publish, reason] of [
    ["lasts too long", { maxDurationMs: 200 }, true, "maximum duration exceeded"],
    ["is begun and nobody publishes", { firstPublishMs: 100 }, false, "maximum idle time exceeded"],
  ] as const
) {
  Deno.test(`an archive that ${rule} ends by itself`, async () => {
    await using platform = await openPlatform({ timings });
    const sessionId = await platform.session();
    const client = await platform.join(sessionId);
    if (publish) client.publish("s");
    const [archive, recording] = await Promise.all([
      platform.sdk.start(sessionId),
      client.record(),
    ]);
    await recording.obey(film);
    assert.equal((await untilStatus(platform, archive.id, "available")).reason, reason);
  });
}

Deno.test("a stop answers although the recorder gives nothing more, and the archive is finished", async () => {
  await using platform = await openPlatform({
    timings: { stopAnswerMs: 100, recorderFinishMs: 200 },
  });
  const { archive, recording } = await recordingSession(platform);
  await recording.upload(film);
  assert.equal((await platform.sdk.stop(archive.id)).status, "stopped");
  assert.equal((await untilStatus(platform, archive.id, "available")).duration, 2);
});

Deno.test("what the recorder gives after the stop was answered is in the file", async () => {
  await using platform = await openPlatform({ timings: { stopAnswerMs: 0 } });
  const { archive, recording } = await recordingSession(platform);
  await platform.sdk.stop(archive.id);
  assert.equal((await platform.sdk.get(archive.id)).status, "stopped");
  await recording.obey(film);
  assert.equal((await untilStatus(platform, archive.id, "available")).duration, 2);
});

Deno.test("a stopped archive is no longer in the way of the next one", async () => {
  await using platform = await openPlatform();
  const { sessionId, client, archive, recording } = await recordingSession(platform);
  const stopping = platform.sdk.stop(archive.id);
  await client.next("stop-recording");
  await Promise.all([platform.sdk.start(sessionId), client.record()]);
  await recording.upload(film);
  recording.finish();
  await stopping;
});

Deno.test("archive callbacks are signed and follow the status", async () => {
  const calls: { status: string; authorization: string; body: string }[] = [];
  const done = Promise.withResolvers<void>();
  let refusals = 1;
  await using receiver = Deno.serve({ port: 0, onListen() {} }, async (request) => {
    const body = await request.text();
    // A refused delivery is repeated.
    if (refusals-- > 0) return new Response(null, { status: 500 });
    const { status } = JSON.parse(body);
    calls.push({ status, body, authorization: request.headers.get("authorization") ?? "" });
    if (status === "available") done.resolve();
    return new Response();
  });
  const url = () => `http://127.0.0.1:${receiver.addr.port}/`;
  await using platform = await openPlatform({
    callback: { url, signatureSecret: "signature secret" },
    timings: { callbackRetryMs: [10] },
  });
  await finishedArchive(platform, film, { name: "Told" });
  await done.promise;
  assert.deepEqual(calls.map(({ status }) => status).sort(), ["available", "started", "stopped"]);
  for (const { authorization, body } of calls) {
    const { payload } = await jwtVerify(
      authorization.replace("Bearer ", ""),
      new TextEncoder().encode("signature secret"),
      { issuer: "Vonage" },
    );
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body));
    assert.equal(payload.payload_hash, new Uint8Array(hash).toHex());
    assert.equal(JSON.parse(body).event, "archive");
    assert.equal(JSON.parse(body).name, "Told");
  }
});
