import assert from "node:assert/strict";
import { type Film, filmSchema, type RoomView, roomViewSchema } from "../../lib/recording/views.ts";
import { assertJson, assertProblem, enterCall, test, type TestServer } from "./server.ts";

const running = (view: RoomView) => view.parts.filter((part) => part.endedAtMs === null);

/** Asks until an archive's file is there. */
async function untilAvailable({ ask }: TestServer, id: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    const { json } = await ask("GET", `/api/archives/${id}`);
    if (json.status === "available") return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.fail(`Archive ${id} did not become available`);
}

test("a room is started, handed over, stopped, watched and deleted by the API", async (server) => {
  const { ask, admin, command } = server;
  await using _ada = await enterCall(server);

  const started = await command("start", { name: "Seminar" });
  assert.equal(started.chain?.state, "recording");
  assert.equal(started.chain?.name, "Seminar");
  assert.deepEqual(running(started).map((part) => part.lane), ["primary"]);

  const handedOver = await command("restart");
  assert.equal(handedOver.parts.length, 3);
  assert.deepEqual(running(handedOver).map((part) => part.seq), [2]);
  assert.equal(handedOver.secondaryWanted, false);
  const path = `/api/chains/${started.chain?.id}`;
  assertProblem(await admin("DELETE", path), 409, /stop it/);

  const stopped = await command("stop");
  assert.deepEqual(running(stopped), []);
  assert.equal(stopped.chain, null);

  const { items: [row, ...others], cursor } = assertJson(
    await ask("GET", "/api/chains?name=Seminar"),
  );
  assert.deepEqual([row.chain.id, row.parts], [started.chain?.id, 3]);
  assert.ok(row.overlapSeconds >= 0);
  assert.deepEqual([others, cursor], [[], null]);
  for (const part of handedOver.parts) await untilAvailable(server, part.archiveId);
  // Until their files are read, parts lie where whole seconds put them.
  await server.services.chains.sweep();
  const film = filmSchema.parse(assertJson(await ask("GET", path)));
  assert.equal(film.parts.length, 3);
  assert.deepEqual(film.seams.map((seam) => seam.source), ["file", "file"]);
  assert.equal(film.state, "stopped");
  for (const part of film.parts) await assertMedia(server, part);

  const page = assertJson(await ask("GET", "/api/archives?limit=5"));
  assert.deepEqual([page.total, page.cursor, page.items.length], [3, null, 3]);

  const first = `/api/archives/${film.parts[0]?.archiveId}`;
  assert.equal((await admin("DELETE", first)).status, 204);
  assertProblem(await ask("GET", `${first}/media`), 404);
  assert.equal((await admin("DELETE", path)).status, 204);
  assertProblem(await ask("GET", path), 404);
  assert.equal(assertJson(await ask("GET", "/api/archives?limit=5")).total, 0);
});

/** Asserts that a part's address leads to its file. */
async function assertMedia({ ask, origin }: TestServer, part: Film["parts"][number]) {
  const media = await ask("GET", part.mediaUrl);
  assert.equal(media.status, 302);
  assert.equal(media.headers.get("cache-control"), "no-store");
  const location = media.headers.get("location") ?? "";
  assert.match(location, /^\/emulator\/media\//);
  const file = await fetch(origin + location);
  assert.equal(file.status, 200);
  assert.ok((await file.bytes()).length > 1000);
}

test("start and stop pressed twice do what they do once", async (server) => {
  const { ask, command } = server;
  await using _ada = await enterCall(server);
  const start = () => command("start", { name: "Twice" });
  const views = await Promise.all([start(), start()]);
  assert.equal(views[0].chain?.id, views[1].chain?.id);
  assert.equal(views[1].parts.length, 1);
  await Promise.all([command("stop"), command("stop")]);
  assert.equal(assertJson(await ask("GET", "/api/chains")).items.length, 1);
});

test("start says so when nobody is in the call", async ({ admin }) => {
  assertProblem(await admin("POST", "/api/rooms/main/start", { name: "Empty" }), 409);
});

test("with nothing recorded, restart says so and stop has nothing to do", async (server) => {
  const restarted = await server.admin("POST", "/api/rooms/main/restart");
  assertProblem(restarted, 404, /nothing is being recorded/);
  assert.equal((await server.command("stop")).chain, null);
});

test("the media of an archive that still records is refused with when to try again", async (server) => {
  await using _ada = await enterCall(server);
  const view = await server.command("start", { name: "Now" });
  const answer = await server.ask("GET", `/api/archives/${view.parts[0]?.archiveId}/media`);
  assertProblem(answer, 409, /still being recorded/);
  assert.equal(answer.headers.get("retry-after"), "10");
  await server.command("stop");
});

test("the event stream sends the room's state at once and on every change, and ends with its client", async (server) => {
  await using _ada = await enterCall(server);
  const response = await fetch(`${server.origin}/api/rooms/main/events`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  assert.ok(response.body);
  const views = eventsOf(response.body);
  assert.equal((await views.next()).value?.chain, null);
  const start = server.command("start", { name: "E" });
  let view: RoomView | undefined;
  while (view?.chain?.state !== "recording") {
    const { value } = await views.next();
    view = value ?? assert.fail("The stream ended");
  }
  assert.equal(view.chain.name, "E");
  await start;
  await views.return();
  await server.command("stop");
});

async function* eventsOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<RoomView, void, void> {
  let buffered = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    buffered += text;
    const events = buffered.split("\n\n");
    buffered = events.pop() ?? "";
    for (const event of events) {
      const data = event.match(/^data: (.*)$/m)?.[1];
      if (data) yield roomViewSchema.parse(JSON.parse(data));
    }
  }
}

test("rooms are made, listed, renamed and deleted by an admin", async ({ ask, admin }) => {
  const board = { name: "board", title: "The board" };
  assert.equal(assertJson(await admin("POST", "/api/rooms", board), 201).title, "The board");
  assertProblem(await admin("POST", "/api/rooms", { name: "board" }), 409);
  const renamed = await admin("POST", "/api/rooms/board", { title: "Board" });
  assert.equal(assertJson(renamed).title, "Board");
  const list = await ask("GET", "/api/rooms");
  const { items: [room, ...others] } = assertJson(list);
  assert.deepEqual([room.name, room.title, others], ["board", "Board", []]);
  assert.ok(!list.text.includes("sessions"));
  const enter = () => ask("POST", "/api/rooms/board/join", { name: "Ada" });
  const join = assertJson(await enter());
  assert.deepEqual(join.client, { proxyUrl: "/emulator", recorderUrl: "/modules/recorder.js" });
  assert.notEqual(join.primary.sessionId, join.secondary.sessionId);
  assert.equal((await admin("DELETE", "/api/rooms/board")).status, 204);
  assertProblem(await enter(), 404);
});

for (const base of ["", "/api"]) {
  test(`the sample's endpoints work at "${base || "/"}" in its shapes`, async (server) => {
    const get = async (path: string) => assertJson(await server.ask("GET", base + path));
    const post = (path: string, body: unknown = {}) => server.admin("POST", base + path, body);
    const { apiKey } = await get("/apiKey");
    assert.equal(typeof apiKey, "string");
    const sessions = await get("/sessionIds");
    assert.deepEqual(Object.keys(sessions).sort(), ["primary", "secondary"]);
    assert.deepEqual(Object.keys(await get("/tokens")).sort(), ["primary", "secondary"]);
    for (const path of ["/archives/offset", "/archives/any/offset"]) {
      assert.deepEqual(await get(path), { primary: 0.5, secondary: -0.25 });
    }
    await using _ada = await enterCall(server);

    const talk = { sessionName: "Talk" };
    const first = assertJson(await post("/archives", talk));
    assert.equal(first.status, "started");
    assert.equal(first.name, "Talk");
    assert.equal(first.sessionId, sessions.primary);
    assert.equal(first.hasAudio && first.hasVideo, true);
    assert.ok(Math.abs(first.createdAt - Date.now()) < 60_000);
    assert.equal(String(first.projectId), apiKey);

    const second = assertJson(await post(`/archives/${first.id}/restart`, talk));
    assert.notEqual(second.id, first.id);
    assert.equal(second.sessionId, sessions.primary);
    assert.equal(second.status, "started");
    // Pressed again on the old archive: its successor is the answer.
    const again = assertJson(await post(`/archives/${first.id}/restart`, talk));
    assert.equal(again.id, second.id);

    const stopped = assertJson(await post(`/archives/${second.id}/stop`));
    assert.equal(stopped.id, second.id);
    assert.notEqual(stopped.status, "started");
    assertProblem(await post(`/archives/${second.id}/restart`), 409);

    const archives: { createdAt: number }[] = await get("/archives?name=Talk");
    assert.equal(archives.length, 3);
    const times = archives.map((archive) => archive.createdAt);
    assert.deepEqual(times, times.toSorted((a, b) => a - b));
    assert.deepEqual(await get("/archives?name=Other"), []);
  }, { PLAYER_OFFSET_PRIMARY: "0.5", PLAYER_OFFSET_SECONDARY: "-0.25" });
}

test("a room whose strategy is simultaneous hands over on its own session, and nobody joins another", async (server) => {
  const { command } = server;
  const change = (path: string, body: unknown) => server.admin("POST", path, body);
  const changed = assertJson(await change("/api/rooms/main", { strategy: "simultaneous" }));
  assert.deepEqual([changed.title, changed.strategy], ["Main room", "simultaneous"]);
  assertProblem(await change("/api/rooms/main", {}), 400, /title or a strategy/);
  assertProblem(await change("/api/rooms/main", { strategy: "best" }), 400);
  const other = await change("/api/rooms", { name: "other", strategy: "simultaneous" });
  assert.equal(assertJson(other, 201).strategy, "simultaneous");

  await using _ada = await enterCall(server);
  assert.equal((await command("start", { name: "Seminar" })).chain?.strategy, "simultaneous");
  const handedOver = await command("restart");
  assert.deepEqual(handedOver.parts.map((part) => part.lane), ["primary", "primary"]);
  assert.deepEqual(running(handedOver).map((part) => part.seq), [1]);
  assert.equal(handedOver.chain?.strategy, "simultaneous");
  assert.deepEqual(handedOver.alerts, []);
  assert.equal((await command("stop")).chain, null);
});
