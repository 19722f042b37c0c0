import { basename, dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

/** What to bundle for the browser. */
export interface BundleOptions {
  root: string;
  islands: string[];
  buildId: string;
  dev: boolean;
  target: string | string[];
  sourceMap?: {
    kind?: esbuild.BuildOptions["sourcemap"];
    sourceRoot?: string;
    sourcesContent?: boolean;
  };
}

/** Modules for the browser, by their file name. */
export interface Bundle {
  files: Map<string, Uint8Array<ArrayBuffer>>;
  /** File names of the entry points: `boot`, `reload`, and those of the islands in their order. */
  boot: string;
  reload: string | null;
  islands: string[];
}

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url));

let running = 0;

/** Bundles the islands and what wakes them into ES modules that share what they have in common. */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  const { root, islands, buildId, dev, target, sourceMap } = options;
  const entryPoints: Record<string, string> = { boot: local("./client.ts") };
  if (dev) entryPoints.reload = local("./reload.ts");
  islands.forEach((path, i) => {
    entryPoints[`${basename(path).replace(/\.[^.]+$/, "")}-${i}`] = path;
  });

  running++;
  try {
    const result = await esbuild.build({
      entryPoints,
      absWorkingDir: root,
      outdir: "/",
      write: false,
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "browser",
      target,
      jsx: "automatic",
      jsxImportSource: "preact",
      jsxDev: dev,
      minify: !dev,
      sourcemap: dev ? "linked" : sourceMap?.kind,
      sourceRoot: dev ? undefined : sourceMap?.sourceRoot,
      sourcesContent: dev ? undefined : sourceMap?.sourcesContent,
      define: {
        FRESH_BUILD_ID: JSON.stringify(buildId),
        "process.env.NODE_ENV": JSON.stringify(
          dev ? "development" : "production",
        ),
      },
      logLevel: "silent",
      plugins: [freshRuntime],
    });
    const names = Object.keys(entryPoints);
    return {
      files: new Map(
        result.outputFiles.map((
          file,
        ) => [relative("/", file.path), new Uint8Array(file.contents)]),
      ),
      boot: "boot.js",
      reload: dev ? "reload.js" : null,
      islands: names.slice(dev ? 2 : 1).map((name) => `${name}.js`),
    };
  } finally {
    if (--running === 0) await esbuild.stop();
  }
}

/** Finds `fresh/runtime` beside this file. Everything else esbuild finds in `node_modules/`. */
const freshRuntime: esbuild.Plugin = {
  name: "fresh-runtime",
  setup(build) {
    build.onResolve(
      { filter: /^fresh\/runtime$/ },
      () => ({ path: local("./runtime.ts") }),
    );
    build.onResolve({ filter: /^fresh(\/dev)?$/ }, ({ path, importer }) => ({
      errors: [{
        text: `Cannot import "${path}" in browser code: ${
          relative(dirname(local("../..")), importer)
        }`,
      }],
    }));
  },
};
