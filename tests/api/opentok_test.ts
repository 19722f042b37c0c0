/** The API and its recordings on an OpenTok, also while its answers are lost. */
import assert from "node:assert/strict";
import { joinSchema } from "../../lib/recording/views.ts";
import { untilStatus } from "../emulator/test_emulator.ts";
import { CALLS, TestOpenTok } from "../emulator/test_opentok.ts";
import { assertJson, assertProblem, type TestServer, withServer } from "./server.ts";

const OPTIONS = { hasAudio: true, hasVideo: true, outputMode: "composed", resolution: "1280x720" };

/** A server on an OpenTok, with a participant in both sessions of the room. */
function onOpenTok(
  name: string,
  test: (server: TestServer, openTok: TestOpenTok) => Promise<void>,
): void {
  Deno.test({
    name,
    // Requests of the SDK that hang end with the proxy.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      await using openTok = await TestOpenTok.open();
      await withServer(async (server) => {
        const answer = await server.ask("POST", "/api/rooms/main/join", {
          as: "admin",
          body: { name: "Ada", host: true },
        });
        const join = joinSchema.parse(assertJson(answer));
        assert.deepEqual(join.client, {});
        assert.equal(join.apiKey, openTok.credentials.apiKey);
        for (const { token } of [join.primary, join.secondary]) await openTok.enter(token);
        await test(server, openTok);
      }, openTok.env);
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
onOpenTok(
  "a room is recorded, handed over, stopped and deleted on an OpenTok",
  async (server, openTok) => {
    const started = assertJson(await start(server));
    assert.equal(started.chain.state, "recording");
    const restarted = assertJson(await press(server, "restart"));
    assert.deepEqual(restarted.parts.map((part: { lane: string }) => part.lane), [
      "primary",
      "secondary",
      "primary",
    ]);
    assertJson(await press(server, "stop"));
    assert.deepEqual(await openTok.running(), []);

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
    for (const archive of (await openTok.emulator.sdk.list()).archives) {
      await untilStatus(openTok.emulator, archive.id, "available");
      const media = await server.ask("GET", `/api/archives/${archive.id}/media`, { as: "admin" });
      assert.equal(media.status, 302);
      assert.ok(media.headers.get("location")?.startsWith(openTok.emulator.origin));
    }
    const deleted = await server.ask("DELETE", `/api/chains/${items[0].chain.id}`, { as: "admin" });
    assert.equal(deleted.status, 204, deleted.text);
    assert.equal((await openTok.emulator.sdk.list()).total, 0);
  },
);

onOpenTok(
  "a start whose answer was lost is found again, never doubled",
  async (server, openTok) => {
    openTok.proxy.fault({ match: CALLS.startArchive, mode: "drop", after: true });
    const view = assertJson(await start(server));
    assert.equal(view.chain.state, "recording");
    const archives = await openTok.running();
    assert.equal(archives.length, 1, `${archives.length} archives run`);
    assert.equal(view.parts[0].archiveId, archives[0]?.id);
    assertJson(await press(server, "stop"));
    assert.deepEqual(await openTok.running(), []);
  },
);

onOpenTok(
  "a handover whose starts and stops lose their answers still covers all time",
  async (server, openTok) => {
    assertJson(await start(server));
    openTok.proxy.fault(
      { match: CALLS.startArchive, mode: "drop", after: true },
      { match: CALLS.stopArchive, mode: "drop", after: true },
      { match: CALLS.signal, mode: "status", status: 500 },
      { match: CALLS.listStreams, mode: "status", status: 429 },
    );
    const view = assertJson(await press(server, "restart"));
    assert.equal(view.parts.length, 3);
    assert.deepEqual(view.chain.gaps, []);
    const archives = await openTok.running();
    assert.equal(archives.length, 1);
    assert.equal(view.parts.at(-1).archiveId, archives[0]?.id);
    assertJson(await press(server, "stop"));
    assert.deepEqual(await openTok.running(), []);
  },
);

onOpenTok(
  "a refusal of the platform is reported, and the recording goes on",
  async (server, openTok) => {
    assertJson(await start(server));
    const [before] = await openTok.running();
    openTok.proxy.fault({ match: CALLS.startArchive, mode: "status", status: 403, times: 100 });
    const refused = await press(server, "restart");
    assert.ok(refused.status >= 500, refused.text);
    assertProblem(refused, refused.status, /[a-z]/);
    assert.deepEqual((await openTok.running()).map((a) => a.id), [before?.id]);
    openTok.proxy.heal();
    assertJson(await press(server, "stop"));
  },
);

for (const kind of ["archive", "session"] as const) {
  onOpenTok(
    `an archive that ends by itself is replaced after a callback about its ${kind}`,
    async (server, openTok) => {
      assertJson(await start(server));
      const [ended] = await openTok.running();
      assert.ok(ended);
      await openTok.emulator.sdk.stop(ended.id);
      const body = kind === "archive"
        ? { id: ended.id, event: "archive", status: "stopped" }
        : { sessionId: ended.sessionId, event: "connectionDestroyed", timestamp: Date.now() };
      const answer = await server.ask("POST", `/api/callbacks/${kind}`, { body });
      assert.equal(answer.status, 204, answer.text);
      const gone = new AbortController();
      for await (const view of server.services.chains.watch("main", gone.signal)) {
        const replacement = view.parts.find((part) => part.endedAtMs === null);
        if (replacement && replacement.archiveId !== ended.id) gone.abort();
      }
      assert.equal((await openTok.running()).length, 1);
      assertJson(await press(server, "stop"));
    },
  );
}

onOpenTok("healthz reports whether the OpenTok answers", async ({ ask }, openTok) => {
  assert.equal((await ask("GET", "/healthz")).status, 200);
  openTok.proxy.fault({ match: /./, mode: "drop", times: 1_000 });
  const rooms = await ask("POST", "/api/rooms", { as: "admin", body: { name: "other" } });
  assertProblem(rooms, 503, /cannot be reached/);
});
