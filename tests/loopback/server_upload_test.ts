import assert from "node:assert/strict";
import {
  openPlatform,
  recordingSession,
  sampleWebM,
  type TestPlatform,
  type TestRecording,
  untilStatus,
} from "./server_support.ts";

const film = await sampleWebM(2);

function chunks(count: number) {
  const size = Math.ceil(film.length / count);
  return Array.from({ length: count }, (_, sequence) => ({
    sequence,
    position: sequence * size,
    bytes: film.slice(sequence * size, (sequence + 1) * size),
  }));
}

/** The length and size of an archive made of what was uploaded. */
async function outcome(platform: TestPlatform, { archive, recording }: {
  archive: { id: string };
  recording: TestRecording;
}) {
  const stopping = platform.sdk.stop(archive.id);
  await recording.client.next("stop-recording");
  recording.finish();
  await stopping;
  return await untilStatus(platform, archive.id, "available");
}

Deno.test("chunks may come in any order, repeatedly, and at once", async () => {
  await using platform = await openPlatform();
  const straight = await recordingSession(platform);
  await straight.recording.upload(film);
  const expected = await outcome(platform, straight);

  const shuffled = await recordingSession(platform);
  const all = chunks(8);
  const send = ({ sequence, position, bytes }: (typeof all)[number]) =>
    shuffled.recording.put(sequence, position, bytes);
  for (const at of [0, 0, 3, 2, 2, 5]) assert.equal(await send(all[at] ?? assert.fail()), 204);
  assert.deepEqual(await Promise.all(all.map(send)), all.map(() => 204));
  // What was applied is not applied again, whatever it says.
  assert.equal(await shuffled.recording.put(1, 0, new Uint8Array(100)), 204);
  const made = await outcome(platform, shuffled);
  assert.deepEqual([made.size, made.duration], [expected.size, expected.duration]);
});

Deno.test("a later chunk may rewrite an earlier place", async () => {
  await using platform = await openPlatform();
  const made = await recordingSession(platform);
  const { recording } = made;
  const spoiled = film.slice();
  spoiled.fill(0, 100, 5000);
  // The correction comes before what it corrects.
  assert.equal(await recording.put(1, 100, film.slice(100, 5000)), 204);
  assert.equal(await recording.put(0, 0, spoiled), 204);
  assert.equal((await outcome(platform, made)).duration, 2);
});

Deno.test("a chunk that is not for this archive is refused", async () => {
  await using platform = await openPlatform();
  const { recording } = await recordingSession(platform);
  const other = await recordingSession(platform);
  const bytes = film.slice(0, 10);
  assert.equal(await recording.put(0, 0, bytes, "wrong"), 403);
  assert.equal(await recording.put(0, 0, bytes, other.recording.request.uploadToken), 403);
  assert.equal(await recording.put("x", 0, bytes), 400);
  assert.equal(await recording.put(-1, 0, bytes), 400);
  assert.equal(await recording.put(0, -1, bytes), 400);
  assert.equal(await recording.put(0, 8 * 1024 ** 3, bytes), 413);
  assert.equal(await recording.put(0, 0, new Uint8Array(8 * 1024 ** 2 + 1)), 413);
  assert.equal(await recording.put(1000, 0, bytes), 429);
  assert.equal(await recording.put(0, 0, bytes), 204);
});

Deno.test("a chunk that comes when the archive is over answers 409", async () => {
  await using platform = await openPlatform();
  const { archive, recording } = await recordingSession(platform);
  await Promise.all([platform.sdk.stop(archive.id), recording.obey(film)]);
  await untilStatus(platform, archive.id, "available");
  assert.equal(await recording.put(9, 0, film.slice(0, 10)), 409);
});

Deno.test("bytes that are no media make a failed archive, not a broken platform", async () => {
  await using platform = await openPlatform();
  const { sessionId, client, archive, recording } = await recordingSession(platform);
  await Promise.all([platform.sdk.stop(archive.id), recording.obey(new Uint8Array(5000).fill(7))]);
  await untilStatus(platform, archive.id, "failed");
  await Promise.all([platform.sdk.start(sessionId), client.record()]);
});
