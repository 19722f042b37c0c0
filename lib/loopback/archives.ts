/** Every archive: started by a recorder's word, found, listed, stopped, made playable, deleted. */
import { log } from "../log.ts";
import type { ArchiveRecord, LoopbackRecords, SessionRecord } from "../store/mod.ts";
import { Elections } from "./election.ts";
import { LoopbackError } from "./errors.ts";
import type { ArchiveFiles } from "./files.ts";
import type { Client, Hub } from "./hub.ts";
import type { Timings } from "./limits.ts";
import type { ClientMessage, ServerMessage } from "./protocol.ts";
import { Recording } from "./recording.ts";
import { type StartOptions, Starts } from "./starts.ts";

type RecorderMessage = Extract<
  ClientMessage,
  { type: "recording-started" | "recording-finished" | "recording-failed" }
>;
type WireArchive = Extract<ServerMessage, { type: "archive" }>["archive"];

/** What archives are made with. */
export interface ArchivesDeps {
  hub: Hub;
  records: LoopbackRecords;
  files: ArchiveFiles;
  timings: Timings;
  uploadToken(archiveId: string): string;
  /** Told of every change of status. */
  changed(record: ArchiveRecord): void;
}

/** An archive as clients see it: nothing, once its file is there. */
function wire({ id, name, status }: ArchiveRecord): WireArchive[] {
  return status === "available" || status === "failed" ? [] : [{ id, name, status }];
}

/** Every archive of the platform. */
export class Archives {
  /** Those whose file is not whole yet. */
  private readonly recordings = new Map<string, Recording>();
  private readonly elections: Elections;
  private readonly starts: Starts;
  /** Records are kept one at a time, in order; so are files made. */
  private saving: Promise<void> = Promise.resolve();
  private remuxing: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(private readonly deps: ArchivesDeps) {
    const { hub, files, timings, uploadToken } = deps;
    this.elections = new Elections({
      hub,
      startMs: timings.recorderStartMs,
      prepare: (id) => files.create(id),
      discard: (id) => files.remove(id),
      uploadToken,
    });
    const running = () => [...this.recordings.values()].filter((recording) => recording.running);
    this.starts = new Starts({ hub, elections: this.elections, running });
  }

  /** Takes up what an earlier process left: call once, before anything else. */
  async recover(): Promise<void> {
    const { records, files } = this.deps;
    for (const id of await files.list()) {
      if (!await records.hasArchive(id)) await files.remove(id);
    }
    for (const record of await records.archives()) {
      if (record.status !== "available" && record.status !== "failed") this.follow(record, null);
    }
  }

  /** Starts an archive; resolves when a page records. Throws the documented 404, 409, 500. */
  async start(session: SessionRecord, options: StartOptions): Promise<ArchiveRecord> {
    const requestedAtMs = Date.now();
    await this.settled();
    const { archiveId: id, recorder, epochMs } = await this.starts.elect(session, options);
    const { record } = this.follow({
      id,
      sessionId: session.id,
      status: "started",
      reason: "",
      ...options,
      requestedAtMs,
      epochMs,
      updatedAtMs: requestedAtMs,
      durationSeconds: 0,
      sizeBytes: 0,
      whole: false,
    }, recorder);
    const started = { ...record };
    this.announce(record);
    this.sessionChanged(session.id);
    await this.saving;
    return started;
  }

  /** Stops an archive; resolves when its recorder has given all, or soon. Throws 404, 409. */
  async stop(id: string): Promise<ArchiveRecord> {
    const recording = this.recordings.get(id);
    if (!recording?.running) {
      await this.get(id);
      throw new LoopbackError(409, "Failed to stop an archive: it is not being recorded");
    }
    recording.end("user initiated");
    const stopped = { ...recording.record };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.deps.timings.stopAnswerMs);
    });
    await Promise.race([recording.whole, patience]);
    clearTimeout(timer);
    await this.saving;
    return stopped;
  }

  /** An archive as it is now. Throws 404. */
  async get(id: string): Promise<ArchiveRecord> {
    const record = this.recordings.get(id)?.record ?? await this.deps.records.archive(id);
    if (!record) {
      throw new LoopbackError(404, "Failed to find an archive: there is none of this id");
    }
    return { ...record };
  }

  /** All archives, of one session if given, newest first. */
  async list(sessionId?: string): Promise<ArchiveRecord[]> {
    await this.saving;
    const all = await this.deps.records.archives();
    return sessionId === undefined ? all : all.filter((a) => a.sessionId === sessionId);
  }

  /** Deletes an archive and its file. Throws 404, and 409 while it is not finished. */
  async delete(id: string): Promise<void> {
    const { status } = await this.get(id);
    if (status !== "available" && status !== "failed") {
      throw new LoopbackError(409, `Failed to delete an archive: its status is "${status}"`);
    }
    await this.saving;
    await this.deps.records.removeArchive(id);
    this.recordings.delete(id);
    await this.deps.files.remove(id);
  }

  /** What a client is told of its session's archives when it comes in. */
  running(sessionId: string): WireArchive[] {
    return this.of(sessionId).flatMap(({ record }) => wire(record));
  }

  /**
   * Resolves when every archive that ran before this process has its recorder back, or has ended:
   * until then nobody can say who is in a session.
   */
  async settled(): Promise<void> {
    await Promise.all([...this.recordings.values()].map((recording) => recording.settled));
  }

  /** Whether chunks of this archive are still welcome. */
  receives(id: string): boolean {
    return this.recordings.get(id)?.open ?? this.elections.has(id);
  }

  /** A chunk of this archive was stored. */
  chunkCame(id: string): void {
    this.recordings.get(id)?.chunkCame();
  }

  /** A page reports on the recording that was asked of it. */
  recorderSays(client: Client, message: RecorderMessage): void {
    const { archiveId } = message;
    const recording = this.recordings.get(archiveId);
    switch (message.type) {
      case "recording-started":
        if (this.elections.confirm(client, archiveId, message.epochMs)) return;
        if (recording?.isBy(client)) return;
        if (recording?.resume(client, message.epochMs)) {
          return this.sessionChanged(client.sessionId);
        }
        return client.send({ type: "stop-recording", archiveId });
      case "recording-failed":
      case "recording-finished":
        if (this.elections.refuse(client, archiveId)) return;
        if (!recording?.isBy(client)) return;
        recording.recorderDone();
        if (message.type === "recording-finished" && message.droppedFrames > 0) {
          log("warning", "pictures lost by a busy page", {
            archiveId,
            pictures: message.droppedFrames,
          });
        }
    }
  }

  /** A client has left, for good or to come back (`returns`): what it recorded may end. */
  clientLeft(client: Client, returns: boolean): void {
    this.elections.left(client);
    const empty = this.deps.hub.clients(client.sessionId).length === 0;
    for (const recording of this.recordings.values()) {
      if (recording.isBy(client)) recording.recorderLeft(returns, empty);
    }
    this.sessionChanged(client.sessionId);
  }

  /** Somebody came, left, published or unpublished. */
  sessionChanged(sessionId: string): void {
    const empty = this.deps.hub.clients(sessionId).length === 0;
    const publishing = this.deps.hub.streams(sessionId).length > 0;
    for (const recording of this.of(sessionId)) recording.sessionChanged(empty, publishing);
  }

  /** Lets go of everything. What still records is left for the next process to take up. */
  async close(): Promise<void> {
    this.closed = true;
    for (const recording of this.recordings.values()) recording.abandon();
    await this.remuxing;
    await this.saving;
  }

  private of(sessionId: string): Recording[] {
    return [...this.recordings.values()].filter((recording) =>
      recording.running && recording.record.sessionId === sessionId
    );
  }

  private follow(record: ArchiveRecord, recorder: Client | null): Recording {
    const recording = new Recording(record, recorder, this.deps.timings, {
      changed: (changed) => this.announce(changed),
      received: (received) => {
        this.keep(received);
        this.remuxing = this.remuxing.then(() => this.finish(received));
      },
    });
    this.recordings.set(record.id, recording);
    return recording;
  }

  private async finish(record: ArchiveRecord): Promise<void> {
    // The next process does it: two must not write one file.
    if (this.closed) return;
    try {
      const { sizeBytes, seconds } = await this.deps.files.finish(record.id, record.epochMs);
      Object.assign(record, { sizeBytes, durationSeconds: Math.round(seconds) });
      record.status = "available";
    } catch {
      record.status = "failed";
      record.reason = "failure";
    }
    this.announce(record);
    await this.saving;
    this.recordings.delete(record.id);
  }

  /** Keeps an archive's state as it is now. */
  private keep(record: ArchiveRecord): void {
    const state = { ...record };
    this.saving = this.saving.then(() => this.deps.records.saveArchive(state)).catch(() => {
      // The state in memory is the truth until the next change is saved.
    });
  }

  /** Keeps and tells a change of status. */
  private announce(record: ArchiveRecord): void {
    record.updatedAtMs = Date.now();
    this.keep(record);
    for (const archive of wire(record)) {
      this.deps.hub.broadcast(record.sessionId, { type: "archive", archive });
    }
    this.deps.changed({ ...record });
  }
}
