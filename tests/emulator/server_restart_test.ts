import assert from "node:assert/strict";
import { readMediaFacts } from "../../lib/handover/media_facts.ts";
import { joined, sampleFile, samplePackets } from "./sample_media.ts";
import { openEmulator, startRecording, stopWith, untilStatus } from "./test_emulator.ts";

const film = sampleFile(4);
const half = film.length >> 1;

Deno.test("a client resumes after a restart as the same connection, with its stream", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const client = await platform.join(sessionId);
  const streamId = await client.publish();
  await platform.restart();
  assert.equal((await client.closed).code, 1012);
  await client.resume();
  assert.equal((await client.updateChannel(streamId, "audio1", { active: false })).status, 200);
  const { joined: { body } } = await platform.join(sessionId);
  assert.deepEqual(body.connection[0].id, client.id);
  assert.deepEqual(body.stream[0].id, streamId);
});

Deno.test("a client that does not return after a restart is reported as networkDisconnected", async () => {
  await using platform = await openEmulator({ timings: { clientGraceMs: 800 } });
  const sessionId = await platform.sdk.createSession();
  const [watching, client] = [await platform.join(sessionId), await platform.join(sessionId)];
  await platform.restart();
  await watching.resume();
  const { uri, reason } = await watching.next("deleted", "connection");
  assert.deepEqual([uri.endsWith(client.id), reason], [true, "networkDisconnected"]);
});

Deno.test("subscriptions survive a restart", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const [publisher, client] = [await platform.join(sessionId), await platform.join(sessionId)];
  const streamId = await publisher.publish();
  const path = `/stream/${streamId}/subscriber/${await client.subscribe(streamId)}`;
  await platform.restart();
  await Promise.all([publisher.resume(), client.resume()]);
  await publisher.request("offer", path, { sdp: "an offer" });
  await client.next("offer", "stream/subscriber");
});

Deno.test("a recorder that returns after a restart goes on, without a gap", async () => {
  await using platform = await openEmulator();
  const { client, archive, recorder, recording } = await startRecording(platform);
  assert.equal((await recording.patch(0, film.slice(0, half))).status, 204);
  await platform.restart();
  await client.resume();
  await recorder.reconnect([{ archiveId: archive.id, segment: 0 }]);
  await recorder.next("streams", ({ streams }) => streams.length === 1);
  assert.equal(await recording.length(), half);
  assert.equal((await recording.patch(half, film.slice(half))).status, 204);
  await Promise.all([platform.sdk.stop(archive.id), recorder.next("stop")]);
  recording.finish();
  const made = await untilStatus(platform, archive.id, "available");
  assert.deepEqual([made.reason, made.duration], ["user initiated", 4]);
  assert.deepEqual((await readMediaFacts(made.url)).gaps, []);
});

Deno.test("another page takes over after a restart when the recorder does not return", async () => {
  await using platform = await openEmulator({ timings: { recorderGraceMs: 400 } });
  const { sessionId, client, archive } = await startRecording(platform);
  const other = await platform.enter(sessionId);
  await platform.restart();
  await Promise.all([client.resume(), other.client.resume()]);
  await other.recorder.reconnect([]);
  assert.equal((await other.recorder.record()).archiveId, archive.id);
});

Deno.test("an archive that no page continues after a restart keeps what was received", async () => {
  await using platform = await openEmulator({
    timings: { recorderGraceMs: 100, recorderMissingMs: 200, recorderFinishMs: 200 },
  });
  const { client, archive, recording } = await startRecording(platform);
  await recording.upload(film);
  await platform.restart();
  await client.resume();
  const ended = await untilStatus(platform, archive.id, "available");
  assert.deepEqual([ended.reason, ended.duration], ["failure", 4]);
});

Deno.test("an archive that was stopped before a restart is finished after it", async () => {
  await using platform = await openEmulator({ timings: { recorderFinishMs: 300 } });
  const { archive, recording } = await startRecording(platform);
  await recording.upload(film);
  assert.equal((await platform.sdk.stop(archive.id)).status, "stopped");
  await platform.restart();
  const made = await untilStatus(platform, archive.id, "available");
  assert.deepEqual([made.reason, made.duration], ["user initiated", 4]);
});

Deno.test("what a recorder still has of an archive that was stopped before a restart is not lost", async () => {
  await using platform = await openEmulator();
  const { archive, recorder, recording } = await startRecording(platform);
  assert.equal((await recording.patch(0, film.slice(0, half))).status, 204);
  await platform.sdk.stop(archive.id);
  await recorder.next("stop");
  await platform.restart();
  await recorder.reconnect([{ archiveId: archive.id, segment: 0 }]);
  await recorder.next("stop");
  assert.equal((await recording.patch(half, film.slice(half))).status, 204);
  recording.finish();
  assert.equal((await untilStatus(platform, archive.id, "available")).duration, 4);
});

Deno.test("a recorder has to discard an archive that is over", async () => {
  await using platform = await openEmulator();
  const { archive, recorder, recording } = await startRecording(platform);
  await stopWith(platform, recording, film);
  await platform.restart();
  await recorder.reconnect([{ archiveId: archive.id, segment: 0 }]);
  assert.equal((await recorder.next("discard")).archiveId, archive.id);
});

Deno.test("bytes that a dying process wrote in part are uploaded again and are in the file once", async () => {
  await using platform = await openEmulator();
  const { archive, recorder, recording } = await startRecording(platform);
  const packets = samplePackets(4);
  const first = joined(packets.slice(0, packets.length >> 1));
  const second = joined(packets.slice(packets.length >> 1));
  assert.equal((await recording.patch(0, first)).status, 204);
  const path = `${platform.dataDir}/archives/${archive.id}/0.composed.packets`;
  await Deno.writeFile(path, second.slice(0, 333), { append: true });
  await platform.restart();
  await recorder.reconnect([{ archiveId: archive.id, segment: 0 }]);
  const length = await recording.length();
  assert.equal(length, first.length + 333);
  assert.equal((await recording.patch(length, second.slice(333))).status, 204);
  await Promise.all([platform.sdk.stop(archive.id), recorder.next("stop")]);
  recording.finish();
  assert.equal((await untilStatus(platform, archive.id, "available")).duration, 4);
});

Deno.test("finished archives survive a restart, folders without a record do not", async () => {
  await using platform = await openEmulator();
  const { archive, recording } = await startRecording(platform, { name: "Kept" });
  await stopWith(platform, recording, film);
  await Deno.mkdir(`${platform.dataDir}/archives/lost/ahead`, { recursive: true });
  await platform.restart();
  const { url, name } = await platform.sdk.get(archive.id);
  assert.equal(name, "Kept");
  assert.equal((await fetch(url, { method: "HEAD" })).status, 200);
  const folders = await Array.fromAsync(Deno.readDir(`${platform.dataDir}/archives`));
  assert.deepEqual(folders.map((folder) => folder.name), [archive.id]);
});
