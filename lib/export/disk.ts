/** Where an export is written: a file the viewer chose, or one in the browser's own storage. Browser only. */
import type { Sink } from "./film_file.ts";

/** Names of files in the browser's own storage begin with this. */
const PRIVATE_PREFIX = "gapless-export-";

/** A file chosen in the browser's dialog, or the name of a private one that is downloaded afterwards. */
export type Destination =
  | { kind: "picked"; handle: FileSystemFileHandle }
  | { kind: "private"; name: string };

/** A file being written. Either keep or discard it. */
export interface Disk extends Sink {
  keep(): Promise<void>;
  /** Leaves nothing behind. */
  discard(): Promise<void>;
}

/** What browsers have and TypeScript's DOM library does not. */
interface AccessHandle {
  write(data: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  flush(): void;
  close(): void;
}
type PrivateHandle = FileSystemFileHandle & {
  createSyncAccessHandle?(): Promise<AccessHandle>;
};
type RemovableHandle = FileSystemFileHandle & { remove?(): Promise<void> };

/** A fresh name in the browser's own storage. */
export function privateName(): string {
  return PRIVATE_PREFIX + crypto.randomUUID();
}

/** Opens a file for writing. Only in a worker: the browser's own storage cannot be written elsewhere. */
export function openDisk(destination: Destination): Promise<Disk> {
  return destination.kind === "picked"
    ? openPicked(destination.handle)
    : openPrivate(destination.name);
}

async function openPicked(handle: RemovableHandle): Promise<Disk> {
  // Nothing of it is at its place until it is closed.
  const stream = await handle.createWritable();
  return {
    write: (data, position) => stream.write({ type: "write", data, position }),
    keep: () => stream.close(),
    async discard() {
      await stream.abort().catch(() => {});
      // The dialog has made, or emptied, the file already.
      const { size } = await handle.getFile();
      if (size === 0) await handle.remove?.();
    },
  };
}

async function openPrivate(name: string): Promise<Disk> {
  const folder = await navigator.storage.getDirectory();
  const handle: PrivateHandle = await folder.getFileHandle(name, { create: true });
  const access = await handle.createSyncAccessHandle?.();
  if (!access) throw new Error("This browser cannot write into its own storage");
  return {
    write(data, position) {
      const written = access.write(data, { at: position });
      return written === data.length ? Promise.resolve() : Promise.reject(
        new DOMException(`Only ${written} of ${data.length} bytes fit`, "QuotaExceededError"),
      );
    },
    keep() {
      access.flush();
      access.close();
      return Promise.resolve();
    },
    async discard() {
      access.close();
      await folder.removeEntry(name);
    },
  };
}

/** A private file that is complete. */
export async function privateFile(name: string): Promise<File> {
  const folder = await navigator.storage.getDirectory();
  return await (await folder.getFileHandle(name)).getFile();
}

/** Keeps a private file from {@linkcode sweepPrivateFiles} of every tab until the answer is called. */
export function holdPrivateFile(name: string): () => void {
  let release = () => {};
  const held = new Promise<void>((resolve) => release = resolve);
  void navigator.locks.request(name, () => held);
  return release;
}

/** Removes private files that no page holds any more: their tabs were closed. */
export async function sweepPrivateFiles(): Promise<void> {
  const folder: FileSystemDirectoryHandle & { keys?(): AsyncIterable<string> } = await navigator
    .storage.getDirectory();
  for await (const name of folder.keys?.() ?? []) {
    if (!name.startsWith(PRIVATE_PREFIX)) continue;
    await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
      if (lock) await folder.removeEntry(name).catch(() => {});
    });
  }
}
