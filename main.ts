/** Entry: the app on this machine's environment. */
import { existsSync } from "node:fs";
import { loadEnvFile } from "node:process";
import { createApp } from "./app.ts";
import { announce } from "./lib/announce.ts";
import { readConfigOrExit } from "./lib/config.ts";
import { openServices } from "./lib/services.ts";
import { StoreError } from "./lib/store/mod.ts";

// Variables that are set already win over the file's.
if (existsSync(".env")) loadEnvFile(".env");

const services = await openServices(readConfigOrExit(Deno.env.toObject())).catch((error) => {
  if (!(error instanceof StoreError) || error.kind !== "version") throw error;
  // deno-lint-ignore no-console -- whoever starts this has to read it, without a stack
  console.error(error.message);
  Deno.exit(1);
});

/** The app; `deno task start`, the build and Deno Deploy serve it. */
export const app = createApp(services);

// Deno Deploy finds crons only at the top level, and runs them on every branch's timeline as well.
Deno.cron("sweep", "* * * * *", async () => {
  if (services.config.deployment?.production) await services.chains.sweep();
});
// Closing the terminal is an end like any other; Windows knows no SIGTERM.
const ends: Deno.Signal[] = ["SIGINT", "SIGHUP"];
if (Deno.build.os !== "windows") ends.push("SIGTERM");
for (const signal of ends) {
  Deno.addSignalListener(signal, () => services.close().finally(() => Deno.exit(0)));
}
announce(services);
