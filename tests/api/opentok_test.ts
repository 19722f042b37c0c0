/** The API and its recordings on an OpenTok (a double of it), well and with its answers lost. */
import assert from "node:assert/strict";
import { joinSchema } from "../../lib/recording/views.ts";
import { OPENTOK_DOUBLE, OpenTokDouble } from "../support/opentok_double.ts";
import { assertJson, assertProblem, type TestServer, withServer } from "./server.ts";

const OPTIONS = { hasAudio: true, hasVideo: true, outputMode: "composed", resolution: "1280x720" };

/** A server on a double, with somebody in both sessions of the room. */
function onOpenTok(
  name: string,
  test: (server: TestServer, double: OpenTokDouble) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: !OPENTOK_DOUBLE,
    // The SDK's requests that hang end with the double.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      await using double = await OpenTokDouble.start();
      await withServer(async (server) => {
        const join = joinSchema.parse(
          assertJson(
            await server.ask("POST", "/api/rooms/main/join", {
              as: "admin",
              body: { name: "Ada", host: true },
            }),
          ),
        );
        assert.equal(join.client, "opentok");
        assert.equal(join.apiKey, double.apiKey);
        for (const { sessionId, token } of [join.primary, join.secondary]) {
          await double.join(sessionId, token);
        }
        await test(server, double);
      }, double.env);
    },
  });
}

const start = (server: TestServer) =>
  server.ask("POST", "/api/rooms/main/start", {
    as: "admin",
    body: { name: "Hearing", options: OPTIONS },
  });
const press = (server: TestServer, verb: "restart" | "stop") =>
  server.ask("POST", `/api/rooms/main/${verb}`, { as: "admin" });
const running = async (double: OpenTokDouble) =>
  (await double.state()).archives.filter((archive) => archive.status === "started");

onOpenTok(
  "a room is recorded, handed over, stopped and deleted on an OpenTok",
  async (server, double) => {
    await double.configure({ archiveDelayMs: 0 });
    const started = assertJson(await start(server));
    assert.equal(started.chain.state, "recording");
    const restarted = assertJson(await press(server, "restart"));
    assert.deepEqual(restarted.parts.map((part: { lane: string }) => part.lane), [
      "primary",
      "secondary",
      "primary",
    ]);
    assertJson(await press(server, "stop"));
    assert.deepEqual(await running(double), []);

    const { items } = assertJson(
      await server.ask("GET", "/api/chains?name=Hearing", { as: "admin" }),
    );
    assert.equal(items.length, 1);
    assert.equal(items[0].parts, 3);
    const page = assertJson(await server.ask("GET", "/api/archives?limit=2", { as: "admin" }));
    assert.equal(page.items.length, 2);
    const rest = assertJson(
      await server.ask("GET", `/api/archives?limit=2&cursor=${page.cursor}`, { as: "admin" }),
    );
    assert.equal(rest.items.length, 1);
    assert.equal(rest.cursor, null);
    assert.equal(page.total, 3);
    for (const archive of (await double.state()).archives) {
      await double.forceArchive(archive.id, "available");
      const media = await server.ask("GET", `/api/archives/${archive.id}/media`, { as: "admin" });
      assert.equal(media.status, 302);
      assert.ok(media.headers.get("location")?.startsWith(double.httpOrigin));
    }
    const deleted = await server.ask("DELETE", `/api/chains/${items[0].chain.id}`, { as: "admin" });
    assert.equal(deleted.status, 204, deleted.text);
    assert.deepEqual((await double.state()).archives, []);
  },
);

onOpenTok("a start whose answer was lost is found again, never doubled", async (server, double) => {
  await double.fault({ endpoint: "archive.start", mode: "drop", after: true });
  const view = assertJson(await start(server));
  assert.equal(view.chain.state, "recording");
  const archives = await running(double);
  assert.equal(archives.length, 1, `${archives.length} archives run`);
  assert.equal(view.parts[0].archiveId, archives[0]?.id);
  assertJson(await press(server, "stop"));
  assert.deepEqual(await running(double), []);
});

onOpenTok(
  "a handover whose starts and stops lose their answers still covers all time",
  async (server, double) => {
    assertJson(await start(server));
    await double.fault(
      { endpoint: "archive.start", mode: "drop", after: true },
      { endpoint: "archive.stop", mode: "drop", after: true },
      { endpoint: "signal", mode: "status", status: 500 },
      { endpoint: "stream.list", mode: "status", status: 429 },
    );
    const view = assertJson(await press(server, "restart"));
    assert.equal(view.parts.length, 3);
    assert.deepEqual(view.chain.gaps, []);
    const archives = await running(double);
    assert.equal(archives.length, 1);
    assert.equal(view.parts.at(-1).archiveId, archives[0]?.id);
    assertJson(await press(server, "stop"));
    assert.deepEqual(await running(double), []);
  },
);

onOpenTok(
  "a platform that refuses is told in words, and the recording goes on",
  async (server, double) => {
    assertJson(await start(server));
    const [before] = await running(double);
    await double.fault({ endpoint: "archive.start", mode: "status", status: 403, times: 100 });
    const refused = await press(server, "restart");
    assert.ok(refused.status >= 500, refused.text);
    assertProblem(refused, refused.status, /[a-z]/);
    assert.deepEqual((await running(double)).map((a) => a.id), [before?.id]);
    await double.heal();
    assertJson(await press(server, "stop"));
  },
);

for (const kind of ["archive", "session"] as const) {
  onOpenTok(
    `an archive that ends by itself is replaced once a callback tells of its ${kind}`,
    async (server, double) => {
      assertJson(await start(server));
      const [ended] = await running(double);
      assert.ok(ended);
      await double.forceArchive(ended.id, "stopped", "session ended");
      const body = kind === "archive"
        ? { id: ended.id, event: "archive", status: "stopped" }
        : { sessionId: ended.sessionId, event: "connectionDestroyed", timestamp: Date.now() };
      const told = await server.ask("POST", `/api/callbacks/${kind}`, { body });
      assert.equal(told.status, 204, told.text);
      const gone = new AbortController();
      for await (const view of server.services.chains.watch("main", gone.signal)) {
        const replacement = view.parts.find((part) => part.endedAtMs === null);
        if (replacement && replacement.archiveId !== ended.id) gone.abort();
      }
      assert.equal((await running(double)).length, 1);
      assertJson(await press(server, "stop"));
    },
  );
}

onOpenTok("healthz tells whether the OpenTok answers", async ({ ask }, double) => {
  assert.equal((await ask("GET", "/healthz")).status, 200);
  await double.fault({ endpoint: "*", mode: "drop", times: 1_000 });
  const rooms = await ask("POST", "/api/rooms", { as: "admin", body: { name: "other" } });
  assertProblem(rooms, 503, /cannot be reached/);
});
