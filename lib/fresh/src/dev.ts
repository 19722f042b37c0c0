/**
 * `fresh/dev`: builds an app and serves it while it is being developed.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type App, type ListenOptions, serve } from "./app.ts";
import { setBuildId } from "./build_id.ts";
import { type Bundle, bundle, type BundleOptions } from "./bundle.ts";
import { crawl, filesIn, type Sources } from "./crawl.ts";
import { contentTypeOf, type DiskSnapshot } from "./internal.ts";
import { IGNORED, writeManifest } from "./manifest.ts";
import { addIslands, applySnapshot, type Snapshot, type StaticFile } from "./snapshot.ts";

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

type Config = Required<Omit<BuildOptions, "sourceMap" | "staticDir">> & {
  staticDir: string[];
  sourceMap: BuildOptions["sourceMap"];
};

const SCHEME = "jsr:@fresh/core@^2.3.3";

/** Builds an app. */
// deno-lint-ignore no-explicit-any -- an app of any state
export class Builder<State = any> {
  #config: Config;

  constructor(options: BuildOptions = {}) {
    const root = resolve(toPath(options.root ?? "."));
    const at = (path: string) => resolve(root, toPath(path));
    this.#config = {
      root,
      target: options.target ?? "es2022",
      outDir: at(options.outDir ?? "_fresh"),
      staticDir: [options.staticDir ?? "static"].flat().map(at),
      islandDir: at(options.islandDir ?? "islands"),
      routeDir: at(options.routeDir ?? "routes"),
      serverEntry: at(options.serverEntry ?? "main.ts"),
      ignore: options.ignore ?? IGNORED,
      sourceMap: options.sourceMap,
    };
  }

  /** Serves the app for development: built now, and pages reload when the server has restarted. */
  async listen(
    importApp: () => Promise<{ app: App<State> } | App<State>>,
    options: ListenOptions = {},
  ): Promise<void> {
    const buildId = newBuildId();
    const sources = await this.#crawl();
    await writeManifest(this.#config.root, sources);
    const imported = await importApp();
    const app = "app" in imported ? imported.app : imported;
    applySnapshot(app, await this.#inMemory(sources, buildId, "development"));

    const handler = app.handler();
    serve((req, info) => {
      const isAlive = new URL(req.url).pathname === "/_fresh/alive";
      return isAlive ? Promise.resolve(alive(req, buildId)) : handler(req, info);
    }, options);
  }

  /**
   * Builds the app for production into `outDir`, whose `server.js` can be given to `deno serve`; or
   * into memory, for tests. Returns a function that gives an app what was built.
   */
  async build(
    options: {
      mode?: "development" | "production";
      snapshot?: "disk" | "memory";
    } = {},
  ): Promise<(app: App<State>) => void> {
    const buildId = newBuildId();
    const mode = options.mode ?? "production";
    const sources = await this.#crawl();
    if (options.snapshot !== "memory") await this.#toDisk(sources, buildId);
    const snapshot = await this.#inMemory(sources, buildId, mode);
    return (app) => applySnapshot(app, snapshot);
  }

  #crawl(): Promise<Sources> {
    const { routeDir, islandDir, ignore } = this.#config;
    return crawl(routeDir, islandDir, ignore);
  }

  #bundle(sources: Sources, buildId: string, dev: boolean): Promise<Bundle> {
    const { root, target, sourceMap } = this.#config;
    return bundle({
      root,
      islands: sources.islands,
      buildId,
      dev,
      target,
      sourceMap,
    });
  }

  async #inMemory(
    sources: Sources,
    buildId: string,
    mode: "development" | "production",
  ): Promise<Snapshot> {
    const { root, routeDir, staticDir } = this.#config;
    const prefix = `/_fresh/js/${buildId}/`;
    const bundled = await this.#bundle(
      sources,
      buildId,
      mode === "development",
    );
    setBuildId(buildId);

    const islands: Snapshot["islands"] = new Map();
    for (const [i, path] of sources.islands.entries()) {
      addIslands(
        islands,
        await import(pathToFileURL(path).href),
        prefix + bundled.islands[i],
      );
    }
    const routes = await Promise.all(sources.routes.map(async (path) => ({
      path: relative(routeDir, path),
      mod: await import(pathToFileURL(path).href),
    })));
    return {
      root,
      mode,
      routes,
      islands,
      bootUrl: prefix + bundled.boot,
      reloadUrl: bundled.reload && prefix + bundled.reload,
      file: (pathname) => {
        const code = bundled.files.get(pathname.replace(prefix, ""));
        return code && pathname.startsWith(prefix)
          ? memoryFile(pathname, code)
          : diskFile(staticDir, pathname);
      },
    };
  }

  async #toDisk(sources: Sources, buildId: string): Promise<void> {
    const { root, outDir, staticDir, serverEntry } = this.#config;
    const prefix = `/_fresh/js/${buildId}/`;
    const bundled = await this.#bundle(sources, buildId, false);
    const content = new Map<string, Uint8Array<ArrayBuffer>>();
    for (const dir of staticDir.toReversed()) {
      for (const path of await filesIn(dir)) {
        content.set(`/${relative(dir, path)}`, await Deno.readFile(path));
      }
    }
    for (const [name, code] of bundled.files) content.set(prefix + name, code);

    await Deno.remove(outDir, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    for (const [path, bytes] of content) {
      const target = join(outDir, "static", path);
      await Deno.mkdir(dirname(target), { recursive: true });
      await Deno.writeFile(target, bytes);
    }
    await Deno.mkdir(outDir, { recursive: true });
    await writeManifest(root, sources);

    const snapshot: DiskSnapshot = {
      buildId,
      bootUrl: prefix + bundled.boot,
      islands: Object.fromEntries(
        sources.islands.map((
          path,
          i,
        ) => [`./${relative(root, path)}`, prefix + bundled.islands[i]]),
      ),
      files: Array.from(
        content,
        ([path, bytes]) => [path, hashOf(bytes), bytes.length],
      ),
    };
    const here = (path: string) => JSON.stringify(`./${relative(outDir, path)}`);
    await Deno.writeTextFile(
      join(outDir, "snapshot.js"),
      `import { openSnapshot } from "${SCHEME}/internal";\n` +
        `export const snapshot = openSnapshot(${JSON.stringify(snapshot, null, 1)});\n`,
    );
    await Deno.writeTextFile(
      join(outDir, "server.js"),
      `// The snapshot goes first: it names the build before the app's modules are loaded.\n` +
        `import { snapshot } from "./snapshot.js";\n` +
        `import { serveSnapshot } from "${SCHEME}/internal";\n` +
        `import manifest from ${here(join(root, "fresh.gen.ts"))};\n` +
        `import { app } from ${here(serverEntry)};\n\n` +
        `export default serveSnapshot(app, import.meta.resolve("./"), snapshot, manifest);\n`,
    );
    // deno-lint-ignore no-console -- whoever builds wants to know where
    console.log(`Built into ${relative(root, outDir)}`);
  }
}

function toPath(pathOrUrl: string): string {
  return pathOrUrl.startsWith("file://") ? fileURLToPath(pathOrUrl) : pathOrUrl;
}

function newBuildId(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 16);
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 32);
}

/** Tells a page which server it talks to, so that it can tell when that is a new one. */
function alive(req: Request, revision: string): Response {
  if (req.headers.get("upgrade") !== "websocket") {
    return new Response(null, { status: 501 });
  }
  const { socket, response } = Deno.upgradeWebSocket(req);
  socket.addEventListener("open", () => socket.send(revision));
  return response;
}

function memoryFile(path: string, bytes: Uint8Array<ArrayBuffer>): StaticFile {
  return {
    hash: hashOf(bytes),
    contentType: contentTypeOf(path),
    size: bytes.length,
    open: () => ReadableStream.from([bytes]),
  };
}

async function diskFile(
  dirs: string[],
  pathname: string,
): Promise<StaticFile | null> {
  for (const dir of dirs) {
    const path = join(dir, pathname);
    if (!path.startsWith(dir + "/") || path.includes("\0")) return null;
    try {
      const bytes = await Deno.readFile(path);
      return memoryFile(path, bytes);
    } catch (error) {
      const { NotFound, IsADirectory, NotADirectory } = Deno.errors;
      const absent = [NotFound, IsADirectory, NotADirectory].some((kind) => error instanceof kind);
      if (!absent) throw error;
    }
  }
  return null;
}
