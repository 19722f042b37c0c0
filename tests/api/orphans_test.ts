import assert from "node:assert/strict";
import { assertJson, assertProblem, enterCall, test } from "./server.ts";

test("an archive of our sessions that no chain owns is listed, stopped and adopted by the API", async (server) => {
  const { ask, admin, services: { store, platform } } = server;
  const orphans = async () => assertJson(await admin("GET", "/api/orphans"));
  await using _ada = await enterCall(server);
  assert.deepEqual((await orphans()).items, []);
  const room = await store.rooms.get("main");
  const { id } = await platform.startArchive(room?.sessions.primary ?? "", {
    name: "Left over",
    hasAudio: true,
    hasVideo: true,
    outputMode: "composed",
  });

  const { items: [found, ...others], cursor } = await orphans();
  assert.deepEqual([found.archive.id, found.room, found.lane], [id, "main", "primary"]);
  assert.deepEqual([others, cursor], [[], null]);

  const stop = () => admin("POST", `/api/orphans/${id}/stop`);
  const adopt = () => admin("POST", `/api/orphans/${id}/adopt`);
  assertProblem(await adopt(), 409, /still records, stop it first/);
  assert.equal(assertJson(await stop()).status, "stopped");
  assertJson(await stop());

  const chain = assertJson(await adopt());
  assert.deepEqual([chain.name, chain.room, chain.state], ["Left over", "main", "stopped"]);
  assertProblem(await adopt(), 409, /part of a recording already/);
  const film = assertJson(await ask("GET", `/api/chains/${chain.id}`));
  assert.deepEqual(film.parts.map((part: { archiveId: string }) => part.archiveId), [id]);
  assert.deepEqual((await orphans()).items, []);
});

test("archives that are none, and those of a recording, are no orphans", async (server) => {
  const { admin, command } = server;
  await using _ada = await enterCall(server);
  for (const verb of ["stop", "adopt"]) {
    assertProblem(await admin("POST", `/api/orphans/nobody/${verb}`), 404, /no such archive/);
  }
  const [part] = (await command("start", { name: "Weekly" })).parts;
  assertProblem(await admin("POST", `/api/orphans/${part?.archiveId}/stop`), 409, /part of/);
  assert.deepEqual(assertJson(await admin("GET", "/api/orphans")).items, []);
  await command("stop");
});
