/** What the generated `_fresh/server.js` needs. Not for applications. */
import type { App, Handler } from "./app.ts";
import { setBuildId } from "./build_id.ts";
import { readFrom } from "./files.ts";
import type { Manifest } from "./manifest.ts";
import { applySnapshot, islandsOf } from "./snapshot.ts";

/** A production build as it is written down. */
export interface DiskSnapshot {
  buildId: string;
  bootUrl: string;
  /** Addresses of the islands' modules, in the order of the manifest. */
  islandUrls: string[];
  /** Hashes of the files below `_fresh/static/`, by their address. */
  files: Record<string, string>;
}

/** Names the build. Must run before the app's modules are loaded, as they may lock addresses. */
export function openSnapshot(snapshot: DiskSnapshot): DiskSnapshot {
  setBuildId(snapshot.buildId);
  return snapshot;
}

/** Makes the server of a production build. `dir` is the path of `_fresh/`. */
export function serveSnapshot<State>(
  app: App<State>,
  dir: string,
  { bootUrl, islandUrls, files }: DiskSnapshot,
  manifest: Manifest,
): { fetch: Handler } {
  const islands = Object.values(manifest.islands)
    .flatMap((mod, i) => islandsOf(mod, islandUrls[i] ?? ""));
  applySnapshot(app, {
    root: dir,
    mode: "production",
    routes: Object.entries(manifest.routes).map(([path, mod]) => ({ path, mod })),
    islands: new Map(islands),
    bootUrl,
    reloadUrl: null,
    file: async (path) => {
      const hash = files[path];
      return hash === undefined ? null : await readFrom([`${dir}/static`], path, hash);
    },
  });
  return { fetch: app.handler() };
}
