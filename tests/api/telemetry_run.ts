/** Started by `telemetry_test.ts`: one recording and one failure, in a process that may export spans. */
import { assertJson, Participant, withServer } from "./server.ts";

await withServer(async (server) => {
  await using _ada = await Participant.enter(server);
  const body = { name: "Hearing" };
  assertJson(await server.ask("POST", "/api/rooms/main/start", { as: "admin", body }));
  assertJson(await server.ask("POST", "/api/rooms/main/stop", { as: "admin" }));
  await server.ask("GET", "/api/archives/unknown", { as: "admin" });
});
