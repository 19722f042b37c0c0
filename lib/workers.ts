/**
 * Bundles workers for the browser. Every `*.worker.ts` below `lib/` becomes one ES module, served
 * as the static file `/workers/<name>.js`, as neither Fresh nor esbuild follows
 * `new Worker(new URL(...))`. Browser code starts it with
 * `new Worker(asset("/workers/<name>.js"), { type: "module" })`.
 *
 * @module
 */
import { basename, join } from "node:path";
import * as esbuild from "esbuild";

// Not a hidden folder: upstream leaves those out of a build.
const OUT_DIR = "generated/static";

/** Where static files come from, for the `Builder`: what we wrote, then what we bundle. */
export const STATIC_DIRS: string[] = ["static", OUT_DIR];

/** Bundles the workers below `<root>/lib`. Throws if two have the same name. */
export async function buildWorkers(root: string, { minify = false } = {}): Promise<void> {
  const entryPoints: Record<string, string> = {};
  for await (const path of workersIn(join(root, "lib"))) {
    const name = basename(path, ".worker.ts");
    const other = entryPoints[name];
    if (other) throw new Error(`Cannot name two workers "${name}": ${other}, ${path}`);
    entryPoints[name] = path;
  }
  const { outputFiles } = await esbuild.build({
    entryPoints,
    absWorkingDir: root,
    outdir: join(root, OUT_DIR, "workers"),
    write: false,
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify,
    sourcemap: true,
    logLevel: "error",
  });
  await esbuild.stop();
  // Whole files only: another process may be serving them.
  await Deno.mkdir(join(root, OUT_DIR, "workers"), { recursive: true });
  for (const { path, contents } of outputFiles) {
    const part = `${path}.${crypto.randomUUID()}`;
    await Deno.writeFile(part, contents);
    await Deno.rename(part, path);
  }
}

async function* workersIn(dir: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(dir)) {
    const path = join(dir, entry.name);
    if (entry.isDirectory) yield* workersIn(path);
    else if (entry.name.endsWith(".worker.ts")) yield path;
  }
}
