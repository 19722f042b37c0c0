import assert from "node:assert/strict";
import {
  joined,
  openPlatform,
  recordingSession,
  sampleWebM,
  sampleWrites,
  TestClient,
  untilStatus,
} from "./server_support.ts";

const film = await sampleWebM(4);
const half = Math.floor(film.length / 2);

Deno.test("a recorder that is back after a restart goes on with its archive", async () => {
  await using platform = await openPlatform();
  const { sessionId, client, archive, recording } = await recordingSession(platform);
  assert.equal(await recording.put(0, 0, film.slice(0, half)), 204);
  await platform.restart();
  assert.equal((await client.closed).code, 1012);

  const back = await platform.join(sessionId, { data: "recorder" });
  const { archives } = await back.next("welcome");
  assert.deepEqual(archives.map(({ id }) => id), [archive.id]);
  back.publish("stream");
  const { epochMs } = recording;
  back.send({ type: "recording-started", archiveId: archive.id, epochMs });
  // Between the two the chunk before the restart is sent once more, as after a lost answer.
  assert.equal(await recording.put(0, 0, film.slice(0, half)), 204);
  assert.equal(await recording.put(1, half, film.slice(half)), 204);

  const stopping = platform.sdk.stop(archive.id);
  await back.next("stop-recording");
  back.send({ type: "recording-finished", archiveId: archive.id, droppedFrames: 0 });
  await stopping;
  const made = await untilStatus(platform, archive.id, "available");
  assert.deepEqual([made.reason, made.duration], ["user initiated", 4]);
});

Deno.test("an archive whose recorder does not come back after a restart keeps what was received", async () => {
  await using platform = await openPlatform({ timings: { recorderGraceMs: 150 } });
  const { sessionId, archive, recording } = await recordingSession(platform);
  await recording.upload(film);
  await platform.restart();
  const other = await platform.join(sessionId);
  // Not by somebody who does not know its epoch.
  other.send({ type: "recording-started", archiveId: archive.id, epochMs: recording.epochMs + 1 });
  await other.next("stop-recording");
  const ended = await untilStatus(platform, archive.id, "available");
  assert.deepEqual([ended.reason, ended.duration], ["failure", 4]);
  await Promise.all([platform.sdk.start(sessionId), other.record()]);
});

Deno.test("an archive that was stopped but not finished is finished after a restart", async () => {
  await using platform = await openPlatform({
    timings: { stopAnswerMs: 0, recorderFinishMs: 150 },
  });
  const { archive, recording } = await recordingSession(platform);
  await recording.upload(film);
  assert.equal((await platform.sdk.stop(archive.id)).status, "stopped");
  await platform.restart();
  const made = await untilStatus(platform, archive.id, "available");
  assert.deepEqual([made.reason, made.duration], ["user initiated", 4]);
});

Deno.test("what a recorder still has of an archive that was stopped before a restart is not lost", async () => {
  await using platform = await openPlatform({ timings: { stopAnswerMs: 0 } });
  const { sessionId, client, archive, recording } = await recordingSession(platform);
  assert.equal(await recording.put(0, 0, film.slice(0, half)), 204);
  await platform.sdk.stop(archive.id);
  await client.next("stop-recording");
  await platform.restart();
  assert.equal((await platform.sdk.get(archive.id)).status, "stopped");

  const back = await platform.join(sessionId, { data: "recorder" });
  const { epochMs } = recording;
  back.send({ type: "recording-started", archiveId: archive.id, epochMs });
  // Whether the first one arrived nobody knows any more.
  await back.next("stop-recording");
  assert.equal(await recording.put(1, half, film.slice(half)), 204);
  back.send({ type: "recording-finished", archiveId: archive.id, droppedFrames: 0 });
  assert.equal((await untilStatus(platform, archive.id, "available")).duration, 4);
});

Deno.test("what is asked of a session right after a restart waits for its recorder", async () => {
  await using platform = await openPlatform();
  const { sessionId, archive, recording } = await recordingSession(platform);
  await platform.restart();
  const streams = platform.sdk.streams(sessionId);
  const back = await platform.join(sessionId, { data: "recorder" });
  assert.equal((await platform.sdk.get(archive.id)).status, "started");
  back.publish("stream");
  const { epochMs } = recording;
  back.send({ type: "recording-started", archiveId: archive.id, epochMs });
  assert.equal((await streams).length, 1);
  assert.equal((await platform.sdk.get(archive.id)).status, "started");
});

Deno.test("who comes back with a ticket is the same connection, who makes one up is not", async () => {
  await using platform = await openPlatform();
  const sessionId = await platform.session();
  const token = platform.sdk.token(sessionId);
  await using clients = new AsyncDisposableStack();
  const connect = async (had?: { connection: string; ticket: string }) =>
    clients.adopt(await TestClient.connect(platform.base, token, had), (c) => c.leave());
  const first = await connect();
  const { connection: { id }, ticket } = await first.next("welcome");
  await platform.restart();
  await first.closed;
  assert.equal((await connect({ connection: id, ticket })).id, id);
  assert.notEqual((await connect({ connection: id, ticket: "made up" })).id, id);
  // Back once more, before the platform has noticed that the last socket is dead.
  const again = await connect({ connection: id, ticket });
  const { connections } = await again.next("welcome");
  assert.equal(again.id, id);
  assert.equal(connections.some((connection) => connection.id === id), false);
});

Deno.test("a chunk that a dying process wrote half is not in the file", async () => {
  await using platform = await openPlatform({ timings: { recorderGraceMs: 150 } });
  const { archive, recording } = await recordingSession(platform);
  const writes = await sampleWrites(5);
  const whole = joined(writes.slice(0, writes.length * 0.6));
  assert.equal(await recording.put(0, 0, whole), 204);
  const path = `${platform.dataDir}/archives/${archive.id}/upload.part`;
  await Deno.writeFile(path, film.slice(1000, 1333), { append: true });
  await platform.restart();
  assert.equal((await untilStatus(platform, archive.id, "available")).duration, 3);
});

Deno.test("finished archives and their sessions are there after a restart, lost folders are not", async () => {
  await using platform = await openPlatform();
  const { sessionId, archive, recording } = await recordingSession(platform, { name: "Kept" });
  await Promise.all([platform.sdk.stop(archive.id), recording.obey(film)]);
  await untilStatus(platform, archive.id, "available");
  await Deno.mkdir(`${platform.dataDir}/archives/lost/ahead`, { recursive: true });
  await platform.restart();
  const { url, name } = await platform.sdk.get(archive.id);
  assert.equal(name, "Kept");
  const media = await fetch(url);
  await media.body?.cancel();
  assert.equal(media.status, 200);
  await platform.join(sessionId);
  const folders = await Array.fromAsync(Deno.readDir(`${platform.dataDir}/archives`));
  assert.deepEqual(folders.map((folder) => folder.name), [archive.id]);
});
