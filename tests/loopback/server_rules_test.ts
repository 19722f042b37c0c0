import assert from "node:assert/strict";
import {
  finishedArchive,
  openPlatform,
  recordingSession,
  sampleWebM,
  type TestPlatform,
  untilStatus,
} from "./server_support.ts";

const film = await sampleWebM(1);

/** The status and message of a REST call, which the SDK hides. */
async function call(platform: TestPlatform, method: string, path: string, body?: unknown) {
  const response = await fetch(`${platform.base}/v2/project/${platform.loopback.apiKey}${path}`, {
    method,
    headers: { "x-opentok-auth": platform.sdk.jwt(), "content-type": "application/json" },
    body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}

Deno.test("starting an archive answers 404 without a session or a client, 409 when relayed", async () => {
  await using platform = await openPlatform();
  await assert.rejects(platform.sdk.start("1_nowhere"), /Session not found/);
  const sessionId = await platform.session();
  const nobody = await call(platform, "POST", "/archive", { sessionId });
  assert.equal(nobody.status, 404);
  assert.match(nobody.body.message, /no clients are actively connected/);
  const relayed = await platform.sdk.createSession({ mediaMode: "relayed" });
  await platform.join(relayed);
  assert.equal((await call(platform, "POST", "/archive", { sessionId: relayed })).status, 409);
});

Deno.test("starting an archive answers 400 to what it cannot make, and says why", async () => {
  await using platform = await openPlatform();
  const sessionId = await platform.session();
  const wrong: [unknown, RegExp][] = [
    ["{", /not JSON/],
    [{}, /sessionId/],
    [{ sessionId, hasAudio: false, hasVideo: false }, /cannot both be false/],
    [{ sessionId, resolution: "1x1" }, /resolution/],
    [{ sessionId, outputMode: "individual" }, /no individual archives/],
    [{ sessionId, name: "n".repeat(2000) }, /name/],
  ];
  for (const [body, why] of wrong) {
    const answer = await call(platform, "POST", "/archive", body);
    assert.equal(answer.status, 400);
    assert.match(answer.body.message, why);
  }
  assert.equal((await call(platform, "POST", "/archive", "x".repeat(70_000))).status, 413);
});

Deno.test("two archives of a session at once need different tags", async () => {
  await using platform = await openPlatform();
  const { sessionId, client } = await recordingSession(platform);
  await assert.rejects(platform.sdk.start(sessionId), /already being recorded/);
  const [second] = await Promise.all([
    platform.sdk.start(sessionId, { multiArchiveTag: "second" }),
    client.record(),
  ]);
  assert.equal(second.multiArchiveTag, "second");
  await assert.rejects(platform.sdk.start(sessionId, { multiArchiveTag: "second" }));
  assert.equal((await platform.sdk.get(second.id)).multiArchiveTag, undefined);
});

Deno.test("a second start while the first still looks for a recorder is refused", async () => {
  await using platform = await openPlatform();
  const sessionId = await platform.session();
  const client = await platform.join(sessionId);
  const first = platform.sdk.start(sessionId);
  const request = await client.next("record");
  await assert.rejects(platform.sdk.start(sessionId));
  const { archiveId } = request;
  client.send({ type: "recording-started", archiveId, epochMs: Date.now() });
  assert.equal((await first).id, archiveId);
});

Deno.test("a page that publishes is asked to record before one that came earlier", async () => {
  await using platform = await openPlatform();
  const sessionId = await platform.session();
  const watching = await platform.join(sessionId);
  const publishing = await platform.join(sessionId);
  publishing.publish("s");
  await publishing.next("stream-created");
  await Promise.all([platform.sdk.start(sessionId), publishing.record()]);
  assert.equal(watching.has("record"), false);
});

Deno.test("the page that records the other session of a call is asked first", async () => {
  await using platform = await openPlatform();
  const { client } = await recordingSession(platform);
  const secondary = await platform.session();
  for (const data of ["somebody", "recorder"]) {
    const page = await platform.join(secondary, { data });
    page.publish(data);
    await page.next("stream-created", ({ stream }) => stream.name !== "" && stream.id === data);
    if (data === "recorder") {
      await Promise.all([platform.sdk.start(secondary), page.record()]);
    }
  }
  assert.equal(client.has("record"), false);
});

Deno.test("when a page cannot record, is silent or leaves, another is asked", async () => {
  await using platform = await openPlatform({ timings: { recorderStartMs: 1_500 } });
  const sessionId = await platform.session();
  const first = await platform.join(sessionId);
  const second = await platform.join(sessionId);

  const afterRefusal = platform.sdk.start(sessionId, { multiArchiveTag: "refused" });
  const { archiveId } = await first.next("record");
  first.send({ type: "recording-failed", archiveId, message: "No encoder" });
  const [{ id }] = await Promise.all([afterRefusal, second.record()]);
  assert.notEqual(id, archiveId);

  const afterSilence = platform.sdk.start(sessionId, { multiArchiveTag: "silent" });
  const silent = await first.next("record");
  await Promise.all([afterSilence, second.record()]);
  const told = await first.next("stop-recording", (m) => m.archiveId === silent.archiveId);
  assert.equal(told.archiveId, silent.archiveId);

  const afterLeaving = platform.sdk.start(sessionId, { multiArchiveTag: "left" });
  await first.next("record");
  await first.leave();
  await Promise.all([afterLeaving, second.record()]);
});

Deno.test("when no page records, the start answers 500 and leaves nothing behind", async () => {
  await using platform = await openPlatform({ timings: { recorderStartMs: 100 } });
  const sessionId = await platform.session();
  const client = await platform.join(sessionId);
  const answer = await call(platform, "POST", "/archive", { sessionId });
  assert.equal(answer.status, 500);
  assert.match(answer.body.message, /no connected page began to record/);
  assert.equal((await platform.sdk.list()).total, 0);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${platform.dataDir}/archives`)), []);
  // A late answer is told to stop.
  const { archiveId } = await client.next("record");
  await client.next("stop-recording");
  client.send({ type: "recording-started", archiveId, epochMs: Date.now() });
  await client.next("stop-recording");
});

Deno.test("stopping answers 404 to an unknown archive and 409 to one that was stopped", async () => {
  await using platform = await openPlatform();
  await assert.rejects(platform.sdk.stop("nothing"), /Archive not found/);
  const { id } = await finishedArchive(platform, film);
  const again = await call(platform, "POST", `/archive/${id}/stop`, {});
  assert.equal(again.status, 409);
  assert.match(again.body.message, /not being recorded/);
});

Deno.test("deleting answers 409 while recording, and removes record and file after", async () => {
  await using platform = await openPlatform();
  const { archive, recording } = await recordingSession(platform);
  assert.equal((await call(platform, "DELETE", `/archive/${archive.id}`)).status, 409);
  await Promise.all([platform.sdk.stop(archive.id), recording.obey(film)]);
  const { url } = await untilStatus(platform, archive.id, "available");
  await platform.sdk.remove(archive.id);
  await assert.rejects(platform.sdk.get(archive.id), /Archive not found/);
  await assert.rejects(platform.sdk.remove(archive.id), /Archive not found/);
  assert.equal((await fetch(url)).status, 404);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${platform.dataDir}/archives`)), []);
});

Deno.test("the list is newest first, by page and by session", async () => {
  await using platform = await openPlatform();
  const made = [];
  for (const name of ["one", "two", "three"]) {
    made.push((await recordingSession(platform, { name })).archive);
  }
  const names = async (options = {}) => {
    const { archives, total } = await platform.sdk.list(options);
    return [total, ...archives.map((archive) => archive.name)];
  };
  assert.deepEqual(await names(), [3, "three", "two", "one"]);
  assert.deepEqual(await names({ offset: 1, count: 1 }), [3, "two"]);
  assert.deepEqual(await names({ sessionId: made[0]?.sessionId }), [1, "one"]);
  for (const query of ["count=1001", "offset=-1", "count=x"]) {
    assert.equal((await call(platform, "GET", `/archive?${query}`)).status, 400, query);
  }
});

Deno.test("an address that is none answers 404 in JSON", async () => {
  await using platform = await openPlatform();
  assert.equal((await call(platform, "GET", "/broadcast")).status, 404);
});
