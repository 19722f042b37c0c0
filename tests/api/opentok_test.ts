/** The API and its recordings on an OpenTok, also while its answers are lost. */
import assert from "node:assert/strict";
import { joinSchema } from "../../lib/recording/views.ts";
import { untilStatus } from "../emulator/test_emulator.ts";
import { CALLS, TestOpenTok } from "../emulator/test_opentok.ts";
import { assertJson, assertProblem, openServer, type TestServer } from "./server.ts";

const RECORDING = {
  name: "Hearing",
  options: { hasAudio: true, hasVideo: true, outputMode: "composed", resolution: "1280x720" },
};

/** Defines a test on an OpenTok, with a participant in both sessions of the room. */
function test(
  name: string,
  run: (server: TestServer & { openTok: TestOpenTok }) => Promise<void>,
): void {
  // Requests of the SDK that hang end with the proxy.
  Deno.test(name, { sanitizeOps: false, sanitizeResources: false }, async () => {
    await using openTok = await TestOpenTok.open();
    await using server = await openServer(openTok.env);
    const host = { name: "Ada", host: true };
    const answer = await server.admin("POST", "/api/rooms/main/join", host);
    const join = joinSchema.parse(assertJson(answer));
    assert.deepEqual(join.client, {});
    assert.equal(join.apiKey, openTok.credentials.apiKey);
    for (const { token } of [join.primary, join.secondary]) await openTok.enter(token);
    await run({ ...server, openTok });
  });
}

test("a room is recorded, handed over, stopped and deleted on an OpenTok", async ({ admin, command, openTok }) => {
  const { emulator } = openTok;
  assert.equal((await command("start", RECORDING)).chain?.state, "recording");
  const lanes = (await command("restart")).parts.map((part) => part.lane);
  assert.deepEqual(lanes, ["primary", "secondary", "primary"]);
  await command("stop");
  assert.deepEqual(await openTok.running(), []);

  const { items: chains } = assertJson(await admin("GET", "/api/chains?name=Hearing"));
  assert.equal(chains.length, 1);
  assert.equal(chains[0].parts, 3);
  const page = assertJson(await admin("GET", "/api/archives?limit=2"));
  assert.deepEqual([page.items.length, page.total], [2, 3]);
  const rest = assertJson(await admin("GET", `/api/archives?limit=2&cursor=${page.cursor}`));
  assert.deepEqual([rest.items.length, rest.cursor], [1, null]);
  for (const { id } of (await emulator.sdk.list()).archives) {
    await untilStatus(emulator, id, "available");
    const media = await admin("GET", `/api/archives/${id}/media`);
    assert.equal(media.status, 302);
    assert.ok(media.headers.get("location")?.startsWith(emulator.origin));
  }
  const deleted = await admin("DELETE", `/api/chains/${chains[0].chain.id}`);
  assert.equal(deleted.status, 204, deleted.text);
  assert.equal((await emulator.sdk.list()).total, 0);
});

test("a start whose answer was lost is found again, never doubled", async ({ command, openTok }) => {
  openTok.proxy.fault({ match: CALLS.startArchive, mode: "drop", after: true });
  const view = await command("start", RECORDING);
  assert.equal(view.chain?.state, "recording");
  const archives = await openTok.running();
  assert.equal(archives.length, 1, `${archives.length} archives run`);
  assert.equal(view.parts[0]?.archiveId, archives[0]?.id);
  await command("stop");
  assert.deepEqual(await openTok.running(), []);
});

test("a handover whose starts and stops lose their answers still covers all time", async ({ command, openTok }) => {
  await command("start", RECORDING);
  openTok.proxy.fault(
    { match: CALLS.startArchive, mode: "drop", after: true },
    { match: CALLS.stopArchive, mode: "drop", after: true },
    { match: CALLS.signal, mode: "status", status: 500 },
    { match: CALLS.listStreams, mode: "status", status: 429 },
  );
  const view = await command("restart");
  assert.equal(view.parts.length, 3);
  assert.deepEqual(view.chain?.gaps, []);
  const archives = await openTok.running();
  assert.equal(archives.length, 1);
  assert.equal(view.parts.at(-1)?.archiveId, archives[0]?.id);
  await command("stop");
  assert.deepEqual(await openTok.running(), []);
});

test("a refusal of the platform is reported, and the recording goes on", async ({ admin, command, openTok }) => {
  await command("start", RECORDING);
  const before = await openTok.running();
  openTok.proxy.fault({ match: CALLS.startArchive, mode: "status", status: 403, times: 100 });
  const refused = await admin("POST", "/api/rooms/main/restart");
  assert.ok(refused.status >= 500, refused.text);
  assertProblem(refused, refused.status, /[a-z]/);
  assert.equal(before.length, 1);
  assert.deepEqual((await openTok.running()).map(({ id }) => id), before.map(({ id }) => id));
  openTok.proxy.heal();
  await command("stop");
});

for (const kind of ["archive", "session"] as const) {
  test(`an archive that ends by itself is replaced after a callback about its ${kind}`, async ({ ask, command, services, openTok }) => {
    await command("start", RECORDING);
    const [ended] = await openTok.running();
    assert.ok(ended);
    await openTok.emulator.sdk.stop(ended.id);
    const body = kind === "archive"
      ? { id: ended.id, event: "archive", status: "stopped" }
      : { sessionId: ended.sessionId, event: "connectionDestroyed", timestamp: Date.now() };
    const answer = await ask("POST", `/api/callbacks/${kind}`, body);
    assert.equal(answer.status, 204, answer.text);
    const gone = new AbortController();
    for await (const view of services.chains.watch("main", gone.signal)) {
      const replacement = view.parts.find((part) => part.endedAtMs === null);
      if (replacement && replacement.archiveId !== ended.id) gone.abort();
    }
    assert.equal((await openTok.running()).length, 1);
    await command("stop");
  });
}

test("healthz reports whether the OpenTok answers", async ({ ask, admin, openTok }) => {
  assert.equal((await ask("GET", "/healthz")).status, 200);
  openTok.proxy.fault({ match: /./, mode: "drop", times: 1_000 });
  assertProblem(await admin("POST", "/api/rooms", { name: "other" }), 503, /cannot be reached/);
});
