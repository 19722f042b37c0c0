/** The adapter and the unmodified server SDK against a double of the platform, well and spoiled. */
import assert from "node:assert/strict";
import { createOpenTokPlatform } from "../../lib/platform/opentok.ts";
import {
  type Platform,
  PlatformError,
  type PlatformErrorKind,
} from "../../lib/platform/platform.ts";
import { type Fault, OPENTOK_DOUBLE, OpenTokDouble } from "../support/opentok_double.ts";

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

function platformOf(double: OpenTokDouble, deadlineMs = DEADLINE_MS): Platform {
  return createOpenTokPlatform({
    apiKey: double.apiKey,
    apiSecret: double.apiSecret,
    apiUrl: double.httpOrigin,
    deadlineMs,
    sleep: () => Promise.resolve(),
  });
}

/** A session with one publisher in it. */
async function call(double: OpenTokDouble, platform: Platform): Promise<string> {
  const sessionId = await platform.createSession();
  await double.join(
    sessionId,
    platform.createToken(sessionId, { role: "publisher", data: "", expiresInSeconds: 60 }),
  );
  return sessionId;
}

async function failure(attempt: Promise<unknown>): Promise<PlatformError> {
  const error = await attempt.then(() => null, (error) => error);
  assert.ok(error instanceof PlatformError, `expected a PlatformError, got ${error}`);
  return error;
}

async function callsOf(double: OpenTokDouble, endpoint: string): Promise<number> {
  return (await double.journal()).filter((e) => e.endpoint === endpoint && "host" in e).length;
}

Deno.test({
  name: "a session is made, signalled, recorded, listed and deleted on an OpenTok",
  ignore: !OPENTOK_DOUBLE,
  fn: async () => {
    await using double = await OpenTokDouble.start();
    await double.configure({ archiveDelayMs: 0 });
    const platform = platformOf(double);
    const sessionId = await platform.createSession();
    const token = (role: "publisher" | "moderator") =>
      platform.createToken(sessionId, { role, data: '{"name":"Ada"}', expiresInSeconds: 60 });

    assert.equal((await failure(platform.startArchive(sessionId, options))).kind, "not-found");
    assert.deepEqual(await platform.listStreams(sessionId), []);
    const client = await double.join(sessionId, token("moderator"), "Ada");
    assert.deepEqual((await platform.listStreams(sessionId)).map((s) => s.name), ["Ada"]);
    await platform.signal(sessionId, { type: "join", data: "" });
    await client.signalled("join");

    const first = await platform.startArchive(sessionId, { ...options, resolution: "1280x720" });
    assert.equal(first.status, "started");
    assert.equal(first.resolution, "1280x720");
    assert.equal((await failure(platform.startArchive(sessionId, options))).kind, "conflict");
    const second = await platform.startArchive(sessionId, { ...options, multiArchiveTag: "next" });
    assert.notEqual(second.id, first.id);

    const { total, archives } = await platform.listArchives({ sessionId, count: 1 });
    assert.equal(total, 2);
    assert.deepEqual(archives.map((archive) => archive.id), [second.id]);

    const stopped = await platform.stopArchive(first.id);
    assert.match(stopped.status, /^(stopped|available)$/);
    assert.equal((await failure(platform.stopArchive(first.id))).kind, "conflict");
    await double.forceArchive(first.id, "available");
    const available = await platform.getArchive(first.id);
    assert.equal(available.status, "available");
    assert.ok(available.url && available.sizeBytes > 0);

    await platform.deleteArchive(first.id);
    assert.equal((await failure(platform.getArchive(first.id))).kind, "not-found");
    assert.equal((await failure(platform.deleteArchive(second.id))).kind, "conflict");
    assert.equal((await failure(platform.listStreams("1_unknown"))).kind, "not-found");
  },
});

Deno.test({
  name: "the wrong secret is refused as unauthorized",
  ignore: !OPENTOK_DOUBLE,
  fn: async () => {
    await using double = await OpenTokDouble.start();
    const apiUrl = double.httpOrigin;
    const platform = createOpenTokPlatform({ apiKey: double.apiKey, apiSecret: "guess", apiUrl });
    const error = await failure(platform.createSession());
    assert.equal(error.kind, "unauthorized");
    assert.doesNotMatch(error.message, /guess/);
  },
});

/** Every operation with the endpoint it calls. */
const operations: [string, string, (p: Platform, session: string, archive: string) => unknown][] = [
  ["createSession", "session.create", (p) => p.createSession()],
  ["startArchive", "archive.start", (p, session) => p.startArchive(session, options)],
  ["stopArchive", "archive.stop", (p, _, archive) => p.stopArchive(archive)],
  ["getArchive", "archive.get", (p, _, archive) => p.getArchive(archive)],
  ["listArchives", "archive.list", (p, sessionId) => p.listArchives({ sessionId })],
  ["deleteArchive", "archive.delete", (p, _, archive) => p.deleteArchive(archive)],
  ["signal", "signal", (p, session) => p.signal(session, { type: "join", data: "" })],
  ["listStreams", "stream.list", (p, session) => p.listStreams(session)],
];
const ALWAYS = 1_000;
const status = (code: number, kind: PlatformErrorKind): [Omit<Fault, "endpoint">, RegExp] => [
  { mode: "status", status: code, times: ALWAYS },
  new RegExp(`^${kind}$`),
];
/** A cut may be noticed at once, or only by the deadline: the outcome is unknown either way. */
const UNKNOWN = /^(unavailable|timeout|unexpected)$/;
const faults: [Omit<Fault, "endpoint">, RegExp][] = [
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

for (const [operation, endpoint, run] of operations) {
  Deno.test({
    name: `${operation}() makes one typed error of every fault of an OpenTok, and works on`,
    ignore: !OPENTOK_DOUBLE,
    // What hangs is ours no more, but its socket stays until the double ends.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      await using double = await OpenTokDouble.start();
      await double.configure({ archiveDelayMs: 3_600_000 });
      for (const [fault, kind] of faults) {
        const platform = platformOf(
          double,
          fault.mode === "status" ? DEADLINE_MS : SHORT_DEADLINE_MS,
        );
        const session = await call(double, platformOf(double));
        const archive = await platformOf(double).startArchive(session, {
          ...options,
          multiArchiveTag: "there already",
        });
        if (operation === "deleteArchive") await double.forceArchive(archive.id, "uploaded");
        await double.fault({ endpoint, ...fault });
        const error = await failure(Promise.resolve(run(platform, session, archive.id)));
        const what = `${operation} under ${JSON.stringify(fault)}`;
        assert.match(error.kind, kind, what);
        assert.match(error.message, /^Cannot .+: .+/, what);
        await double.heal();
      }
      const platform = platformOf(double);
      assert.ok(await call(double, platform));
    },
  });
}

Deno.test({
  name: "latency below the deadline is only latency",
  ignore: !OPENTOK_DOUBLE,
  fn: async () => {
    await using double = await OpenTokDouble.start();
    await double.fault({ endpoint: "*", mode: "latency", ms: 100 });
    const platform = platformOf(double);
    assert.ok(await platform.createSession());
    assert.equal((await platform.listArchives({})).total, 0);
  },
});

Deno.test({
  name: "a 429 is waited for and then works, for changes too",
  ignore: !OPENTOK_DOUBLE,
  fn: async () => {
    await using double = await OpenTokDouble.start();
    const platform = platformOf(double);
    const session = await call(double, platform);
    await double.fault({ endpoint: "archive.start", status: 429, times: 2 });
    assert.equal((await platform.startArchive(session, options)).status, "started");
    assert.equal((await double.state()).archives.length, 1);
  },
});

Deno.test({
  name: "a start whose answer was lost is sent once, a lost read again",
  ignore: !OPENTOK_DOUBLE,
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using double = await OpenTokDouble.start();
    const platform = platformOf(double);
    const session = await call(double, platform);
    await double.fault({ endpoint: "archive.start", mode: "drop", after: true });
    assert.match((await failure(platform.startArchive(session, options))).kind, UNKNOWN);
    assert.equal(await callsOf(double, "archive.start"), 1);
    assert.equal((await double.state()).archives.length, 1);

    await double.fault({ endpoint: "archive.list", status: 503, times: 1 });
    assert.equal((await platform.listArchives({ sessionId: session })).total, 1);
    assert.equal(await callsOf(double, "archive.list"), 2);
  },
});
