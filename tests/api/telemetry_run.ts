/** Started by `telemetry_test.ts`: one recording and one failure, in a process that may export spans. */
import { enterCall, withServer } from "./server.ts";

await withServer(async (server) => {
  await using _ada = await enterCall(server);
  await server.command("start", { name: "Hearing" });
  await server.command("stop");
  await server.admin("GET", "/api/archives/unknown");
});
