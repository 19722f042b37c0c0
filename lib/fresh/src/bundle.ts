import { basename } from "node:path";
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

/** Modules for the browser by their address, and the addresses of the entry points. */
export interface Bundle {
  files: Map<string, Uint8Array<ArrayBuffer>>;
  bootUrl: string;
  reloadUrl: string | null;
  /** In the order of the islands. */
  islandUrls: string[];
}

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Finds `fresh/runtime` beside this file. All else esbuild finds in `node_modules/`. */
const freshRuntime: esbuild.Plugin = {
  name: "fresh-runtime",
  setup(build) {
    build.onResolve({ filter: /^fresh\/runtime$/ }, () => ({ path: local("./runtime.ts") }));
  },
};

let running = 0;

/** Bundles the islands and what wakes them into ES modules that share what they have in common. */
export async function bundle(
  { root, islands, buildId, dev, target, sourceMap = {} }: BundleOptions,
): Promise<Bundle> {
  const prefix = `/_fresh/js/${buildId}/`;
  const names = islands.map((path, i) => `${basename(path).replace(/\.[^.]+$/, "")}-${i}`);
  running++;
  try {
    const { outputFiles } = await esbuild.build({
      entryPoints: {
        boot: local("./client.ts"),
        ...dev ? { reload: local("./reload.ts") } : {},
        ...Object.fromEntries(names.map((name, i) => [name, islands[i] ?? ""])),
      },
      absWorkingDir: root,
      outdir: prefix,
      write: false,
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "browser",
      target,
      jsx: "automatic",
      jsxImportSource: "preact",
      minify: !dev,
      sourcemap: dev ? "linked" : sourceMap.kind,
      sourceRoot: sourceMap.sourceRoot,
      sourcesContent: sourceMap.sourcesContent,
      define: {
        FRESH_BUILD_ID: JSON.stringify(buildId),
        "process.env.NODE_ENV": dev ? '"development"' : '"production"',
      },
      logLevel: "silent",
      plugins: [freshRuntime],
    });
    return {
      files: new Map(outputFiles.map(({ path, contents }) => [path, new Uint8Array(contents)])),
      bootUrl: `${prefix}boot.js`,
      reloadUrl: dev ? `${prefix}reload.js` : null,
      islandUrls: names.map((name) => `${prefix}${name}.js`),
    };
  } finally {
    // esbuild is a process of its own, which would keep this one alive.
    if (--running === 0) await esbuild.stop();
  }
}
