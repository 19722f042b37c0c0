/**
 * `fresh/dev`: builds an app and serves it while it is being developed.
 *
 * @module
 */
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type App, type ListenOptions, serve } from "./app.ts";
import { setBuildId } from "./build_id.ts";
import { type Bundle, bundle, type BundleOptions } from "./bundle.ts";
import { filesIn, hashOf, readFrom, toStaticFile } from "./files.ts";
import type { DiskSnapshot } from "./internal.ts";
import { findSources, IGNORED, manifestText, type Sources, writeManifest } from "./manifest.ts";
import { applySnapshot, islandsOf, type Snapshot } from "./snapshot.ts";

/** Where things are; relative paths start at `root`. */
export interface BuildOptions {
  /** Browsers to build for, as esbuild names them. */
  target?: string | string[];
  root?: string;
  outDir?: string;
  /** If several have a file of the same name, the first one's is served. */
  staticDir?: string | string[];
  islandDir?: string;
  routeDir?: string;
  serverEntry?: string;
  /** Paths that are neither routes nor islands. */
  ignore?: RegExp[];
  /** Source maps of production builds. */
  sourceMap?: BundleOptions["sourceMap"];
}

type Mode = Snapshot["mode"];
/** A build before it is put anywhere. */
type Built = Bundle & { buildId: string; sources: Sources };

/** Builds an app. */
// deno-lint-ignore no-explicit-any -- an app of any state
export class Builder<State = any> {
  #options: BuildOptions;
  #root: string;
  #routeDir: string;
  #staticDirs: string[];

  constructor(options: BuildOptions = {}) {
    this.#options = options;
    this.#root = resolve(toPath(options.root ?? "."));
    this.#routeDir = this.#at(options.routeDir ?? "routes");
    this.#staticDirs = [options.staticDir ?? "static"].flat().map((dir) => this.#at(dir));
  }

  /** Serves the app for development: built now, and pages reload when the server has restarted. */
  async listen(
    importApp: () => Promise<{ app: App<State> } | App<State>>,
    options: ListenOptions = {},
  ): Promise<void> {
    const built = await this.#build("development");
    await writeManifest(this.#root, this.#manifest(built.sources));
    const imported = await importApp();
    const app = "app" in imported ? imported.app : imported;
    applySnapshot(app, await this.#snapshot(built, "development"));

    const handler = app.handler();
    serve(async (req, info) => {
      const isAlive = new URL(req.url).pathname === "/_fresh/alive";
      return isAlive ? tellRevision(req, built.buildId) : await handler(req, info);
    }, options);
  }

  /**
   * Builds the app for production into `outDir`, whose `server.js` can be given to `deno serve`; or
   * into memory, for tests. Returns a function that gives an app what was built.
   */
  async build(
    { mode = "production", snapshot }: { mode?: Mode; snapshot?: "disk" | "memory" } = {},
  ): Promise<(app: App<State>) => void> {
    const built = await this.#build(mode);
    if (snapshot !== "memory") await this.#write(built);
    const inMemory = await this.#snapshot(built, mode);
    return (app) => applySnapshot(app, inMemory);
  }

  async #build(mode: Mode): Promise<Built> {
    const { target = "es2022", islandDir = "islands", ignore = IGNORED, sourceMap } = this.#options;
    const buildId = crypto.randomUUID().replaceAll("-", "");
    const sources = await findSources(this.#routeDir, this.#at(islandDir), ignore);
    const dev = mode === "development";
    const bundled = await bundle({
      ...{ root: this.#root, islands: sources.islands, buildId, dev, target, sourceMap },
    });
    setBuildId(buildId);
    return { ...bundled, buildId, sources };
  }

  /** Loads all routes and islands, so that a build fails if one of them cannot be loaded. */
  async #snapshot(built: Built, mode: Mode): Promise<Snapshot> {
    const { sources, files, islandUrls, bootUrl, reloadUrl } = built;
    const load = (path: string) => import(pathToFileURL(path).href);
    const islands = await Promise.all(
      sources.islands.map(async (path, i) => islandsOf(await load(path), islandUrls[i] ?? "")),
    );
    const routes = await Promise.all(sources.routes.map(async (path) => ({
      path: relative(this.#routeDir, path),
      mod: await load(path),
    })));
    return {
      ...{ root: this.#root, mode, routes, bootUrl, reloadUrl },
      islands: new Map(islands.flat()),
      file: async (path) => {
        const code = files.get(path);
        return code ? toStaticFile(path, code) : await readFrom(this.#staticDirs, path);
      },
    };
  }

  async #write({ files, sources, buildId, bootUrl, islandUrls }: Built): Promise<void> {
    const outDir = this.#at(this.#options.outDir ?? "_fresh");
    const content = new Map(files);
    for (const dir of this.#staticDirs.toReversed()) {
      for (const path of await filesIn(dir)) {
        content.set(`/${relative(dir, path)}`, await Deno.readFile(path));
      }
    }
    if ((await filesIn(outDir)).length > 0) await Deno.remove(outDir, { recursive: true });
    for (const [path, bytes] of content) {
      const target = join(outDir, "static", path);
      await Deno.mkdir(dirname(target), { recursive: true });
      await Deno.writeFile(target, bytes);
    }
    await writeManifest(this.#root, this.#manifest(sources));

    const hashes = Array.from(content, ([path, bytes]) => [path, hashOf(bytes)]);
    const snapshot: DiskSnapshot = {
      ...{ buildId, bootUrl, islandUrls },
      files: Object.fromEntries(hashes),
    };
    const from = (path: string) => JSON.stringify(relative(outDir, this.#at(path)));
    await Deno.writeTextFile(
      join(outDir, "snapshot.js"),
      `import { openSnapshot } from "fresh/internal";\n` +
        `export const snapshot = openSnapshot(${JSON.stringify(snapshot, null, 1)});\n`,
    );
    await Deno.writeTextFile(
      join(outDir, "server.js"),
      `// The snapshot goes first: it names the build before the app's modules are loaded.\n` +
        `import { snapshot } from "./snapshot.js";\n` +
        `import { serveSnapshot } from "fresh/internal";\n` +
        `import manifest from ${from("fresh.gen.ts")};\n` +
        `import { app } from ${from(this.#options.serverEntry ?? "main.ts")};\n\n` +
        `export default serveSnapshot(app, import.meta.dirname, snapshot, manifest);\n`,
    );
  }

  #manifest(sources: Sources): string {
    return manifestText(this.#root, this.#routeDir, sources);
  }

  #at(path: string): string {
    return resolve(this.#root, toPath(path));
  }
}

function toPath(pathOrUrl: string): string {
  return pathOrUrl.startsWith("file://") ? fileURLToPath(pathOrUrl) : pathOrUrl;
}

/** Tells a page which server it talks to, so that it can tell when that is a new one. */
function tellRevision(req: Request, revision: string): Response {
  if (req.headers.get("upgrade") !== "websocket") return new Response(null, { status: 426 });
  const { socket, response } = Deno.upgradeWebSocket(req);
  socket.addEventListener("open", () => socket.send(revision));
  return response;
}
