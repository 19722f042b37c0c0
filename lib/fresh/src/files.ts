import { createHash } from "node:crypto";
import { join } from "node:path";
import { getMimeType } from "hono/utils/mime";
import type { StaticFile } from "./snapshot.ts";

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

/** A file as it is served. */
export function toStaticFile(
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
  hash: string = hashOf(bytes),
): StaticFile {
  return { hash, contentType: getMimeType(path) ?? "application/octet-stream", bytes };
}

/** Tells two contents apart. */
export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 32);
}

/** Reads a file from the first of some folders that has it, never from outside them. */
export async function readFrom(
  dirs: string[],
  pathname: string,
  hash?: string,
): Promise<StaticFile | null> {
  for (const dir of dirs) {
    const path = join(dir, pathname);
    if (!path.startsWith(`${dir}/`) || path.includes("\0")) continue;
    try {
      return toStaticFile(path, await Deno.readFile(path), hash);
    } catch (error) {
      const { NotFound, IsADirectory, NotADirectory } = Deno.errors;
      if (![NotFound, IsADirectory, NotADirectory].some((kind) => error instanceof kind)) {
        throw error;
      }
    }
  }
  return null;
}
