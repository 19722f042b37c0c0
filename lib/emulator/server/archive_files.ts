/** The bytes of archives on disk: uploads of recorders, and one finished file in the end. */
import { basename, join } from "node:path";
import { makeZip } from "client-zip";
import PQueue from "p-queue";
import type { ArchiveRecord } from "../../store/mod.ts";
import { COMPOSED_FILE } from "../protocol.ts";
import { ensure } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { joinUploads, type MediaSpan } from "./remux.ts";

/** The name of an upload in its archive's folder. */
export function uploadName(segment: number, file: string): string {
  return `${segment}.${file}.packets`;
}

/** A folder for each archive: uploads grow by appending, the finished file takes their place. */
export class ArchiveFiles {
  /** What is written to each archive: one upload after the other. */
  readonly #writing = new Map<string, PQueue>();

  constructor(private readonly dataDir: string) {}

  /** Makes room for an archive, or for any. */
  create(archiveId = ""): void {
    Deno.mkdirSync(this.path(archiveId), { recursive: true });
  }

  /** The path of an archive's folder, or of a file in it. */
  path(archiveId: string, file = ""): string {
    return join(this.dataDir, "archives", archiveId, basename(file));
  }

  /**
   * Appends to an upload if it has exactly `offset` bytes; resolves, when the bytes are stored, with
   * its length and whether they were appended. Uploads of one archive are stored one after the other.
   * Throws a 413 or 429 {@link EmulatorError} beyond the limits.
   */
  async append(
    archiveId: string,
    upload: string,
    offset: number,
    bytes: Uint8Array,
  ): Promise<{ appended: boolean; length: number }> {
    const cannot = "Cannot store an upload";
    const { archiveBytes, uploadsAtOnce } = LIMITS;
    const fits = offset + bytes.length <= archiveBytes;
    ensure(fits, 413, `${cannot}: an archive may have ${archiveBytes} bytes`);
    const queue = this.#writing.get(archiveId) ?? new PQueue({ concurrency: 1 });
    this.#writing.set(archiveId, queue);
    ensure(queue.size < uploadsAtOnce, 429, `${cannot}: too many at once, try again`);
    return await queue.add(async () => {
      using file = await Deno.open(this.path(archiveId, upload), { write: true, create: true });
      const { size } = await file.stat();
      if (size !== offset) return { appended: false, length: size };
      await file.seek(offset, Deno.SeekMode.Start);
      for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
      return { appended: true, length: offset + bytes.length };
    });
  }

  /**
   * Makes the finished file of everything that was uploaded, and removes the uploads.
   *
   * @throws {Error} when nothing playable was uploaded, and when `signal` aborts.
   */
  async finish(record: ArchiveRecord, signal?: AbortSignal) {
    await this.#written(record.id);
    const extension = record.codecs.video === "avc" ? "mp4" : "webm";
    const isIndividual = record.outputMode === "individual";
    const fileName = `archive.${isIndividual ? "zip" : extension}`;
    const { seconds } = isIndividual
      ? await this.#zip(record, fileName, extension, signal)
      : await this.#join(record, COMPOSED_FILE, fileName, signal);
    for (const name of await this.list(record.id)) {
      if (name !== fileName) await Deno.remove(this.path(record.id, name));
    }
    const { size } = await Deno.stat(this.path(record.id, fileName));
    return { fileName, sizeBytes: size, durationSeconds: Math.round(seconds) };
  }

  /** Removes an archive and everything of it. */
  async remove(archiveId: string): Promise<void> {
    await this.#written(archiveId);
    await Deno.remove(this.path(archiveId), { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }

  /** The names of everything in an archive's folder; by default, the ids of all that have one. */
  async list(archiveId = ""): Promise<string[]> {
    return (await Array.fromAsync(Deno.readDir(this.path(archiveId)))).map(({ name }) => name);
  }

  /** Resolves when nothing more is written to an archive. */
  async #written(archiveId: string): Promise<void> {
    await this.#writing.get(archiveId)?.onIdle();
    this.#writing.delete(archiveId);
  }

  /** Joins what all segments uploaded under one file name. */
  async #join(record: ArchiveRecord, file: string, to: string, signal?: AbortSignal) {
    const { id, segments, codecs } = record;
    const uploads: { path: string; offsetSeconds: number }[] = [];
    const present = await this.list(id);
    for (const [segment, { startedAtMs }] of segments.entries()) {
      const upload = uploadName(segment, file);
      if (!present.includes(upload)) continue;
      const offsetSeconds = Math.max(0, mediaMs(record, startedAtMs) / 1000);
      uploads.push({ path: this.path(id, upload), offsetSeconds });
    }
    const describe = (gaps: MediaSpan[]) => `gapless ${JSON.stringify(factsOf(record, gaps))}`;
    const made = await joinUploads(uploads, this.path(id, to), { codecs, describe, signal });
    return { ...made, startSeconds: uploads[0]?.offsetSeconds ?? 0 };
  }

  /** A ZIP of one file for each stream, with a manifest, as OpenTok delivers it. */
  async #zip(record: ArchiveRecord, to: string, extension: string, signal?: AbortSignal) {
    const { id, name, sessionId, segments } = record;
    const files: { filename: string; [fact: string]: unknown }[] = [];
    let seconds = 0;
    for (const [streamId, { connectionData }] of Object.entries(record.streams)) {
      const filename = `${streamId}.${extension}`;
      const made = await this.#join(record, streamId, filename, signal).catch((error) => {
        signal?.throwIfAborted();
        // A stream that ended before its first key frame.
        return error instanceof Error ? null : Promise.reject(error);
      });
      if (!made) continue;
      const { hasAudio, hasVideo } = made;
      seconds = Math.max(seconds, made.seconds);
      files.push({
        ...{ connectionData, filename },
        size: (await Deno.stat(this.path(id, filename))).size,
        startTimeOffset: Math.round(made.startSeconds * 1000),
        stopTimeOffset: Math.round(made.seconds * 1000),
        ...{ streamId, hasAudio, hasVideo },
      });
    }
    if (files.length === 0) throw new Error("Nothing playable was uploaded");
    const manifest = { id, name, sessionId, createdAt: segments[0]?.startedAtMs, files };
    const open = (name: string) => Deno.open(this.path(id, name));
    async function* entries() {
      yield { name: `${id}.json`, input: JSON.stringify(manifest, null, 2) };
      for (const { filename: name } of files) yield { name, input: (await open(name)).readable };
    }
    await Deno.writeFile(this.path(id, to), makeZip(entries()), { signal });
    return { seconds };
  }
}

/** Media time of an archive at a time, ms: it stands still while nobody publishes. */
export function mediaMs({ segments, breaks }: ArchiveRecord, atMs: number): number {
  return breaks.reduce(
    (ms, { fromMs, toMs }) => ms - Math.max(0, Math.min(toMs ?? atMs, atMs) - fromMs),
    atMs - (segments[0]?.startedAtMs ?? atMs),
  );
}

/**
 * What the finished file says about itself: the wall clock of media time 0, times that no page recorded
 * although the archive ran (wall clock), and frames that are missing.
 */
function factsOf({ segments, breaks }: ArchiveRecord, gaps: readonly MediaSpan[]) {
  const epochMs = segments[0]?.startedAtMs ?? 0;
  /** Media time stood still in breaks. */
  const wallMs = (seconds: number) =>
    breaks.reduce(
      (ms, { fromMs, toMs }) => fromMs <= ms && toMs !== null ? ms + toMs - fromMs : ms,
      epochMs + seconds * 1000,
    );
  return {
    epochMs,
    gaps: gaps.map((gap) => ({ fromMs: wallMs(gap.fromSeconds), toMs: wallMs(gap.toSeconds) })),
    framesNotDelivered: segments.reduce((sum, { losses }) => sum + losses.framesNotDelivered, 0),
    framesDropped: segments.reduce((sum, { losses }) => sum + losses.framesDropped, 0),
  };
}
