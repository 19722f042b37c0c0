/** The bytes of archives on disk: chunks as they come, one whole file in the end. */
import { join } from "node:path";
import { LoopbackError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { lengthSeconds, remux } from "./remux.ts";

/** A number in `applied`. */
const ENTRY_BYTES = 8;

/**
 * A folder an archive: `upload.part` grows by chunks applied strictly in sequence (a later chunk may
 * rewrite an earlier place), `applied` has a number for each of them: how long `upload.part` was when
 * it was in. So even after a crash its size tells the next sequence, and its end how much is whole.
 * `ahead/` keeps chunks that came too early. `archive.webm` is the result; the rest goes when it is
 * there.
 */
export class ArchiveFiles {
  private readonly folder: string;
  /** The last write of each archive: writes of one archive go one by one. */
  private readonly writing = new Map<string, { tail: Promise<void>; waiting: number }>();

  constructor(dataDir: string) {
    this.folder = join(dataDir, "archives");
  }

  /** Makes room for an archive's chunks. */
  async create(id: string): Promise<void> {
    await Deno.mkdir(this.path(id, "ahead"), { recursive: true });
  }

  /** The finished file's path. */
  media(id: string): string {
    return this.path(id, "archive.webm");
  }

  /**
   * Stores a chunk; resolves when it is on disk. The same sequence again changes nothing. Throws a
   * {@link LoopbackError}: 413 when the archive would grow too big, 429 when too much waits.
   */
  async write(id: string, sequence: number, position: number, bytes: Uint8Array): Promise<void> {
    if (position + bytes.length > LIMITS.archiveBytes) {
      throw new LoopbackError(
        413,
        `Failed to store a chunk: an archive may have ${LIMITS.archiveBytes} bytes`,
      );
    }
    const queue = this.writing.get(id) ?? { tail: Promise.resolve(), waiting: 0 };
    if (queue.waiting >= LIMITS.chunksAtOnce) {
      throw new LoopbackError(
        429,
        `Failed to store chunk ${sequence}: too many at once, try again`,
      );
    }
    this.writing.set(id, queue);
    queue.waiting++;
    const done = queue.tail.then(() => this.store(id, sequence, position, bytes));
    queue.tail = done.catch(() => {});
    try {
      await done;
    } finally {
      if (--queue.waiting === 0) this.writing.delete(id);
    }
  }

  /**
   * Makes the finished file of whatever was received, once; says how big and how long it is. Throws
   * when nothing playable was received.
   */
  async finish(id: string, epochMs: number): Promise<{ sizeBytes: number; seconds: number }> {
    await this.writing.get(id)?.tail;
    const uploaded = this.path(id, "upload.part");
    // Without the upload, an earlier process has made the file and died before it could say so.
    if (await Deno.stat(uploaded).catch(ignoreMissing)) {
      await Deno.truncate(uploaded, (await this.applied(id)).wholeBytes);
      const made = this.path(id, "archive.tmp");
      await remux(uploaded, made, epochMs);
      await Deno.rename(made, this.media(id));
    }
    for (const rest of ["upload.part", "applied", "ahead"]) {
      await Deno.remove(this.path(id, rest), { recursive: true }).catch(ignoreMissing);
    }
    const { size } = await Deno.stat(this.media(id));
    return { sizeBytes: size, seconds: await lengthSeconds(this.media(id)) };
  }

  /** Removes an archive and everything of it. */
  async remove(id: string): Promise<void> {
    await this.writing.get(id)?.tail;
    await Deno.remove(this.path(id), { recursive: true }).catch(ignoreMissing);
  }

  /** The ids of all archives that have a folder. */
  async list(): Promise<string[]> {
    await Deno.mkdir(this.folder, { recursive: true });
    return (await Array.fromAsync(Deno.readDir(this.folder))).map((entry) => entry.name);
  }

  private async store(id: string, sequence: number, position: number, bytes: Uint8Array) {
    const { next } = await this.applied(id);
    if (sequence < next) return;
    if (sequence >= next + LIMITS.chunksAhead) {
      throw new LoopbackError(
        429,
        `Failed to store chunk ${sequence}: chunk ${next} is not here yet`,
      );
    }
    if (sequence > next) {
      // Under another name until it is whole: a crash leaves no half chunk behind.
      const name = this.path(id, "ahead", `${sequence}-${position}`);
      await Deno.writeFile(`${name}.tmp`, bytes);
      return await Deno.rename(`${name}.tmp`, name);
    }
    await this.apply(id, position, bytes);
    let following = sequence + 1;
    for (const early of await this.ahead(id)) {
      if (early.sequence > following) break;
      if (early.sequence === following) {
        await this.apply(id, early.position, await Deno.readFile(early.path));
        following++;
      }
      await Deno.remove(early.path);
    }
  }

  private async apply(id: string, position: number, bytes: Uint8Array): Promise<void> {
    using file = await Deno.open(this.path(id, "upload.part"), { write: true, create: true });
    await file.seek(position, Deno.SeekMode.Start);
    for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
    const entry = new DataView(new ArrayBuffer(ENTRY_BYTES));
    entry.setFloat64(0, (await file.stat()).size);
    await Deno.writeFile(this.path(id, "applied"), new Uint8Array(entry.buffer), { append: true });
  }

  private async applied(id: string): Promise<{ next: number; wholeBytes: number }> {
    const path = this.path(id, "applied");
    const next = Math.floor(
      ((await Deno.stat(path).catch(ignoreMissing))?.size ?? 0) / ENTRY_BYTES,
    );
    if (next === 0) return { next, wholeBytes: 0 };
    using file = await Deno.open(path);
    await file.seek((next - 1) * ENTRY_BYTES, Deno.SeekMode.Start);
    const entry = new Uint8Array(ENTRY_BYTES);
    await file.read(entry);
    return { next, wholeBytes: new DataView(entry.buffer).getFloat64(0) };
  }

  private async ahead(id: string) {
    const found = [];
    for await (const { name } of Deno.readDir(this.path(id, "ahead"))) {
      const [, sequence, position] = /^(\d+)-(\d+)$/.exec(name) ?? [];
      if (sequence === undefined) continue;
      const path = this.path(id, "ahead", name);
      found.push({ path, sequence: Number(sequence), position: Number(position) });
    }
    return found.sort((a, b) => a.sequence - b.sequence);
  }

  private path(id: string, ...rest: string[]): string {
    return join(this.folder, id, ...rest);
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
