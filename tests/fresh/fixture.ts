/** Small apps in folders of their own, for the contract tests of Fresh. */
import { dirname, join } from "node:path";
import { App, staticFiles } from "fresh";
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

/** Builds a fixture into memory and gives it to an app, by default one of its pages and files. */
export async function openFixture(
  files: Record<string, string>,
  { app = new App().use(staticFiles()).fsRoutes(), staticDir = ["static"] } = {},
) {
  const root = await writeFixture(files);
  const applySnapshot = await new Builder({ root, staticDir }).build({ snapshot: "memory" });
  applySnapshot(app);
  const handler = app.handler();
  const get = (path: string, init?: RequestInit) =>
    handler(new Request(new URL(path, "http://localhost"), init));
  return {
    root,
    handler,
    /** Asks the app for a path. */
    get,
    /** Asks the app for a path; returns the text of the answer. */
    text: async (path: string) => await (await get(path)).text(),
    /** Asks the app for a path; returns the JSON of the answer. */
    json: async (path: string): Promise<unknown> => await (await get(path)).json(),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

/** Reads what a process prints until it fits `pattern`; returns the match. The stream stays open. */
export async function untilPrinted(
  stream: ReadableStream<string>,
  pattern: RegExp,
): Promise<string> {
  let printed = "";
  for await (const chunk of stream.values({ preventCancel: true })) {
    printed += chunk;
    const [found] = pattern.exec(printed) ?? [];
    if (found !== undefined) return found;
  }
  throw new Error(`The process ended: ${printed}`);
}
