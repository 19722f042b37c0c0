/** Every archive: started, found, listed, stopped, made playable, deleted. */
import PQueue from "p-queue";
import { log } from "../../log.ts";
import type { ArchiveRecord, SessionRecord } from "../../store/mod.ts";
import { Archive } from "./archive.ts";
import type { ArchiveFiles } from "./archive_files.ts";
import { EmulatorError, ensure } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { Recorders } from "./recorders.ts";
import type { Platform } from "./server.ts";

/** What a start asks for. */
type StartOptions = Pick<
  ArchiveRecord,
  "name" | "hasAudio" | "hasVideo" | "outputMode" | "resolution" | "multiArchiveTag"
>;

/** What archives are made with. */
export interface ArchivesParts extends Omit<Platform, "archives"> {
  files: ArchiveFiles;
  /** Called after every change of status. */
  changed(record: ArchiveRecord): void;
}

/** Files that are made at the same time. */
const FILES_AT_ONCE = 2;

/** Every archive of the platform, and the pages that record them. */
export class Archives {
  readonly recorders: Recorders;
  /** Those whose file is not finished yet, by id. */
  readonly open = new Map<string, Archive>();
  /** Records are saved one at a time, in order. */
  #saving: Promise<void> = Promise.resolve();
  readonly #making = new PQueue({ concurrency: FILES_AT_ONCE });
  /** Done when every archive is that was finished. */
  #finishing: Promise<void> = Promise.resolve();
  readonly #closing = new AbortController();

  constructor(readonly parts: ArchivesParts) {
    this.recorders = new Recorders(this);
  }

  /** Takes over what an earlier process left: call once, before anything else. */
  async recover(): Promise<void> {
    const { records, files } = this.parts;
    files.create();
    for (const id of await files.list()) {
      if (!await records.hasArchive(id)) await files.remove(id);
    }
    for (const record of await records.archives()) {
      if (record.status !== "available" && record.status !== "failed") this.#add(record).recover();
    }
  }

  /** Starts an archive; resolves when a page records. Throws the documented 404, 409, 500. */
  async start(session: SessionRecord, options: StartOptions): Promise<ArchiveRecord> {
    const { id: sessionId, routed } = session;
    const { sessions, files } = this.parts;
    const cannot = "Cannot start an archive";
    ensure(routed, 409, `${cannot}: the session is not routed`);
    const isEmpty = sessions.connections(sessionId).length === 0;
    ensure(!isEmpty, 404, `${cannot}: no clients are connected to the session`);
    const isTaken = [...this.open.values()].some(({ isActive, record }) =>
      isActive && record.sessionId === sessionId &&
      record.multiArchiveTag === options.multiArchiveTag
    );
    ensure(!isTaken, 409, `${cannot}: the session is already being recorded`);
    const hint = "Record from Chrome or Edge on localhost or https";
    const canRecord = this.recorders.candidates(sessionId, null).length > 0;
    ensure(canRecord, 409, `${cannot}: no browser in the call can record. ${hint}`);
    const requestedAtMs = Date.now();
    const id = crypto.randomUUID();
    files.create(id);
    const archive = this.#add({
      ...{ ...options, id, sessionId, requestedAtMs, updatedAtMs: requestedAtMs },
      ...{ reason: "", durationSeconds: 0, sizeBytes: 0, fileName: null },
      status: "started",
      codecs: { video: "vp8", audio: "opus" }, // until the first page says
      ...{ segments: [], breaks: [], streams: {} },
    });
    for (let left = LIMITS.recorderAttempts; left > 0 && !archive.isRunning; left--) {
      await archive.takeOver();
    }
    if (!archive.isRunning) {
      this.open.delete(id);
      await files.remove(id);
      throw new EmulatorError(500, `${cannot}: no page began to record in time`);
    }
    await this.#saving;
    return archive.record;
  }

  /** Stops an archive. Throws 404, and 409 if it does not record. */
  async stop(id: string): Promise<ArchiveRecord> {
    await this.get(id);
    const archive = this.open.get(id);
    ensure(archive?.isRunning, 409, "Cannot stop the archive: it is not being recorded");
    archive.end("user initiated");
    await this.#saving;
    return archive.record;
  }

  /** An archive as it is now. Throws 404. */
  async get(id: string): Promise<ArchiveRecord> {
    const record = this.open.get(id)?.record ?? await this.parts.records.archive(id);
    ensure(record, 404, "Cannot find the archive");
    return record;
  }

  /** All archives, of one session if given, newest first. */
  async list(sessionId?: string): Promise<ArchiveRecord[]> {
    await this.#saving;
    const all = await this.parts.records.archives();
    return all.filter((record) => sessionId === undefined || record.sessionId === sessionId);
  }

  /** Deletes an archive and its file. Throws 404, and 409 while it is not finished. */
  async delete(id: string): Promise<void> {
    const { status } = await this.get(id);
    const isFinished = status === "available" || status === "failed";
    ensure(isFinished, 409, `Cannot delete the archive: its status is "${status}"`);
    await this.#saving;
    await this.parts.records.removeArchive(id);
    this.open.delete(id);
    await this.parts.files.remove(id);
  }

  /** The archives of a session that record or pause now, as clients see them. */
  running(sessionId: string): { id: string; name: string; status: string }[] {
    return [...this.open.values()]
      .filter(({ isRunning, record }) => isRunning && record.sessionId === sessionId)
      .map(({ record: { id, name, status } }) => ({ id, name, status }));
  }

  /** Clients, streams, recorders or the time have changed: media of other sessions may move, too. */
  update(): void {
    this.recorders.update();
    for (const archive of this.open.values()) archive.update();
  }

  /** A record has changed: saves it. */
  save(record: ArchiveRecord): void {
    const { id: archiveId } = record;
    this.#saving = this.#saving.then(() => this.parts.records.saveArchive(record)).catch((error) =>
      // Memory holds the truth until the next change is saved.
      log("error", "emulator: cannot save an archive", { archiveId, error: String(error) })
    );
  }

  /** A record has another status: saves it and notifies everyone. */
  statusChanged(record: ArchiveRecord, isNew = false): void {
    record.updatedAtMs = Date.now();
    this.save(record);
    const { id, name, status, sessionId } = record;
    if (status !== "available" && status !== "failed") {
      const content = isNew ? { id, name, status } : { status };
      const method = isNew ? "created" : "updated";
      this.parts.sessions.send(sessionId, method, `/archive/${id}`, { content });
    }
    this.parts.changed(record);
  }

  /** Everything was uploaded: makes the file. One that takes long does not hold up the others. */
  finish(archive: Archive): void {
    archive.close();
    const made = this.#makeFile(archive.record);
    this.#finishing = this.#finishing.then(() => made);
  }

  /** Lets go of everything. What still records is left for the next process. */
  async close(): Promise<void> {
    this.recorders.close();
    for (const archive of this.open.values()) archive.close();
    this.#closing.abort();
    await this.#finishing;
    await this.#saving;
  }

  #add(record: ArchiveRecord): Archive {
    const archive = new Archive(record, this);
    this.open.set(record.id, archive);
    return archive;
  }

  async #makeFile(record: ArchiveRecord): Promise<void> {
    const { files, timings } = this.parts;
    const closing = this.#closing.signal;
    const limits = { signal: closing, timeout: timings.remuxMs };
    try {
      const file = await this.#making.add(({ signal }) => files.finish(record, signal), limits);
      Object.assign(record, { ...file, status: "available" });
    } catch (error) {
      // The next process makes it: two must not write one file.
      if (closing.aborted) return;
      log("error", "emulator: cannot make a file", { archiveId: record.id, error: String(error) });
      await files.remove(record.id);
      Object.assign(record, { status: "failed", reason: "failure" });
    }
    this.statusChanged(record);
    await this.#saving;
    this.open.delete(record.id);
  }
}
