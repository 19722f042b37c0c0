import assert from "node:assert/strict";
import { assertJson, assertProblem, Participant, type TestServer, withServer } from "./server.ts";

const as = "admin";

/** Starts an archive in the main room behind the back of its recording. */
async function startUnseen({ services }: TestServer, room: string) {
  const found = await services.store.rooms.get(room);
  assert.ok(found);
  return await services.platform.startArchive(found.sessions.primary, {
    name: "Left over",
    hasAudio: true,
    hasVideo: true,
    outputMode: "composed",
  });
}

Deno.test("an archive of our sessions that no chain owns is listed, stopped and adopted by the API", () =>
  withServer(async (server) => {
    const { ask } = server;
    await using _ada = await Participant.enter(server);
    assert.deepEqual(assertJson(await ask("GET", "/api/orphans", { as })).items, []);
    const { id } = await startUnseen(server, "main");

    const page = assertJson(await ask("GET", "/api/orphans", { as }));
    assert.deepEqual(
      page.items.map((item: { archive: { id: string }; room: string; lane: string }) => [
        item.archive.id,
        item.room,
        item.lane,
      ]),
      [[id, "main", "primary"]],
    );
    assert.equal(page.cursor, null);

    assertProblem(
      await ask("POST", `/api/orphans/${id}/adopt`, { as }),
      409,
      /still records, stop it first/,
    );
    assert.equal(
      assertJson(await ask("POST", `/api/orphans/${id}/stop`, { as })).status,
      "stopped",
    );
    assertJson(await ask("POST", `/api/orphans/${id}/stop`, { as }));

    const chain = assertJson(await ask("POST", `/api/orphans/${id}/adopt`, { as }));
    assert.deepEqual([chain.name, chain.room, chain.state], ["Left over", "main", "stopped"]);
    assertProblem(
      await ask("POST", `/api/orphans/${id}/adopt`, { as }),
      409,
      /part of a recording already/,
    );
    const film = assertJson(await ask("GET", `/api/chains/${chain.id}`));
    assert.deepEqual(film.parts.map((part: { archiveId: string }) => part.archiveId), [id]);
    assert.deepEqual(assertJson(await ask("GET", "/api/orphans", { as })).items, []);
  }));

Deno.test("archives that are none, and those of a recording, are no orphans", () =>
  withServer(async (server) => {
    const { ask, services } = server;
    await using _ada = await Participant.enter(server);
    for (const verb of ["stop", "adopt"]) {
      assertProblem(
        await ask("POST", `/api/orphans/nobody/${verb}`, { as }),
        404,
        /no such archive/,
      );
    }
    assertJson(await ask("POST", "/api/rooms/main/start", { as, body: { name: "Weekly" } }));
    const [part] = (await services.chains.view("main")).parts;
    assertProblem(
      await ask("POST", `/api/orphans/${part?.archiveId}/stop`, { as }),
      409,
      /part of/,
    );
    assert.deepEqual(assertJson(await ask("GET", "/api/orphans", { as })).items, []);
    assertJson(await ask("POST", "/api/rooms/main/stop", { as }));
  }));
