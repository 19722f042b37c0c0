/** What browsers load, bundled as strictly as any bundler may do it. */
import assert from "node:assert/strict";
import { isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Islands, and what pages load by its address. */
async function entryPoints(): Promise<string[]> {
  const found: string[] = [];
  const look = async (dir: string, wanted: RegExp) => {
    for await (const { name, isDirectory } of Deno.readDir(`${root}${dir}`)) {
      if (isDirectory) await look(`${dir}/${name}`, wanted);
      else if (wanted.test(name)) found.push(`${dir}/${name}`);
    }
  };
  await look("islands", /\.tsx$/);
  await look("lib", /\.(worker|module)\.ts$/);
  return found;
}

Deno.test("no module of a page imports Node, whether or not a bundler reads `browser` fields", async () => {
  const imports: string[] = [];
  const entries = await entryPoints();
  assert.ok(entries.some((path) => path.startsWith("islands/")));
  assert.ok(entries.some((path) => path.endsWith(".worker.ts")));
  await esbuild.build({
    entryPoints: entries,
    absWorkingDir: root,
    outdir: "/",
    write: false,
    bundle: true,
    splitting: true,
    format: "esm",
    // Unlike "browser", it knows no `browser` field and no `browser` condition.
    platform: "neutral",
    mainFields: ["module", "main"],
    jsx: "automatic",
    jsxImportSource: "preact",
    alias: { "fresh/runtime": "./lib/fresh/src/runtime.ts" },
    logLevel: "silent",
    plugins: [{
      name: "node",
      setup(build) {
        build.onResolve({ filter: /^[\w/:]+$/ }, ({ path, importer }) => {
          if (!isBuiltin(path)) return;
          imports.push(`${importer.slice(root.length)} imports ${path}`);
          return { path, external: true };
        });
      },
    }],
  });
  await esbuild.stop();
  assert.deepEqual(imports, []);
});
