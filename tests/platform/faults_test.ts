/** The adapter and the unmodified server SDK on an OpenTok, as it should be and with broken calls. */
import assert from "node:assert/strict";
import { createOpenTokPlatform } from "../../lib/platform/opentok.ts";
import {
  type Platform,
  PlatformError,
  type PlatformErrorKind,
} from "../../lib/platform/platform.ts";
import { untilStatus } from "../emulator/test_emulator.ts";
import { CALLS, TestOpenTok } from "../emulator/test_opentok.ts";
import type { Fault } from "../support/fault_proxy.ts";

const options = {
  name: "Hearing",
  hasAudio: true,
  hasVideo: true,
  outputMode: "composed",
} as const;
/** Long enough for a busy machine, so that only `hang` meets it. */
const DEADLINE_MS = 3_000;
/** For the faults that only the deadline ends. */
const SHORT_DEADLINE_MS = 200;

function platformOf(openTok: TestOpenTok, deadlineMs = DEADLINE_MS): Platform {
  const sleep = () => Promise.resolve();
  return createOpenTokPlatform({ ...openTok.credentials, deadlineMs, sleep });
}

/** A session with one publisher in it, whose page records. */
async function call(openTok: TestOpenTok, platform: Platform): Promise<string> {
  const sessionId = await platform.createSession();
  await openTok.enter(
    platform.createToken(sessionId, { role: "publisher", data: "", expiresInSeconds: 60 }),
  );
  return sessionId;
}

async function failure(attempt: Promise<unknown>): Promise<PlatformError> {
  const error = await attempt.then(() => null, (error) => error);
  assert.ok(error instanceof PlatformError, `expected a PlatformError, got ${error}`);
  return error;
}

Deno.test("a session is created, signalled, recorded, listed and deleted", async () => {
  await using openTok = await TestOpenTok.open();
  const platform = platformOf(openTok);
  const sessionId = await platform.createSession();
  assert.equal((await failure(platform.startArchive(sessionId, options))).kind, "not-found");
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

  const first = await platform.startArchive(sessionId, { ...options, resolution: "1280x720" });
  assert.deepEqual([first.status, first.resolution], ["started", "1280x720"]);
  assert.equal((await failure(platform.startArchive(sessionId, options))).kind, "conflict");
  const second = await platform.startArchive(sessionId, { ...options, multiArchiveTag: "next" });
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
  const platform = platformOf(openTok);
  const sessionId = await call(openTok, platform);
  await platform.startArchive(sessionId, options);
  const error = await failure(platform.startArchive(sessionId, options));
  assert.equal(
    error.message,
    "Cannot start an archive: the session is already being recorded",
  );
});

Deno.test("the wrong secret is refused as unauthorized, and is not in the error", async () => {
  await using openTok = await TestOpenTok.open();
  const platform = createOpenTokPlatform({ ...openTok.credentials, apiSecret: "guess" });
  const error = await failure(platform.createSession());
  assert.equal(error.kind, "unauthorized");
  assert.doesNotMatch(error.message, /guess/);
});

type Operation = (platform: Platform, sessionId: string, archiveId: string) => unknown;
const operations: [name: keyof typeof CALLS, run: Operation][] = [
  ["createSession", (p) => p.createSession()],
  ["startArchive", (p, session) => p.startArchive(session, options)],
  ["stopArchive", (p, _, archive) => p.stopArchive(archive)],
  ["getArchive", (p, _, archive) => p.getArchive(archive)],
  ["listArchives", (p, sessionId) => p.listArchives({ sessionId })],
  ["deleteArchive", (p, _, archive) => p.deleteArchive(archive)],
  ["signal", (p, session) => p.signal(session, { type: "join", data: "" })],
  ["listStreams", (p, session) => p.listStreams(session)],
];
const ALWAYS = 1_000;
const status = (code: number, kind: PlatformErrorKind): [Omit<Fault, "match">, RegExp] => [
  { mode: "status", status: code, times: ALWAYS },
  new RegExp(`^${kind}$`),
];
/** A cut may be noticed at once, or only by the deadline: the outcome is unknown either way. */
const UNKNOWN = /^(unavailable|timeout|unexpected)$/;
const faults: [Omit<Fault, "match">, RegExp][] = [
  status(400, "unexpected"),
  status(401, "unauthorized"),
  status(403, "unauthorized"),
  status(404, "not-found"),
  status(409, "conflict"),
  status(429, "rate-limited"),
  status(500, "unavailable"),
  status(503, "unavailable"),
  [{ mode: "status", status: 502, body: "<html>Bad Gateway</html>", times: ALWAYS }, UNKNOWN],
  [{ mode: "drop", times: ALWAYS }, UNKNOWN],
  [{ mode: "drop", times: ALWAYS, after: true }, UNKNOWN],
  [{ mode: "truncate", times: ALWAYS }, UNKNOWN],
  [{ mode: "truncate", times: ALWAYS, after: true }, UNKNOWN],
  [{ mode: "hang", times: ALWAYS }, /^timeout$/],
  [{ mode: "hang", times: ALWAYS, after: true }, /^timeout$/],
];

for (const [operation, run] of operations) {
  Deno.test({
    name: `${operation}() makes one typed error of every fault, and works afterwards`,
    // Requests of the SDK that hang end with the proxy.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      await using openTok = await TestOpenTok.open();
      const healthy = platformOf(openTok);
      for (const [fault, kind] of faults) {
        const sessionId = await call(openTok, healthy);
        const { id } = await healthy.startArchive(sessionId, options);
        if (operation === "deleteArchive") {
          await healthy.stopArchive(id);
          await untilStatus(openTok.emulator, id, "available");
        }
        openTok.proxy.fault({ match: CALLS[operation], ...fault });
        const deadlineMs = fault.mode === "status" ? DEADLINE_MS : SHORT_DEADLINE_MS;
        const platform = platformOf(openTok, deadlineMs);
        const error = await failure(Promise.resolve(run(platform, sessionId, id)));
        const what = `${operation} under ${JSON.stringify(fault)}`;
        assert.match(error.kind, kind, what);
        assert.match(error.message, /^Cannot .+: .+/, what);
        openTok.proxy.heal();
      }
      assert.ok(await call(openTok, healthy));
    },
  });
}

Deno.test("a delay below the deadline is only a delay", async () => {
  await using openTok = await TestOpenTok.open();
  openTok.proxy.fault({ match: /./, mode: "latency", ms: 100 });
  const platform = platformOf(openTok);
  assert.ok(await platform.createSession());
  assert.equal((await platform.listArchives({})).total, 0);
});

Deno.test("a call that is answered 429 is repeated, a change too", async () => {
  await using openTok = await TestOpenTok.open();
  const platform = platformOf(openTok);
  const sessionId = await call(openTok, platform);
  openTok.proxy.fault({ match: CALLS.startArchive, mode: "status", status: 429, times: 2 });
  assert.equal((await platform.startArchive(sessionId, options)).status, "started");
  assert.equal((await openTok.running()).length, 1);
});

Deno.test({
  name: "a start whose answer was lost is sent once",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using openTok = await TestOpenTok.open();
    const platform = platformOf(openTok);
    const sessionId = await call(openTok, platform);
    openTok.proxy.fault({ match: CALLS.startArchive, mode: "drop", after: true });
    assert.match((await failure(platform.startArchive(sessionId, options))).kind, UNKNOWN);
    assert.equal(openTok.count(CALLS.startArchive), 1);
    assert.equal((await openTok.running()).length, 1);
  },
});

Deno.test("a read that failed is sent again", async () => {
  await using openTok = await TestOpenTok.open();
  openTok.proxy.fault({ match: CALLS.listArchives, mode: "status", status: 503 });
  assert.equal((await platformOf(openTok).listArchives({})).total, 0);
  assert.equal(openTok.count(CALLS.listArchives), 2);
});
