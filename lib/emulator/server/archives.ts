/** Every archive: started, found, listed, stopped, made playable, deleted. */
import { log } from "../../log.ts";
import type { ArchiveRecord, EmulatorRecords, SessionRecord } from "../../store/mod.ts";
import type { RecordedStream, RecordingRequest } from "../protocol.ts";
import { Archive } from "./archive.ts";
import type { ArchiveFiles } from "./archive_files.ts";
import { EmulatorError } from "./errors.ts";
import type { Timings } from "./limits.ts";
import type { Elected, Recorder, RecorderEvents, Recorders, Report } from "./recorders.ts";
import { isActive, participantOf, type Sessions } from "./sessions.ts";

/** What a start may ask for. */
export interface StartOptions {
  name: string;
  hasAudio: boolean;
  hasVideo: boolean;
  outputMode: "composed" | "individual";
  resolution: string;
  multiArchiveTag: string | null;
}

/** What archives are made with. */
export interface ArchivesDeps {
  sessions: Sessions;
  recorders: Recorders;
  records: EmulatorRecords;
  files: ArchiveFiles;
  timings: Timings;
  uploadToken(archiveId: string, segment: number): string;
  /** Called after every change of status. */
  changed(record: ArchiveRecord): void;
}

/** Files that are made at the same time. */
const REMUXES_AT_ONCE = 2;

/** Every archive of the platform. */
export class Archives implements RecorderEvents {
  /** Those whose file is not finished yet. */
  readonly #open = new Map<string, Archive>();
  readonly #starting = new Set<{ sessionId: string; tag: string | null }>();
  /** Records are saved one at a time, in order. */
  #saving: Promise<void> = Promise.resolve();
  readonly #finishing = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor(private readonly deps: ArchivesDeps) {}

  /** Takes over what an earlier process left: call once, before anything else. */
  async recover(): Promise<void> {
    const { records, files } = this.deps;
    for (const id of await files.list()) {
      if (!await records.hasArchive(id)) await files.remove(id);
    }
    for (const record of await records.archives()) {
      if (record.status === "available" || record.status === "failed") continue;
      this.#follow(record, null);
    }
  }

  /** Starts an archive; resolves when a page records. Throws the documented 404, 409, 500. */
  async start(session: SessionRecord, options: StartOptions): Promise<ArchiveRecord> {
    const requestedAtMs = Date.now();
    const entry = { sessionId: session.id, tag: options.multiArchiveTag };
    this.#checkStart(session, entry);
    this.#starting.add(entry);
    const id = crypto.randomUUID();
    try {
      await this.deps.files.create(id);
      const elected = await this.#elect({ id, sessionId: session.id, ...options }, 0, new Set());
      if (!elected) {
        await this.deps.files.remove(id);
        throw new EmulatorError(500, "Cannot start an archive: no page began to record in time");
      }
      const archive = this.#follow(
        newRecord(id, session.id, options, requestedAtMs, elected),
        elected.recorder,
      );
      this.#statusChanged(archive.record, true);
      this.#update(archive);
      await this.#saving;
      return { ...archive.record };
    } finally {
      this.#starting.delete(entry);
    }
  }

  /** Stops an archive. Throws 404, and 409 if it does not record. */
  async stop(id: string): Promise<ArchiveRecord> {
    const archive = this.#open.get(id);
    if (!archive?.isRunning) {
      await this.get(id);
      throw new EmulatorError(409, "Cannot stop the archive: it is not being recorded");
    }
    archive.end("user initiated");
    await this.#saving;
    return { ...archive.record };
  }

  /** An archive as it is now. Throws 404. */
  async get(id: string): Promise<ArchiveRecord> {
    const record = this.#open.get(id)?.record ?? await this.deps.records.archive(id);
    if (!record) throw new EmulatorError(404, "Cannot find the archive");
    return { ...record };
  }

  /** All archives, of one session if given, newest first. */
  async list(sessionId?: string): Promise<ArchiveRecord[]> {
    await this.#saving;
    const all = await this.deps.records.archives();
    return sessionId === undefined ? all : all.filter((a) => a.sessionId === sessionId);
  }

  /** Deletes an archive and its file. Throws 404, and 409 while it is not finished. */
  async delete(id: string): Promise<void> {
    const { status } = await this.get(id);
    if (status !== "available" && status !== "failed") {
      throw new EmulatorError(409, `Cannot delete the archive: its status is "${status}"`);
    }
    await this.#saving;
    await this.deps.records.removeArchive(id);
    this.#open.delete(id);
    await this.deps.files.remove(id);
  }

  /** The archives of a session that record or pause now, as clients see them. */
  running(sessionId: string): { id: string; name: string; status: string }[] {
    return this.#running(sessionId).map(({ record: { id, name, status } }) => ({
      id,
      name,
      status,
    }));
  }

  /** Whether uploads of this archive are accepted. */
  isReceiving(id: string): boolean {
    return this.#open.get(id)?.isReceiving ?? this.deps.recorders.isStarting(id);
  }

  /** Bytes of this archive were stored. */
  uploadCame(id: string): void {
    this.#open.get(id)?.uploadCame();
  }

  /** Clients or streams of a session have changed: media of other sessions may have moved, too. */
  sessionsChanged(): void {
    for (const archive of this.#open.values()) this.#update(archive);
  }

  arrived(recorder: Recorder, recordings: { archiveId: string; segment: number }[]): void {
    for (const { archiveId } of recordings) {
      if (this.isReceiving(archiveId)) continue;
      recorder.send({ type: "discard", archiveId });
    }
    for (const archive of this.#open.values()) {
      const own = recordings.find(({ archiveId }) => archiveId === archive.record.id);
      archive.recorderArrived(recorder, own?.segment ?? null);
    }
  }

  leaving(recorder: Recorder): void {
    for (const archive of this.#open.values()) archive.recorderLeaves(recorder, false);
  }

  gone(recorder: Recorder): void {
    for (const archive of this.#open.values()) archive.recorderLeaves(recorder, true);
  }

  reported(recorder: Recorder, report: Report): void {
    this.#open.get(report.archiveId)?.reported(recorder, report);
  }

  /** Lets go of everything. What still records is left for the next process. */
  async close(): Promise<void> {
    for (const archive of this.#open.values()) archive.abandon();
    this.#closing.abort();
    await Promise.all(this.#finishing);
    await this.#saving;
  }

  #checkStart(
    { id: sessionId, routed }: SessionRecord,
    { tag }: { tag: string | null },
  ): void {
    const cannot = "Cannot start an archive";
    const { sessions, recorders } = this.deps;
    if (!routed) throw new EmulatorError(409, `${cannot}: the session is not routed`);
    if (sessions.connections(sessionId).length === 0) {
      throw new EmulatorError(404, `${cannot}: no clients are connected to the session`);
    }
    const taken = [
      ...this.#running(sessionId).map(({ record }) => ({
        sessionId,
        tag: record.multiArchiveTag,
      })),
      ...this.#starting,
    ];
    if (taken.some((other) => other.sessionId === sessionId && other.tag === tag)) {
      throw new EmulatorError(409, `${cannot}: the session is already being recorded`);
    }
    if (!recorders.hasCandidate(sessionId)) {
      throw new EmulatorError(
        409,
        `${cannot}: no browser in the call can record. Record from Chrome or Edge on localhost or https`,
      );
    }
  }

  #elect(
    { id, sessionId, outputMode, hasAudio, hasVideo, resolution }: {
      id: string;
      sessionId: string;
    } & StartOptions,
    segment: number,
    excluded: ReadonlySet<Recorder>,
    codecs: RecordingRequest["codecs"] = null,
  ): Promise<Elected | null> {
    const [width = 640, height = 480] = resolution.split("x").map(Number);
    const busy = [...this.#open.values()].flatMap(({ recorder }) => recorder ?? []);
    return this.deps.recorders.elect(
      sessionId,
      {
        ...{ archiveId: id, segment, outputMode, hasAudio, hasVideo, width, height, codecs },
        uploadToken: this.deps.uploadToken(id, segment),
      },
      () => this.#streams(sessionId),
      new Set(busy),
      excluded,
    );
  }

  /** The session's streams, and the streams of any session that carry the same person's media. */
  #streams(sessionId: string): RecordedStream[] {
    const { sessions } = this.deps;
    const everywhere = sessions.all();
    return sessions.streams(sessionId).map(({ stream, publisher }) => {
      const participant = participantOf(publisher);
      const others = everywhere
        .filter((connection) => participantOf(connection) === participant)
        .flatMap(({ streams }) => [...streams.values()])
        .filter(({ id }) => id !== stream.id)
        .sort((a, b) => b.createdAtMs - a.createdAtMs);
      return {
        streamId: stream.id,
        name: stream.content.name || nameIn(publisher.data),
        hasAudio: isActive(stream, "audio"),
        hasVideo: isActive(stream, "video"),
        mediaStreamIds: [stream.id, ...others.map(({ id }) => id)],
      };
    });
  }

  #running(sessionId: string): Archive[] {
    return [...this.#open.values()].filter(({ record, isRunning }) =>
      isRunning && record.sessionId === sessionId
    );
  }

  #update(archive: Archive): void {
    const { record } = archive;
    const streams = this.deps.sessions.streams(record.sessionId);
    for (const { stream, publisher } of streams) {
      record.streams[stream.id] ??= { connectionData: publisher.data };
    }
    archive.sessionChanged(streams.length > 0);
  }

  #follow(record: ArchiveRecord, recorder: Recorder | null): Archive {
    const { sessions, timings } = this.deps;
    const { id, sessionId } = record;
    const archive = new Archive(record, recorder, {
      timings,
      streams: () => this.#streams(sessionId),
      isSessionEmpty: () => sessions.connections(sessionId).length === 0,
      rotationAtMs: () => sessions.openedAtMs(sessionId) + timings.rotationMs,
      elect: (segment, excluded) => this.#elect(record, segment, excluded, record.codecs),
      statusChanged: () => this.#statusChanged(record, false),
      changed: () => this.#save(record),
      received: () => this.#finish(record),
    });
    this.#open.set(id, archive);
    return archive;
  }

  /** Makes the file; one archive that takes long does not hold up the others. */
  #finish(record: ArchiveRecord): void {
    const running = [...this.#finishing];
    const before = running.length < REMUXES_AT_ONCE ? Promise.resolve() : Promise.race(running);
    const finishing = before.then(() => this.#makeFile(record))
      .finally(() => this.#finishing.delete(finishing));
    this.#finishing.add(finishing);
  }

  async #makeFile(record: ArchiveRecord): Promise<void> {
    const { files, timings } = this.deps;
    // The next process makes it: two must not write one file.
    if (this.#closing.signal.aborted) return;
    const late = new AbortController();
    // Unlike AbortSignal.timeout(), this does not keep a process that is done from ending.
    const timer = setTimeout(() => late.abort(new Error("Too slow")), timings.remuxMs);
    const signal = AbortSignal.any([late.signal, this.#closing.signal]);
    const aborted = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => aborted.reject(signal.reason));
    try {
      const made = await Promise.race([files.finish(record, signal), aborted.promise]);
      record.fileName = made.fileName;
      record.sizeBytes = made.sizeBytes;
      record.durationSeconds = Math.round(made.seconds);
      record.status = "available";
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      log("error", "emulator: cannot make the file of an archive", {
        archiveId: record.id,
        error: String(error),
      });
      record.status = "failed";
      record.reason = "failure";
      await files.remove(record.id);
    } finally {
      clearTimeout(timer);
    }
    this.#statusChanged(record, false);
    await this.#saving;
    this.#open.delete(record.id);
  }

  #save(record: ArchiveRecord): void {
    const state = structuredClone(record);
    this.#saving = this.#saving.then(() => this.deps.records.saveArchive(state)).catch((error) => {
      // Memory holds the truth until the next change is saved.
      log("error", "emulator: cannot save an archive", {
        archiveId: record.id,
        error: String(error),
      });
    });
  }

  #statusChanged(record: ArchiveRecord, isNew: boolean): void {
    record.updatedAtMs = Date.now();
    this.#save(record);
    if (record.status !== "available" && record.status !== "failed") {
      this.deps.sessions.announceArchive(record, isNew);
    }
    this.deps.changed({ ...record });
  }
}

function newRecord(
  id: string,
  sessionId: string,
  options: StartOptions,
  requestedAtMs: number,
  { recorder, startedAtMs, codecs }: Elected,
): ArchiveRecord {
  return {
    ...{ id, sessionId, ...options, requestedAtMs, codecs },
    status: "started",
    reason: "",
    updatedAtMs: requestedAtMs,
    durationSeconds: 0,
    sizeBytes: 0,
    fileName: null,
    segments: [{
      recorderId: recorder.id,
      startedAtMs,
      complete: false,
      losses: { framesNotDelivered: 0, framesDropped: 0 },
    }],
    breaks: [],
    streams: {},
  };
}

/** The text shown for a stream without a name. */
function nameIn(data: string): string {
  return data.length <= 80 && !data.startsWith("{") ? data : "Guest";
}
