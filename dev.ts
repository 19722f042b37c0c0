/** Serves the app for development on `HOST` and `PORT`; `dev.ts build` builds it for production. */
import { existsSync } from "node:fs";
import { loadEnvFile } from "node:process";
import { Builder } from "fresh/dev";
import { readConfigOrExit } from "./lib/config.ts";
import { buildWorkers, STATIC_DIRS } from "./lib/workers.ts";

const isBuild = Deno.args.includes("build");
const builder = new Builder({
  target: "es2022",
  staticDir: STATIC_DIRS,
  sourceMap: { kind: "linked" },
});

await buildWorkers(Deno.cwd(), { minify: isBuild });
if (isBuild) {
  await builder.build();
} else {
  if (existsSync(".env")) loadEnvFile(".env");
  const { host, port } = readConfigOrExit(Deno.env.toObject());
  await builder.listen(() => import("./main.ts"), { hostname: host, port });
}
