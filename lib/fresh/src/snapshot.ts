import type { App } from "./app.ts";

/** Where the browser finds an island. */
export interface IslandRef {
  /** Address of its module. */
  url: string;
  exportName: string;
}

/** A file to serve. `hash` is of its content. */
export interface StaticFile {
  hash: string;
  contentType: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** A module below `routes/`, by its path in it. */
export interface RouteModule {
  path: string;
  // deno-lint-ignore no-explicit-any -- whoever reads it checks what is there
  mod: any;
}

/** What a build gives to an app. */
export interface Snapshot {
  root: string;
  mode: "development" | "production";
  routes: RouteModule[];
  /** By their component. */
  islands: Map<unknown, IslandRef>;
  /** The module that wakes islands. */
  bootUrl: string;
  /** The module that reloads the page after a change; only while developing. */
  reloadUrl: string | null;
  /** Finds a static file by its decoded address. */
  file(pathname: string): Promise<StaticFile | null>;
}

const snapshots = new WeakMap<object, Snapshot>();

/** Gives a build to an app. */
export function applySnapshot<State>(app: App<State>, snapshot: Snapshot): void {
  app.config.root = snapshot.root;
  app.config.mode = snapshot.mode;
  snapshots.set(app, snapshot);
}

/** The build that an app was given. */
export function snapshotOf<State>(app: App<State>): Snapshot | null {
  return snapshots.get(app) ?? null;
}

/** The islands of a module: every function it exports. */
export function islandsOf(mod: object, url: string): [component: unknown, island: IslandRef][] {
  return Object.entries(mod).filter(([, value]) => typeof value === "function")
    .map(([exportName, component]) => [component, { url, exportName }]);
}
