/** Browser code of the project, bundled for a server of a test's own. */
import * as esbuild from "esbuild";

const root = new URL("../../", import.meta.url).pathname;

/** Bundles modules into scripts by their address: the key `workers/x` becomes `/workers/x.js`. */
export async function bundleModules(
  entryPoints: Record<string, string>,
): Promise<Map<string, string>> {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: root,
    entryPoints,
    bundle: true,
    write: false,
    outdir: "/",
    format: "esm",
    target: "es2022",
    logLevel: "error",
  });
  await esbuild.stop();
  return new Map(outputFiles.map(({ path, text }) => [path, text]));
}
