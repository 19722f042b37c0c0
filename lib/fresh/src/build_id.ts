declare const FRESH_BUILD_ID: string | undefined;

/**
 * Names one build. It is part of every address that a browser may keep for a year. In browser code
 * esbuild defines it; on the server a snapshot sets it before the app's own modules are loaded.
 */
export let BUILD_ID: string = typeof FRESH_BUILD_ID === "string" ? FRESH_BUILD_ID : "unbuilt";

/** Sets the id of the build that this server serves. */
export function setBuildId(id: string): void {
  BUILD_ID = id;
}
