import assert from "node:assert/strict";
import { sampleFile } from "./sample_media.ts";
import { openEmulator, startRecording, stopWith, untilStatus } from "./test_emulator.ts";

const film = sampleFile(1);

Deno.test("a start answers 404 for a session that does not exist", async () => {
  await using platform = await openEmulator();
  const { status, body } = await platform.rest("POST", "/archive", { sessionId: "1_nowhere" });
  assert.deepEqual([status, body.message], [404, "Cannot find the session"]);
});

Deno.test("a start answers 404 while no one is connected", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const { status, body } = await platform.rest("POST", "/archive", { sessionId });
  assert.equal(status, 404);
  assert.match(body.message, /no clients are connected/);
});

Deno.test("a start answers 409 for a relayed session", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession({ mediaMode: "relayed" });
  await platform.enter(sessionId);
  const { status, body } = await platform.rest("POST", "/archive", { sessionId });
  assert.equal(status, 409);
  assert.match(body.message, /not routed/);
});

Deno.test("a start answers 409 when no browser can record, and says which can", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  await platform.enter(sessionId, { video: [] });
  const { status, body } = await platform.rest("POST", "/archive", { sessionId });
  assert.equal(status, 409);
  assert.match(body.message, /no browser in the call can record\. Record from Chrome or Edge/);
});

Deno.test("a recorder whose participant is in another session is not asked", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  await platform.join(sessionId);
  await platform.enter(await platform.sdk.createSession());
  assert.equal((await platform.rest("POST", "/archive", { sessionId })).status, 409);
});

Deno.test("a start answers 400 to options that cannot be met, and says why", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const refused: [body: unknown, why: RegExp][] = [
    ["{", /not JSON/],
    [{}, /sessionId/],
    [{ sessionId, hasAudio: false, hasVideo: false }, /cannot both be false/],
    [{ sessionId, resolution: "1x1" }, /resolution/],
    [{ sessionId, outputMode: "individual", resolution: "640x480" }, /resolution is for composed/],
    [{ sessionId, streamMode: "manual" }, /the emulator records all streams/],
    [{ sessionId, name: "n".repeat(2_000) }, /name/],
    [{ sessionId, multiArchiveTag: "" }, /multiArchiveTag/],
  ];
  for (const [body, why] of refused) {
    const answer = await platform.rest("POST", "/archive", body);
    assert.equal(answer.status, 400);
    assert.match(answer.body.message, why);
  }
});

Deno.test("a session that is always archived is refused", async () => {
  await using platform = await openEmulator();
  const response = await fetch(`${platform.origin}/emulator/api.opentok.com/session/create`, {
    method: "POST",
    headers: { "x-opentok-auth": platform.sdk.jwt() },
    body: new URLSearchParams({ archiveMode: "always", "p2p.preference": "disabled" }),
  });
  assert.equal(response.status, 400);
  assert.match((await response.json()).message, /does not support archiveMode always/);
});

Deno.test("two archives of a session at once need different tags", async () => {
  await using platform = await openEmulator();
  const { sessionId, recorder } = await startRecording(platform);
  const refused = await platform.rest("POST", "/archive", { sessionId });
  assert.equal(refused.status, 409);
  assert.match(refused.body.message, /already being recorded/);
  const tagged = { multiArchiveTag: "second" };
  const [second] = await Promise.all([platform.sdk.start(sessionId, tagged), recorder.record()]);
  assert.equal(second.multiArchiveTag, "second");
  assert.equal((await platform.rest("POST", "/archive", { sessionId, ...tagged })).status, 409);
});

Deno.test("the tag is returned by the start only", async () => {
  await using platform = await openEmulator();
  const { archive } = await startRecording(platform, { multiArchiveTag: "first" });
  assert.equal((await platform.sdk.get(archive.id)).multiArchiveTag, undefined);
  const { archives: [listed] } = await platform.sdk.list();
  assert.equal(listed?.multiArchiveTag, undefined);
});

Deno.test("a second start is refused while the first waits for its recorder", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const { recorder } = await platform.enter(sessionId);
  const first = platform.sdk.start(sessionId);
  const { request: { archiveId } } = await recorder.next("record");
  assert.equal((await platform.rest("POST", "/archive", { sessionId })).status, 409);
  const codecs = { video: "vp8", audio: "opus" } as const;
  recorder.send({ type: "started", archiveId, startedAtMs: recorder.nowMs(), codecs });
  assert.equal((await first).id, archiveId);
});

Deno.test("the host's page is asked to record before pages that came earlier", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const guest = await platform.enter(sessionId);
  const host = await platform.enter(sessionId, { role: "moderator" });
  await Promise.all([platform.sdk.start(sessionId), host.recorder.record()]);
  assert.equal(guest.recorder.has("record"), false);
});

Deno.test("a page that publishes is asked before one that only watches", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const watching = await platform.enter(sessionId);
  await watching.client.unpublish(watching.streamId);
  const publishing = await platform.enter(sessionId);
  await Promise.all([platform.sdk.start(sessionId), publishing.recorder.record()]);
  assert.equal(watching.recorder.has("record"), false);
});

Deno.test("the page that records one session of a call is asked for the other one, too", async () => {
  await using platform = await openEmulator();
  const { recorder } = await startRecording(platform, {}, { data: "Ada" });
  const secondary = await platform.sdk.createSession();
  const host = await platform.enter(secondary, { role: "moderator" });
  await platform.join(secondary, { data: "Ada" });
  await Promise.all([platform.sdk.start(secondary), recorder.record()]);
  assert.equal(host.recorder.has("record"), false);
});

Deno.test("when a page cannot record, another one is asked for the same archive", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const [first, second] = [await platform.enter(sessionId), await platform.enter(sessionId)];
  const start = platform.sdk.start(sessionId);
  const { request: { archiveId } } = await first.recorder.next("record");
  first.recorder.send({ type: "failed", archiveId, message: "No encoder" });
  const [archive] = await Promise.all([start, second.recorder.record()]);
  assert.equal(archive.id, archiveId);
});

Deno.test("when a page is silent, another one is asked and the first one has to discard", async () => {
  await using platform = await openEmulator({ timings: { recorderStartMs: 300 } });
  const sessionId = await platform.sdk.createSession();
  const [first, second] = [await platform.enter(sessionId), await platform.enter(sessionId)];
  const [archive] = await Promise.all([platform.sdk.start(sessionId), second.recorder.record()]);
  assert.equal((await first.recorder.next("discard")).archiveId, archive.id);
});

Deno.test("when a page closes during the start, another one is asked", async () => {
  await using platform = await openEmulator({ timings: { recorderGraceMs: 50 } });
  const sessionId = await platform.sdk.createSession();
  const [first, second] = [await platform.enter(sessionId), await platform.enter(sessionId)];
  const start = platform.sdk.start(sessionId);
  await first.recorder.next("record");
  await first.recorder.close();
  await Promise.all([start, second.recorder.record()]);
});

Deno.test("when no page records, the start answers 500 and leaves nothing behind", async () => {
  await using platform = await openEmulator({ timings: { recorderStartMs: 100 } });
  const sessionId = await platform.sdk.createSession();
  await platform.enter(sessionId);
  const { status, body } = await platform.rest("POST", "/archive", { sessionId });
  assert.equal(status, 500);
  assert.match(body.message, /no page began to record in time/);
  assert.equal((await platform.sdk.list()).total, 0);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${platform.dataDir}/archives`)), []);
});

Deno.test("a page cannot end or claim an archive that another page records", async () => {
  await using platform = await openEmulator();
  const { sessionId, archive, recorder } = await startRecording(platform);
  const { recorder: other } = await platform.enter(sessionId);
  const losses = { framesNotDelivered: 0, framesDropped: 0 };
  const archiveId = archive.id;
  other.send({ type: "failed", archiveId, message: "" });
  other.send({ type: "finished", archiveId, losses });
  await other.reconnect([{ archiveId, segment: 0 }]);
  assert.equal((await other.next("discard")).archiveId, archiveId);
  assert.equal((await platform.sdk.get(archiveId)).status, "started");
  assert.equal(recorder.has("stop"), false);
});

Deno.test("a stop answers 404 for an unknown archive and 409 for one that was stopped", async () => {
  await using platform = await openEmulator();
  assert.equal((await platform.rest("POST", "/archive/nothing/stop")).status, 404);
  const { archive, recording } = await startRecording(platform);
  await stopWith(platform, recording, film);
  const { status, body } = await platform.rest("POST", `/archive/${archive.id}/stop`);
  assert.equal(status, 409);
  assert.match(body.message, /not being recorded/);
});

Deno.test("a session can be recorded again as soon as its archive is stopped", async () => {
  await using platform = await openEmulator();
  const { sessionId, archive, recorder } = await startRecording(platform);
  await platform.sdk.stop(archive.id);
  await Promise.all([platform.sdk.start(sessionId), recorder.record()]);
});

Deno.test("a delete answers 409 while the archive records", async () => {
  await using platform = await openEmulator();
  const { archive } = await startRecording(platform);
  const { status, body } = await platform.rest("DELETE", `/archive/${archive.id}`);
  assert.deepEqual([status, body.message], [
    409,
    'Cannot delete the archive: its status is "started"',
  ]);
});

Deno.test("a delete removes the record and the file", async () => {
  await using platform = await openEmulator();
  const { recording } = await startRecording(platform);
  const { id, url } = await stopWith(platform, recording, film);
  await platform.sdk.remove(id);
  assert.equal((await platform.rest("GET", `/archive/${id}`)).status, 404);
  assert.equal((await platform.rest("DELETE", `/archive/${id}`)).status, 404);
  assert.equal((await fetch(url)).status, 404);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${platform.dataDir}/archives`)), []);
});

Deno.test("a failed archive can be deleted", async () => {
  await using platform = await openEmulator();
  const { archive, recorder, recording } = await startRecording(platform);
  await Promise.all([platform.sdk.stop(archive.id), recorder.next("stop")]);
  recording.finish();
  await untilStatus(platform, archive.id, "failed");
  await platform.sdk.remove(archive.id);
  assert.equal((await platform.sdk.list()).total, 0);
});

Deno.test("the list is newest first, by page and by session, with the count of all", async () => {
  await using platform = await openEmulator();
  let sessionId = "";
  for (const name of ["one", "two", "three"]) {
    const { archive } = await startRecording(platform, { name });
    if (name === "one") sessionId = archive.sessionId;
  }
  const names = async (options: { offset?: number; count?: number; sessionId?: string }) => {
    const { archives, total } = await platform.sdk.list(options);
    return [total, ...archives.map(({ name }) => name)];
  };
  assert.deepEqual(await names({}), [3, "three", "two", "one"]);
  assert.deepEqual(await names({ offset: 1, count: 1 }), [3, "two"]);
  assert.deepEqual(await names({ sessionId }), [1, "one"]);
});

Deno.test("the list answers 400 to a page that cannot be", async () => {
  await using platform = await openEmulator();
  for (const query of ["count=1001", "offset=-1", "count=x"]) {
    assert.equal((await platform.rest("GET", `/archive?${query}`)).status, 400, query);
  }
});

Deno.test("an unknown address answers 404 in JSON", async () => {
  await using platform = await openEmulator();
  const { status, body } = await platform.rest("GET", "/broadcast");
  assert.deepEqual([status, body.code], [404, 404]);
});

Deno.test("a page that cannot encode the codecs of the first recorder does not take over", async () => {
  await using platform = await openEmulator({
    timings: { recorderGraceMs: 50, recorderMissingMs: 200 },
  });
  const { sessionId, archive, recorder, recording } = await startRecording(platform);
  const other = await platform.enter(sessionId, { video: ["avc"] });
  await recording.upload(film);
  await recorder.close();
  assert.equal((await untilStatus(platform, archive.id, "available")).reason, "failure");
  assert.equal(other.recorder.has("record"), false);
});
