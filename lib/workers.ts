/**
 * Bundles browser code that pages load by its address: neither Fresh nor esbuild follows
 * `new Worker(new URL(...))`, and the module of the recorder is named by the server. Below `lib/`, every
 * `*.worker.ts` becomes one ES module served as `/workers/<name>.js`, every `*.module.ts` one served as
 * `/modules/<name>.js`.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import * as esbuild from "esbuild";

// Not a hidden folder: upstream leaves those out of a build.
const OUT_DIR = "generated/static";

/** Where static files come from, for the `Builder`: what we wrote, then what we bundle. */
export const STATIC_DIRS: string[] = ["static", OUT_DIR];

/** Bundles the workers and modules below `<root>/lib`. Throws if two have the same name. */
export async function buildWorkers(root: string, { minify = false } = {}): Promise<void> {
  const entryPoints: Record<string, string> = {};
  for await (const path of entriesIn(join(root, "lib"))) {
    const [name, kind] = basename(path).split(".");
    const address = `${kind}s/${name}`;
    const other = entryPoints[address];
    if (other) throw new Error(`Cannot name two files "${address}": ${other}, ${path}`);
    entryPoints[address] = path;
  }
  const { outputFiles } = await esbuild.build({
    entryPoints,
    absWorkingDir: root,
    outdir: join(root, OUT_DIR),
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
  for (const { path, contents } of outputFiles) {
    await Deno.mkdir(dirname(path), { recursive: true });
    const part = `${path}.${crypto.randomUUID()}`;
    await Deno.writeFile(part, contents);
    await Deno.rename(part, path);
  }
}

async function* entriesIn(dir: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(dir)) {
    const path = join(dir, entry.name);
    if (entry.isDirectory) yield* entriesIn(path);
    else if (/\.(worker|module)\.ts$/.test(entry.name)) yield path;
  }
}
