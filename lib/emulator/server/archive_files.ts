/** The bytes of archives on disk: uploads of recorders, and one finished file in the end. */
import { basename, join } from "node:path";
import { downloadZip } from "client-zip";
import type { ArchiveRecord } from "../../store/mod.ts";
import { COMPOSED_FILE, type Losses } from "../protocol.ts";
import { EmulatorError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { type FinishedFile, joinUploads, type MediaGap } from "./remux.ts";

/** A finished archive. */
export interface FinishedArchive {
  /** `archive.mp4`, `archive.webm` or `archive.zip`. */
  fileName: string;
  sizeBytes: number;
  /** Length of the longest file in it. */
  seconds: number;
}

/** Begins a file's tag `comment`; JSON follows, see {@link factsOf}. */
const FACTS_MARK = "gapless ";

/** What an upload is named by. */
interface UploadName {
  archiveId: string;
  segment: number;
  file: string;
}

/**
 * A folder for each archive. `<segment>.<file>.mkv` grows by appending; the finished file takes their
 * place.
 */
export class ArchiveFiles {
  readonly #folder: string;
  /** The last write of each archive, and how many wait for it. */
  readonly #writing = new Map<string, { tail: Promise<unknown>; waiting: number }>();

  constructor(dataDir: string) {
    this.#folder = join(dataDir, "archives");
  }

  /** Makes room for an archive. */
  async create(archiveId: string): Promise<void> {
    await Deno.mkdir(this.#path(archiveId), { recursive: true });
  }

  /** The path of a finished file. */
  finished(archiveId: string, fileName: string): string {
    return this.#path(archiveId, basename(fileName));
  }

  /** How many bytes of an upload are stored. */
  async length(name: UploadName): Promise<number> {
    return (await Deno.stat(this.#upload(name)).catch(ignoreMissing))?.size ?? 0;
  }

  /**
   * Appends to an upload if it has exactly `offset` bytes; resolves, when the bytes are stored, with
   * its length and whether they were appended. Throws a 413 or 429 {@link EmulatorError} beyond the
   * limits.
   */
  async append(
    name: UploadName,
    offset: number,
    bytes: Uint8Array,
  ): Promise<{ appended: boolean; length: number }> {
    if (offset + bytes.length > LIMITS.archiveBytes) {
      throw new EmulatorError(
        413,
        `Cannot store an upload: an archive may have ${LIMITS.archiveBytes} bytes`,
      );
    }
    return await this.#inOrder(name.archiveId, async () => {
      await this.#checkFileCount(name);
      using file = await Deno.open(this.#upload(name), { write: true, create: true });
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
  async finish(record: ArchiveRecord, signal: AbortSignal): Promise<FinishedArchive> {
    await this.#writing.get(record.id)?.tail;
    const individual = record.outputMode === "individual";
    const extension = record.codecs.video === "avc" ? "mp4" : "webm";
    const fileName = `archive.${individual ? "zip" : extension}`;
    const path = this.finished(record.id, fileName);
    const made = individual
      ? await this.#finishIndividual(record, extension, path, signal)
      : await this.#join(record, COMPOSED_FILE, path, signal);
    await this.#removeUploads(record.id, basename(path));
    return { fileName, sizeBytes: (await Deno.stat(path)).size, seconds: made.seconds };
  }

  /** Removes an archive and everything of it. */
  async remove(archiveId: string): Promise<void> {
    await this.#writing.get(archiveId)?.tail;
    await Deno.remove(this.#path(archiveId), { recursive: true }).catch(ignoreMissing);
  }

  /** The ids of all archives that have a folder. */
  async list(): Promise<string[]> {
    await Deno.mkdir(this.#folder, { recursive: true });
    return (await Array.fromAsync(Deno.readDir(this.#folder))).map((entry) => entry.name);
  }

  /** Joins what all segments uploaded under one file name. */
  async #join(
    record: ArchiveRecord,
    file: string,
    to: string,
    signal: AbortSignal,
  ): Promise<FinishedFile & { startSeconds: number }> {
    const first = record.segments[0];
    if (!first) throw new Error("The archive has no segments");
    const uploads: { path: string; offsetSeconds: number }[] = [];
    for (const [segment, { startedAtMs }] of record.segments.entries()) {
      const name = { archiveId: record.id, segment, file };
      if (await this.length(name) === 0) continue;
      const offsetMs = startedAtMs - first.startedAtMs - brokenMs(record, startedAtMs);
      uploads.push({ path: this.#upload(name), offsetSeconds: Math.max(0, offsetMs / 1000) });
    }
    const part = `${to}.part`;
    const made = await joinUploads(uploads, part, {
      codec: record.codecs.video,
      describe: (gaps) => FACTS_MARK + JSON.stringify(factsOf(record, gaps)),
      signal,
    });
    await Deno.rename(part, to);
    return { ...made, startSeconds: uploads[0]?.offsetSeconds ?? 0 };
  }

  /** A ZIP of one file for each stream, with a manifest, as OpenTok delivers it. */
  async #finishIndividual(
    record: ArchiveRecord,
    extension: string,
    to: string,
    signal: AbortSignal,
  ): Promise<{ seconds: number }> {
    const streamIds = new Set<string>();
    for await (const { name } of Deno.readDir(this.#path(record.id))) {
      const streamId = /^\d+\.([\w-]+)\.mkv$/.exec(name)?.[1];
      if (streamId !== undefined) streamIds.add(streamId);
    }
    const files: { name: string; path: string; entry: Record<string, unknown> }[] = [];
    let seconds = 0;
    for (const streamId of streamIds) {
      const name = `${streamId}.${extension}`;
      const path = this.#path(record.id, name);
      const made = await this.#join(record, streamId, path, signal).catch((error) => {
        signal.throwIfAborted();
        // A stream that ended before its first key frame.
        return error instanceof Error ? null : Promise.reject(error);
      });
      if (!made) continue;
      seconds = Math.max(seconds, made.seconds);
      const { hasAudio, hasVideo } = made;
      const entry = {
        connectionData: record.streams[streamId]?.connectionData ?? "",
        filename: name,
        size: (await Deno.stat(path)).size,
        startTimeOffset: Math.round(made.startSeconds * 1000),
        stopTimeOffset: Math.round(made.seconds * 1000),
        streamId,
        hasAudio,
        hasVideo,
      };
      files.push({ name, path, entry });
    }
    if (files.length === 0) throw new Error("Nothing playable was uploaded");
    const { id, name, sessionId, segments } = record;
    const manifest = {
      ...{ id, name, sessionId },
      createdAt: segments[0]?.startedAtMs,
      files: files.map(({ entry }) => entry),
    };
    async function* entries() {
      yield { name: `${id}.json`, input: JSON.stringify(manifest, null, 2) };
      for (const { name, path } of files) {
        yield { name, input: (await Deno.open(path)).readable };
      }
    }
    const zip = downloadZip(entries()).body;
    if (zip) await Deno.writeFile(`${to}.part`, zip, { signal });
    await Deno.rename(`${to}.part`, to);
    return { seconds };
  }

  async #removeUploads(archiveId: string, kept: string): Promise<void> {
    for await (const { name } of Deno.readDir(this.#path(archiveId))) {
      if (name !== kept) await Deno.remove(this.#path(archiveId, name)).catch(ignoreMissing);
    }
  }

  async #checkFileCount({ archiveId, segment }: UploadName): Promise<void> {
    let files = 0;
    for await (const { name } of Deno.readDir(this.#path(archiveId))) {
      if (name.startsWith(`${segment}.`)) files++;
    }
    if (files > LIMITS.filesPerSegment) {
      throw new EmulatorError(
        413,
        `Cannot store an upload: a page may send ${LIMITS.filesPerSegment} files of an archive`,
      );
    }
  }

  /** Runs the writes of one archive one after the other. */
  async #inOrder<T>(archiveId: string, write: () => Promise<T>): Promise<T> {
    const queue = this.#writing.get(archiveId) ?? { tail: Promise.resolve(), waiting: 0 };
    if (queue.waiting >= LIMITS.uploadsAtOnce) {
      throw new EmulatorError(429, "Cannot store an upload: too many at once, try again");
    }
    this.#writing.set(archiveId, queue);
    queue.waiting++;
    const done = queue.tail.then(write);
    queue.tail = done.catch(() => {}); // whoever asked for it handles its failure
    try {
      return await done;
    } finally {
      if (--queue.waiting === 0) this.#writing.delete(archiveId);
    }
  }

  #upload({ archiveId, segment, file }: UploadName): string {
    return this.#path(archiveId, `${segment}.${file}.mkv`);
  }

  #path(archiveId: string, ...rest: string[]): string {
    return join(this.#folder, archiveId, ...rest);
  }
}

/** How long nobody published before a time of an archive, ms. */
export function brokenMs({ breaks }: Pick<ArchiveRecord, "breaks">, untilMs: number): number {
  return breaks.reduce(
    (sum, { fromMs, toMs }) => sum + Math.max(0, Math.min(toMs ?? untilMs, untilMs) - fromMs),
    0,
  );
}

/**
 * What the finished file says about itself: the wall clock of media time 0, times that no page recorded
 * although the archive ran (wall clock), and frames that are missing.
 */
function factsOf(record: ArchiveRecord, gaps: readonly MediaGap[]) {
  const { segments, breaks } = record;
  const epochMs = segments[0]?.startedAtMs ?? 0;
  /** Media time stood still in breaks. */
  const wallClock = (seconds: number) =>
    breaks.reduce(
      (ms, { fromMs, toMs }) => fromMs <= ms && toMs !== null ? ms + toMs - fromMs : ms,
      epochMs + seconds * 1000,
    );
  const total = (count: (losses: Losses) => number) =>
    segments.reduce((sum, { losses }) => sum + count(losses), 0);
  return {
    epochMs,
    gaps: gaps.map(({ fromSeconds, toSeconds }) => ({
      fromMs: wallClock(fromSeconds),
      toMs: wallClock(toSeconds),
    })),
    framesNotDelivered: total((losses) => losses.framesNotDelivered),
    framesDropped: total((losses) => losses.framesDropped),
  };
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound) return undefined;
  throw error;
}
