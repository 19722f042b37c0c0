import type { ComponentType } from "preact";
import type { App } from "./app.ts";

/** Where the browser finds an island. */
export interface IslandRef {
  /** Address of its module, without the base path. */
  url: string;
  exportName: string;
}

/** A file to serve. */
export interface StaticFile {
  /** Of the content, for `ETag`. */
  hash: string;
  contentType: string;
  size: number;
  open():
    | ReadableStream<Uint8Array<ArrayBuffer>>
    | Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
}

/** A module below `routes/`, by its path in it. */
export interface RouteModule {
  path: string;
  // deno-lint-ignore no-explicit-any -- read by the router, which checks what it finds
  mod: any;
}

/** What a build gives to an app. */
export interface Snapshot {
  root: string;
  mode: "development" | "production";
  routes: RouteModule[];
  islands: Map<unknown, IslandRef>;
  /** The module that wakes islands. */
  bootUrl: string;
  /** The module that reloads the page after a change; only while developing. */
  reloadUrl: string | null;
  /** Finds a static file by its decoded address. */
  file(pathname: string): StaticFile | null | Promise<StaticFile | null>;
}

// deno-lint-ignore no-explicit-any -- an app of any state
const snapshots = new WeakMap<App<any>, Snapshot>();

/** Gives a build to an app. */
// deno-lint-ignore no-explicit-any -- as above
export function applySnapshot(app: App<any>, snapshot: Snapshot): void {
  app.config.root = snapshot.root;
  app.config.mode = snapshot.mode;
  snapshots.set(app, snapshot);
}

/** The build that an app was given. */
// deno-lint-ignore no-explicit-any -- as above
export function snapshotOf(app: App<any>): Snapshot | null {
  return snapshots.get(app) ?? null;
}

/** Tells the islands of a module: every function it exports. */
export function addIslands(
  islands: Map<unknown, IslandRef>,
  mod: Record<string, unknown>,
  url: string,
): void {
  for (const [exportName, value] of Object.entries(mod)) {
    if (typeof value === "function") {
      islands.set(value as ComponentType, { url, exportName });
    }
  }
}
