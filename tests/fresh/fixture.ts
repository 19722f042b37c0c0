/** Small apps in folders of their own, for the contract tests of Fresh. */
import { dirname, join } from "node:path";
import type { App } from "fresh";
import { Builder } from "fresh/dev";

/** Writes files into a new folder inside the project, where its packages and settings apply. */
export async function writeFixture(files: Record<string, string>): Promise<string> {
  // Not a hidden folder: upstream leaves the files of those out of a build.
  const parent = "generated/tests";
  await Deno.mkdir(parent, { recursive: true });
  const dir = await Deno.realPath(await Deno.makeTempDir({ dir: parent, prefix: "fresh-" }));
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(dirname(join(dir, path)), { recursive: true });
    await Deno.writeTextFile(join(dir, path), text);
  }
  return dir;
}

/** Builds a fixture into memory and gives it to an app; `get` asks the app for a path. */
export async function openFixture<State>(
  files: Record<string, string>,
  app: App<State>,
) {
  const root = await writeFixture(files);
  const applySnapshot = await new Builder<State>({ root }).build({
    snapshot: "memory",
  });
  applySnapshot(app);
  const handler = app.handler();
  return {
    root,
    handler,
    get: (path: string, init?: RequestInit) =>
      handler(new Request(new URL(path, "http://localhost"), init)),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}
