/** The adapter and the unmodified server SDK on an OpenTok, as it should be and with broken calls. */
import assert from "node:assert/strict";
import type { Platform } from "../../lib/platform/platform.ts";
import { untilStatus } from "../emulator/test_emulator.ts";
import { CALLS, TestOpenTok } from "../emulator/test_opentok.ts";
import { failure, platformOf, START } from "./support.ts";

/** A session with one publisher in it, whose page records. */
async function call(openTok: TestOpenTok, platform: Platform): Promise<string> {
  const sessionId = await platform.createSession();
  await openTok.enter(
    platform.createToken(sessionId, { role: "publisher", data: "", expiresInSeconds: 60 }),
  );
  return sessionId;
}

Deno.test("a session is created, signalled, recorded, listed and deleted", async () => {
  await using openTok = await TestOpenTok.open();
  const platform = platformOf(openTok.credentials);
  const sessionId = await platform.createSession();
  assert.equal((await failure(platform.startArchive(sessionId, START))).kind, "not-found");
  assert.deepEqual(await platform.listStreams(sessionId), []);
  const client = await openTok.enter(
    platform.createToken(sessionId, {
      role: "moderator",
      data: '{"name":"Ada"}',
      expiresInSeconds: 60,
    }),
  );
  assert.deepEqual((await platform.listStreams(sessionId)).map(({ name }) => name), ["Ada"]);
  await platform.signal(sessionId, { type: "join", data: "" });
  assert.equal((await client.next("signal", "signal")).content.type, "join");

  const first = await platform.startArchive(sessionId, { ...START, resolution: "1280x720" });
  assert.deepEqual([first.status, first.resolution], ["started", "1280x720"]);
  assert.equal((await failure(platform.startArchive(sessionId, START))).kind, "conflict");
  const second = await platform.startArchive(sessionId, { ...START, multiArchiveTag: "next" });
  const { total, archives } = await platform.listArchives({ sessionId, count: 1 });
  assert.deepEqual([total, archives.map(({ id }) => id)], [2, [second.id]]);

  assert.match((await platform.stopArchive(first.id)).status, /^(stopped|available)$/);
  assert.equal((await failure(platform.stopArchive(first.id))).kind, "conflict");
  await untilStatus(openTok.emulator, first.id, "available");
  const available = await platform.getArchive(first.id);
  assert.ok(available.url && available.sizeBytes > 0);

  await platform.deleteArchive(first.id);
  assert.equal((await failure(platform.getArchive(first.id))).kind, "not-found");
  assert.equal((await failure(platform.deleteArchive(second.id))).kind, "conflict");
  assert.equal((await failure(platform.listStreams("1_unknown"))).kind, "not-found");
});

Deno.test("the platform's own reason for a refused start is in the error", async () => {
  await using openTok = await TestOpenTok.open();
  const platform = platformOf(openTok.credentials);
  const sessionId = await call(openTok, platform);
  await platform.startArchive(sessionId, START);
  const { message } = await failure(platform.startArchive(sessionId, START));
  assert.equal(message, "Cannot start an archive: the session is already being recorded");
});

Deno.test("the wrong secret is refused as unauthorized, and is not in the error", async () => {
  await using openTok = await TestOpenTok.open();
  const platform = platformOf({ ...openTok.credentials, apiSecret: "guess" });
  const error = await failure(platform.createSession());
  assert.equal(error.kind, "unauthorized");
  assert.doesNotMatch(error.message, /guess/);
});

Deno.test("a delay below the deadline is only a delay", async () => {
  await using openTok = await TestOpenTok.open();
  openTok.proxy.fault({ match: /./, mode: "latency", ms: 100 });
  const platform = platformOf(openTok.credentials);
  assert.ok(await platform.createSession());
  assert.equal((await platform.listArchives({})).total, 0);
});

Deno.test("a call that is answered 429 is repeated, a change too", async () => {
  await using openTok = await TestOpenTok.open();
  const platform = platformOf(openTok.credentials);
  const sessionId = await call(openTok, platform);
  openTok.proxy.fault({ match: CALLS.startArchive, mode: "status", status: 429, times: 2 });
  assert.equal((await platform.startArchive(sessionId, START)).status, "started");
  assert.equal((await openTok.running()).length, 1);
});

// Requests of the SDK that hang end with the proxy.
const LEFT_OPEN = { sanitizeOps: false, sanitizeResources: false };
Deno.test("a start whose answer was lost is sent once", LEFT_OPEN, async () => {
  await using openTok = await TestOpenTok.open();
  const platform = platformOf(openTok.credentials);
  const sessionId = await call(openTok, platform);
  openTok.proxy.fault({ match: CALLS.startArchive, mode: "drop", after: true });
  const { kind } = await failure(platform.startArchive(sessionId, START));
  assert.match(kind, /^(unavailable|timeout|unexpected)$/);
  assert.equal(openTok.count(CALLS.startArchive), 1);
  assert.equal((await openTok.running()).length, 1);
});

Deno.test("a read that failed is sent again", async () => {
  await using openTok = await TestOpenTok.open();
  openTok.proxy.fault({ match: CALLS.listArchives, mode: "status", status: 503 });
  assert.equal((await platformOf(openTok.credentials).listArchives({})).total, 0);
  assert.equal(openTok.count(CALLS.listArchives), 2);
});
