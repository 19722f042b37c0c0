import { join, relative } from "node:path";

/** The sources of an app that a build starts from, as sorted absolute paths. */
export interface Sources {
  routes: string[];
  islands: string[];
}

const SOURCE = /\.[cm]?[jt]sx?$/;

/** Finds routes and islands. Folders `(_islands)` hold islands; others `(_x)` are skipped. */
export async function crawl(
  routeDir: string,
  islandDir: string,
  ignore: RegExp[],
): Promise<Sources> {
  const isSource = (path: string) => SOURCE.test(path) && !ignore.some((re) => re.test(path));
  const below = (await filesIn(routeDir)).filter(isSource);
  const privateFolder = (path: string) => /\/\(_[^/]*\)\//.test(`/${relative(routeDir, path)}`);
  return {
    routes: below.filter((path) => !privateFolder(path)),
    islands: [
      ...(await filesIn(islandDir)).filter(isSource),
      ...below.filter((path) => path.includes("/(_islands)/")),
    ],
  };
}

/** All files below a folder, sorted; none if there is no such folder. */
export async function filesIn(dir: string): Promise<string[]> {
  const files: string[] = [];
  try {
    for await (const entry of Deno.readDir(dir)) {
      const path = join(dir, entry.name);
      if (entry.isDirectory) files.push(...await filesIn(path));
      else if (entry.isFile) files.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return files.sort();
}
