/**
 * Writes `fresh.gen.ts`, the list of an app's routes and islands with static imports, so that what
 * is deployed needs no search of the file system. `--check` fails if it is not up to date.
 *
 * @module
 */
import { join, relative } from "node:path";
import { crawl, type Sources } from "./crawl.ts";

/** What `fresh.gen.ts` exports: modules by their path from the root. */
export interface Manifest {
  routes: Record<string, Record<string, unknown>>;
  islands: Record<string, Record<string, unknown>>;
}

/** The text of `fresh.gen.ts`, formatted as `deno fmt` would. */
export function manifestText(root: string, sources: Sources): string {
  const imports: string[] = [];
  const list = (prefix: string, paths: string[]) => {
    const lines = paths.map((path, i) => {
      const specifier = JSON.stringify(`./${relative(root, path)}`);
      imports.push(`import * as ${prefix}${i} from ${specifier};`);
      return `    ${specifier}: ${prefix}${i},`;
    });
    return lines.length > 0 ? `{\n${lines.join("\n")}\n  }` : "{}";
  };
  const routes = list("route", sources.routes);
  const islands = list("island", sources.islands);
  return [
    "// Generated from routes/ and islands/ by `deno task manifest`. Do not edit.",
    ...imports,
    ...imports.length > 0 ? [""] : [],
    `export default {\n  routes: ${routes},\n  islands: ${islands},\n};\n`,
  ].join("\n");
}

/** Writes the manifest if it has changed. Says whether it had. */
export async function writeManifest(
  root: string,
  sources: Sources,
): Promise<boolean> {
  const path = join(root, "fresh.gen.ts");
  const text = manifestText(root, sources);
  if (await readText(path) === text) return false;
  await Deno.writeTextFile(path, text);
  return true;
}

async function readText(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Tests beside routes and islands are neither. */
export const IGNORED: RegExp[] = [/[._]test\.[cm]?[jt]sx?$/];

if (import.meta.main) {
  const root = Deno.cwd();
  const sources = await crawl(
    join(root, "routes"),
    join(root, "islands"),
    IGNORED,
  );
  if (!Deno.args.includes("--check")) {
    await writeManifest(root, sources);
  } else if (
    await readText(join(root, "fresh.gen.ts")) !== manifestText(root, sources)
  ) {
    console.error(
      "fresh.gen.ts is stale. Run `deno task manifest` and commit it",
    );
    Deno.exit(1);
  }
}
