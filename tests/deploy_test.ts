/** What `deno.json` tells Deno Deploy (https://docs.deno.com/deploy/reference/builds/). */
import assert from "node:assert/strict";
import { z } from "zod";
import { readConfig, variableNames } from "../lib/config.ts";

const text = (path: string) => Deno.readTextFile(new URL(`../${path}`, import.meta.url));
const configSchema = z.object({
  tasks: z.record(z.string(), z.string()),
  unstable: z.array(z.string()),
  deploy: z.strictObject({
    install: z.string(),
    build: z.string(),
    runtime: z.strictObject({ type: z.literal("dynamic"), entrypoint: z.string() }),
  }),
});

Deno.test("deno.json says how to install, build and serve the app, as Deno Deploy documents it", async () => {
  const { deploy, tasks, unstable } = configSchema.parse(JSON.parse(await text("deno.json")));
  assert.ok(tasks[deploy.build.replace("deno task ", "")], deploy.build);
  assert.match(await text(deploy.runtime.entrypoint), /Deno\.serve\(/);
  // The runtime takes no flags there.
  assert.ok(unstable.includes("kv") && unstable.includes("cron"));
});

Deno.test("the cron is registered at the top level of main.ts, and acts on production only", async () => {
  const main = await text("main.ts");
  assert.match(main, /^Deno\.cron\("sweep", "\* \* \* \* \*",/m);
  assert.match(
    main,
    /if \(services\.config\.deployment\?\.production\) await services\.chains\.sweep/,
  );
});

Deno.test("docs/DEPLOY.md names only variables that exist, and callbacks that are served", async () => {
  const guide = await text("docs/DEPLOY.md");
  const runtimes = /^(OTEL|X)_/;
  for (const [, name = ""] of guide.matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:=\w+)?`/g)) {
    assert.ok(runtimes.test(name) || variableNames.includes(name), name);
  }
  const callbacks = await text("lib/api/callbacks.ts");
  for (const [, path = ""] of guide.matchAll(/\/api(\/callbacks\/\w+)/g)) {
    assert.ok(callbacks.includes(`"${path}"`), path);
  }
});

Deno.test("README's table names every variable, in order, with its default", async () => {
  const rows = [...(await text("README.md")).matchAll(/^\| `([A-Z_]+)` +\| (?:`(.*?)`)? *\|/gm)];
  assert.deepEqual(rows.map(([, name]) => name), variableNames);
  const defaults = Object.fromEntries(rows.map(([, name, value]) => [name, value]));
  assert.deepEqual(readConfig(defaults), readConfig({}));
});

Deno.test("README names every task", async () => {
  const { tasks } = configSchema.parse(JSON.parse(await text("deno.json")));
  const readme = await text("README.md");
  const named = new Set([...readme.matchAll(/deno task ([\w:]+)/g)].map(([, name]) => name));
  assert.deepEqual([...named].sort(), Object.keys(tasks).sort());
});
