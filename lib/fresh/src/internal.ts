/** What the generated `_fresh/snapshot.js` and `_fresh/server.js` need. Not for applications. */
import { getMimeType } from "hono/utils/mime";
import type { App } from "./app.ts";
import { setBuildId } from "./build_id.ts";
import type { Manifest } from "./manifest.ts";
import { addIslands, applySnapshot, type Snapshot } from "./snapshot.ts";

/** A production build as it is written down. */
export interface DiskSnapshot {
  buildId: string;
  bootUrl: string;
  /** Addresses of the islands' modules, by the path of the island from the root. */
  islands: Record<string, string>;
  /** Files below `_fresh/static/`: path, hash of the content and size in bytes. */
  files: [path: string, hash: string, size: number][];
}

/** The content type of a file by its name. */
export function contentTypeOf(path: string): string {
  return getMimeType(path) ?? "application/octet-stream";
}

/** Sets the build's id. Must run before the app's modules are loaded, as they may lock addresses. */
export function openSnapshot(snapshot: DiskSnapshot): DiskSnapshot {
  setBuildId(snapshot.buildId);
  return snapshot;
}

/** Makes the handler of a production build. `base` is the address of `_fresh/`. */
export function serveSnapshot<State>(
  app: App<State>,
  base: string,
  { bootUrl, islands, files }: DiskSnapshot,
  manifest: Manifest,
): { fetch: ReturnType<App<State>["handler"]> } {
  const refs: Snapshot["islands"] = new Map();
  for (const [path, mod] of Object.entries(manifest.islands)) {
    const url = islands[path];
    if (url === undefined) {
      throw new Error(`Cannot find the island "${path}" in the build`);
    }
    addIslands(refs, mod, url);
  }
  const byPath = new Map(files.map((file) => [file[0], file]));
  applySnapshot(app, {
    root: new URL("..", base).pathname,
    mode: "production",
    routes: Object.entries(manifest.routes).map(([path, mod]) => ({
      path: path.replace(/^\.\/[^/]+\//, ""),
      mod,
    })),
    islands: refs,
    bootUrl,
    reloadUrl: null,
    file(pathname) {
      const file = byPath.get(pathname);
      if (!file) return null;
      const [path, hash, size] = file;
      const address = new URL(
        `static${path.split("/").map(encodeURIComponent).join("/")}`,
        base,
      );
      return {
        hash,
        size,
        contentType: contentTypeOf(path),
        open: async () => (await Deno.open(address)).readable,
      };
    },
  });
  return { fetch: app.handler() };
}
