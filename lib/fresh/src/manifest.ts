/**
 * Writes `fresh.gen.ts`, the list of an app's routes and islands with static imports, so that what
 * is deployed needs no search of the file system. `--check` fails if it is not up to date.
 *
 * @module
 */
import { join, relative } from "node:path";
import { filesIn } from "./files.ts";

/** The sources of an app that a build starts from, as sorted absolute paths. */
export interface Sources {
  routes: string[];
  islands: string[];
}

/** What `fresh.gen.ts` exports: routes by their path in `routes/`, islands by theirs in the root. */
export interface Manifest {
  routes: Record<string, object>;
  islands: Record<string, object>;
}

/** Tests beside routes and islands are neither. */
export const IGNORED: RegExp[] = [/[._]test\.[cm]?[jt]sx?$/];

/** Finds routes and islands. Folders `(_islands)` hold islands, other `(_x)` nothing of a route. */
export async function findSources(
  routeDir: string,
  islandDir: string,
  ignore: RegExp[],
): Promise<Sources> {
  const isSource = (path: string) =>
    /\.[cm]?[jt]sx?$/.test(path) && !ignore.some((pattern) => pattern.test(path));
  const inRoutes = (await filesIn(routeDir)).filter(isSource);
  return {
    routes: inRoutes.filter((path) => !path.includes("/(_")),
    islands: [
      ...(await filesIn(islandDir)).filter(isSource),
      ...inRoutes.filter((path) => path.includes("/(_islands)/")),
    ],
  };
}

/** The text of `fresh.gen.ts`, formatted as `deno fmt` would. */
export function manifestText(root: string, routeDir: string, sources: Sources): string {
  const imports: string[] = [];
  const list = (prefix: string, base: string, paths: string[]) => {
    const lines = paths.map((path, i) => {
      imports.push(`import * as ${prefix}${i} from "./${relative(root, path)}";\n`);
      return `    "${relative(base, path)}": ${prefix}${i},\n`;
    });
    return lines.length > 0 ? `{\n${lines.join("")}  }` : "{}";
  };
  const routes = list("route", routeDir, sources.routes);
  const islands = list("island", root, sources.islands);
  return "// Generated from routes/ and islands/ by `deno task manifest`. Do not edit.\n" +
    `${imports.join("")}\nexport default {\n  routes: ${routes},\n  islands: ${islands},\n};\n`;
}

/** Writes the manifest if it has changed. */
export async function writeManifest(root: string, text: string): Promise<void> {
  if (await readManifest(root) !== text) await Deno.writeTextFile(join(root, "fresh.gen.ts"), text);
}

function readManifest(root: string): Promise<string | null> {
  return Deno.readTextFile(join(root, "fresh.gen.ts")).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
}

if (import.meta.main) {
  const root = Deno.cwd();
  const routeDir = join(root, "routes");
  const sources = await findSources(routeDir, join(root, "islands"), IGNORED);
  const text = manifestText(root, routeDir, sources);
  if (!Deno.args.includes("--check")) {
    await writeManifest(root, text);
  } else if (await readManifest(root) !== text) {
    console.error("fresh.gen.ts is stale. Run `deno task manifest` and commit it");
    Deno.exit(1);
  }
}
