/** Started by `telemetry_test.ts`: one recording and one failure, in a process that may export spans. */
import { enterCall, openServer } from "./server.ts";

await using server = await openServer();
await using _ada = await enterCall(server);
await server.command("start", { name: "Hearing" });
await server.command("stop");
await server.admin("GET", "/api/archives/unknown");
