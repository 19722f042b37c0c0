import assert from "node:assert/strict";
import { filmSchema, type RoomView, roomViewSchema } from "../../lib/recording/views.ts";
import {
  type Answer,
  assertJson,
  assertProblem,
  Participant,
  type TestServer,
  withServer,
} from "./server.ts";

const room = (answer: Answer): RoomView => roomViewSchema.parse(assertJson(answer));
const running = (view: RoomView) => view.parts.filter((part) => part.endedAtMs === null);

/** Asks until an archive's file is there. */
async function untilAvailable({ ask }: TestServer, id: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    const { json } = await ask("GET", `/api/archives/${id}`, { as: "admin" });
    if (json.status === "available") return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.fail(`Archive ${id} did not become available`);
}

Deno.test("a room is started, handed over, stopped, watched and deleted by the API", () =>
  withServer(async (server) => {
    const { ask } = server;
    await using _ada = await Participant.enter(server);
    const admin = (method: string, path: string, body?: unknown) =>
      ask(method, path, { as: "admin", body });

    const started = room(await admin("POST", "/api/rooms/main/start", { name: "Seminar" }));
    assert.equal(started.chain?.state, "recording");
    assert.equal(started.chain?.name, "Seminar");
    assert.deepEqual(running(started).map((part) => part.lane), ["primary"]);

    const handedOver = room(await admin("POST", "/api/rooms/main/restart"));
    assert.equal(handedOver.parts.length, 3);
    assert.deepEqual(running(handedOver).map((part) => part.seq), [2]);
    assert.equal(handedOver.secondaryWanted, false);
    const id = started.chain?.id ?? "";
    assertProblem(await admin("DELETE", `/api/chains/${id}`), 409, /stop it/);

    const stopped = room(await admin("POST", "/api/rooms/main/stop"));
    assert.deepEqual(running(stopped), []);
    assert.equal(stopped.chain, null);

    const chains = assertJson(await ask("GET", "/api/chains?name=Seminar"));
    assert.equal(chains.cursor, null);
    assert.deepEqual(
      chains.items.map((
        item: { chain: { id: string }; parts: number; overlapSeconds: number },
      ) => [item.chain.id, item.parts, item.overlapSeconds >= 0]),
      [[id, 3, true]],
    );
    for (const part of handedOver.parts) await untilAvailable(server, part.archiveId);
    // Until their files are read, parts lie where whole seconds put them.
    await server.services.chains.sweep();
    const film = filmSchema.parse(assertJson(await ask("GET", `/api/chains/${id}`)));
    assert.equal(film.parts.length, 3);
    assert.deepEqual(film.seams.map((seam) => seam.source), ["file", "file"]);
    assert.equal(film.state, "stopped");

    for (const part of film.parts) {
      const media = await ask("GET", part.mediaUrl);
      assert.equal(media.status, 302);
      assert.equal(media.headers.get("cache-control"), "no-store");
      const location = media.headers.get("location") ?? "";
      assert.match(location, /^\/emulator\/media\//);
      const file = await fetch(server.origin + location);
      assert.equal(file.status, 200);
      assert.ok((await file.bytes()).length > 1000);
    }

    const page = assertJson(await ask("GET", "/api/archives?limit=5"));
    assert.equal(page.total, 3);
    assert.equal(page.cursor, null);
    assert.equal(page.items.length, 3);

    const [first] = film.parts;
    assert.equal((await admin("DELETE", `/api/archives/${first?.archiveId}`)).status, 204);
    assertProblem(await ask("GET", `/api/archives/${first?.archiveId}/media`), 404);
    assert.equal((await admin("DELETE", `/api/chains/${id}`)).status, 204);
    assertProblem(await ask("GET", `/api/chains/${id}`), 404);
    assert.equal(assertJson(await ask("GET", "/api/archives?limit=5")).total, 0);
  }));

Deno.test("start and stop pressed twice do what they do once", () =>
  withServer(async (server) => {
    await using _ada = await Participant.enter(server);
    const admin = (path: string, body?: unknown) => server.ask("POST", path, { as: "admin", body });
    const start = () => admin("/api/rooms/main/start", { name: "Twice" });
    const views = (await Promise.all([start(), start()])).map(room);
    assert.equal(views[0]?.chain?.id, views[1]?.chain?.id);
    assert.equal(views.at(-1)?.parts.length, 1);
    (await Promise.all([admin("/api/rooms/main/stop"), admin("/api/rooms/main/stop")])).map(room);
    assert.equal(assertJson(await server.ask("GET", "/api/chains")).items.length, 1);
  }));

Deno.test("start says so when nobody is in the call", () =>
  withServer(async ({ ask }) => {
    const answer = await ask("POST", "/api/rooms/main/start", {
      as: "admin",
      body: { name: "Empty" },
    });
    assertProblem(answer, 409);
  }));

Deno.test("with nothing recorded, restart says so and stop has nothing to do", () =>
  withServer(async ({ ask }) => {
    const restarted = await ask("POST", "/api/rooms/main/restart", { as: "admin" });
    assertProblem(restarted, 404, /nothing is being recorded/);
    assert.equal(room(await ask("POST", "/api/rooms/main/stop", { as: "admin" })).chain, null);
  }));

Deno.test("the media of an archive that still records is refused with when to try again", () =>
  withServer(async (server) => {
    await using _ada = await Participant.enter(server);
    const view = room(
      await server.ask("POST", "/api/rooms/main/start", { as: "admin", body: { name: "Now" } }),
    );
    const answer = await server.ask("GET", `/api/archives/${view.parts[0]?.archiveId}/media`);
    assertProblem(answer, 409, /still being recorded/);
    assert.equal(answer.headers.get("retry-after"), "10");
    await server.ask("POST", "/api/rooms/main/stop", { as: "admin" });
  }));

Deno.test("the event stream sends the room's state at once and on every change, and ends with its client", () =>
  withServer(async (server) => {
    await using _ada = await Participant.enter(server);
    const response = await fetch(`${server.origin}/api/rooms/main/events`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    assert.ok(response.body);
    const views = eventsOf(response.body);
    const first = await views.next();
    assert.equal(first.value?.chain, null);
    const start = server.ask("POST", "/api/rooms/main/start", { as: "admin", body: { name: "E" } });
    const until = async (wanted: (view: RoomView) => boolean) => {
      for await (const view of { [Symbol.asyncIterator]: () => views, return: undefined }) {
        if (wanted(view)) return view;
      }
      assert.fail("The stream ended");
    };
    const seen = await until((view) => view.chain?.state === "recording");
    assert.equal(seen.chain?.name, "E");
    await start;
    await views.return(undefined);
    await server.ask("POST", "/api/rooms/main/stop", { as: "admin" });
  }));

async function* eventsOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<RoomView> {
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

Deno.test("rooms are made, listed, renamed and deleted by an admin", () =>
  withServer(async ({ ask }) => {
    const admin = (method: string, path: string, body?: unknown) =>
      ask(method, path, { as: "admin", body });
    const made = assertJson(
      await admin("POST", "/api/rooms", { name: "board", title: "The board" }),
      201,
    );
    assert.equal(made.title, "The board");
    assertProblem(await admin("POST", "/api/rooms", { name: "board" }), 409);
    assert.equal(
      assertJson(await admin("POST", "/api/rooms/board", { title: "Board" })).title,
      "Board",
    );
    const list = assertJson(await ask("GET", "/api/rooms"));
    assert.deepEqual(
      list.items.map((item: { name: string; title: string }) => [item.name, item.title]),
      [["board", "Board"]],
    );
    assert.ok(!JSON.stringify(list).includes("sessions"));
    const join = assertJson(await ask("POST", "/api/rooms/board/join", { body: { name: "Ada" } }));
    assert.deepEqual(join.client, { proxyUrl: "/emulator", recorderUrl: "/modules/recorder.js" });
    assert.notEqual(join.primary.sessionId, join.secondary.sessionId);
    assert.equal((await admin("DELETE", "/api/rooms/board")).status, 204);
    assertProblem(await ask("POST", "/api/rooms/board/join", { body: { name: "Ada" } }), 404);
  }));

for (const base of ["", "/api"]) {
  Deno.test(`the sample's endpoints work at "${base || "/"}" in its shapes`, () =>
    withServer(async (server) => {
      const { ask } = server;
      const { apiKey } = assertJson(await ask("GET", `${base}/apiKey`));
      assert.equal(typeof apiKey, "string");
      const sessions = assertJson(await ask("GET", `${base}/sessionIds`));
      const tokens = assertJson(await ask("GET", `${base}/tokens`));
      assert.deepEqual(Object.keys(sessions).sort(), ["primary", "secondary"]);
      assert.deepEqual(Object.keys(tokens).sort(), ["primary", "secondary"]);
      for (const path of ["/archives/offset", "/archives/any/offset"]) {
        const offsets = assertJson(await ask("GET", base + path));
        assert.deepEqual(offsets, { primary: 0.5, secondary: -0.25 });
      }
      await using _ada = await Participant.enter(server);
      const post = (path: string, body: unknown = {}) =>
        ask("POST", base + path, { as: "admin", body });

      const first = assertJson(await post("/archives", { sessionName: "Talk" }));
      assert.equal(first.status, "started");
      assert.equal(first.name, "Talk");
      assert.equal(first.sessionId, sessions.primary);
      assert.equal(first.hasAudio && first.hasVideo, true);
      assert.ok(Math.abs(first.createdAt - Date.now()) < 60_000);
      assert.equal(String(first.projectId), apiKey);

      const second = assertJson(
        await post(`/archives/${first.id}/restart`, { sessionName: "Talk" }),
      );
      assert.notEqual(second.id, first.id);
      assert.equal(second.sessionId, sessions.primary);
      assert.equal(second.status, "started");
      // Pressed again on the old archive: its successor is the answer.
      const again = assertJson(
        await post(`/archives/${first.id}/restart`, { sessionName: "Talk" }),
      );
      assert.equal(again.id, second.id);

      const stopped = assertJson(await post(`/archives/${second.id}/stop`));
      assert.equal(stopped.id, second.id);
      assert.notEqual(stopped.status, "started");
      assertProblem(await post(`/archives/${second.id}/restart`), 409);

      const archives = assertJson(await ask("GET", `${base}/archives?name=Talk`));
      assert.equal(archives.length, 3);
      const times = archives.map((archive: { createdAt: number }) => archive.createdAt);
      assert.deepEqual(times, times.toSorted((a: number, b: number) => a - b));
      assert.deepEqual(assertJson(await ask("GET", `${base}/archives?name=Other`)), []);
    }, { PLAYER_OFFSET_PRIMARY: "0.5", PLAYER_OFFSET_SECONDARY: "-0.25" }));
}

Deno.test("a room whose strategy is simultaneous hands over on its own session, and nobody joins another", () =>
  withServer(async (server) => {
    const { ask } = server;
    const admin = (path: string, body?: unknown) => ask("POST", path, { as: "admin", body });
    const changed = assertJson(await admin("/api/rooms/main", { strategy: "simultaneous" }));
    assert.deepEqual([changed.title, changed.strategy], ["Main room", "simultaneous"]);
    assertProblem(await admin("/api/rooms/main", {}), 400, /title or a strategy/);
    assertProblem(await admin("/api/rooms/main", { strategy: "best" }), 400);
    const other = { name: "other", strategy: "simultaneous" };
    assert.equal(assertJson(await admin("/api/rooms", other), 201).strategy, "simultaneous");

    await using _ada = await Participant.enter(server);
    const started = room(await admin("/api/rooms/main/start", { name: "Seminar" }));
    assert.equal(started.chain?.strategy, "simultaneous");
    const handedOver = room(await admin("/api/rooms/main/restart"));
    assert.deepEqual(handedOver.parts.map((part) => part.lane), ["primary", "primary"]);
    assert.deepEqual(running(handedOver).map((part) => part.seq), [1]);
    assert.equal(handedOver.chain?.strategy, "simultaneous");
    assert.deepEqual(handedOver.alerts, []);
    assert.equal(room(await admin("/api/rooms/main/stop")).chain, null);
  }));
