/** The life of archives: started by a recorder's word, ended by one of many reasons, made playable. */
import { type Elected, Elections } from "./election.ts";
import { LoopbackError } from "./errors.ts";
import type { ArchiveFiles } from "./files.ts";
import type { Client, Hub } from "./hub.ts";
import type { ArchiveRecord, Ledger, SessionRecord } from "./ledger.ts";
import type { Timings } from "./limits.ts";
import type { ClientMessage, ServerMessage } from "./protocol.ts";

/** What a start may ask for. */
export interface StartOptions {
  name: string;
  hasAudio: boolean;
  hasVideo: boolean;
  resolution: string;
  multiArchiveTag: string | null;
}

/** The platform's words for why an archive ended. */
export type Reason =
  | "user initiated"
  | "maximum duration exceeded"
  | "maximum idle time exceeded"
  | "session ended"
  | "failure";

type RecorderMessage = Extract<
  ClientMessage,
  { type: "recording-started" | "recording-finished" | "recording-failed" }
>;
type WireArchive = Extract<ServerMessage, { type: "archive" }>["archive"];
type TimerName = "empty" | "idle" | "duration" | "grace" | "finish";

/** An archive whose file is not whole yet. */
interface Live {
  record: ArchiveRecord;
  /** Null after a restart of the server, and once the page has left. */
  recorder: Client | null;
  published: boolean;
  timers: Map<TimerName, ReturnType<typeof setTimeout>>;
  /** Settles when the recorder has nothing more to give; no chunk is taken after that. */
  received: PromiseWithResolvers<void>;
  sealed: boolean;
}

/** What archives are made with. */
export interface ArchivesDeps {
  hub: Hub;
  ledger: Ledger;
  files: ArchiveFiles;
  timings: Timings;
  uploadToken(archiveId: string): string;
  /** Told of every change of status. */
  changed(record: ArchiveRecord): void;
}

const isRecording = ({ record }: Live) => record.status === "started" || record.status === "paused";

/** An archive as clients see it: nothing, once its file is there. */
function wire({ id, name, status }: ArchiveRecord): WireArchive[] {
  return status === "available" || status === "failed" ? [] : [{ id, name, status }];
}

/** Every archive of the platform. */
export class Archives {
  private readonly live = new Map<string, Live>();
  private readonly starting = new Set<{ sessionId: string; tag: string | null }>();
  private readonly elections: Elections;
  /** Writes to the ledger and remuxes happen one at a time, in order. */
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
  }

  /** Takes up what an earlier process left: call once, before anything else. */
  async recover(): Promise<void> {
    const records = await this.deps.ledger.archives();
    const known = new Set(records.map((record) => record.id));
    for (const id of await this.deps.files.list()) {
      if (!known.has(id)) await this.deps.files.remove(id);
    }
    for (const record of records) {
      if (record.status === "available" || record.status === "failed") continue;
      const live = this.follow(record, null);
      if (isRecording(live)) {
        this.arm(live, "grace", this.deps.timings.recorderGraceMs, () => this.end(live, "failure"));
      } else live.received.resolve();
    }
  }

  /** Starts an archive; resolves when a page records. Throws the documented 404, 409, 500. */
  async start(session: SessionRecord, options: StartOptions): Promise<ArchiveRecord> {
    const { hub, timings } = this.deps;
    const requestedAtMs = Date.now();
    const { id: sessionId } = session;
    const { multiArchiveTag: tag } = options;
    if (!session.routed) {
      throw new LoopbackError(409, "Failed to start an archive: the session is not routed");
    }
    if (hub.clients(sessionId).length === 0) {
      throw new LoopbackError(
        404,
        "Failed to start an archive: no clients are actively connected to the session",
      );
    }
    const taken = [
      ...this.starting,
      ...[...this.live.values()].filter(isRecording).map(({ record }) => ({
        sessionId: record.sessionId,
        tag: record.multiArchiveTag,
      })),
    ];
    if (taken.some((other) => other.sessionId === sessionId && other.tag === tag)) {
      throw new LoopbackError(
        409,
        "Failed to start an archive: the session is already being recorded, or with this multiArchiveTag",
      );
    }
    const entry = { sessionId, tag };
    this.starting.add(entry);
    let elected: Elected | null;
    try {
      const [width = 640, height = 480] = options.resolution.split("x").map(Number);
      const { hasAudio, hasVideo } = options;
      elected = await this.elections.elect(
        sessionId,
        { hasAudio, hasVideo, width, height },
        this.recorderData(),
      );
    } finally {
      this.starting.delete(entry);
    }
    if (!elected) {
      throw new LoopbackError(500, "Failed to start an archive: no connected page began to record");
    }
    const { archiveId: id, recorder, epochMs } = elected;
    const live = this.follow({
      id,
      sessionId,
      status: "started",
      reason: "",
      ...options,
      requestedAtMs,
      epochMs,
      updatedAtMs: requestedAtMs,
      durationSeconds: 0,
      sizeBytes: 0,
    }, recorder);
    const started = { ...live.record };
    this.announce(live);
    const left = epochMs + timings.maxDurationMs - Date.now();
    this.arm(live, "duration", left, () => this.end(live, "maximum duration exceeded"));
    this.sessionChanged(sessionId);
    await this.saving;
    return started;
  }

  /** Stops an archive; resolves when its recorder has given all, or soon. Throws 404, 409. */
  async stop(id: string): Promise<ArchiveRecord> {
    const live = this.live.get(id);
    if (!live || !isRecording(live)) {
      await this.get(id);
      throw new LoopbackError(409, "Failed to stop an archive: it is not being recorded");
    }
    this.end(live, "user initiated");
    const stopped = { ...live.record };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.deps.timings.stopAnswerMs);
    });
    await Promise.race([live.received.promise, patience]);
    clearTimeout(timer);
    await this.saving;
    return stopped;
  }

  /** An archive as it is now. Throws 404. */
  async get(id: string): Promise<ArchiveRecord> {
    const record = this.live.get(id)?.record ?? await this.deps.ledger.archive(id);
    if (!record) {
      throw new LoopbackError(404, "Failed to find an archive: there is none of this id");
    }
    return { ...record };
  }

  /** All archives, of one session if given, newest first. */
  async list(sessionId?: string): Promise<ArchiveRecord[]> {
    await this.saving;
    const all = await this.deps.ledger.archives();
    return sessionId === undefined ? all : all.filter((a) => a.sessionId === sessionId);
  }

  /** Deletes an archive and its file. Throws 404, and 409 while it is not finished. */
  async delete(id: string): Promise<void> {
    const { status } = await this.get(id);
    if (status !== "available" && status !== "failed") {
      throw new LoopbackError(409, `Failed to delete an archive: its status is "${status}"`);
    }
    await this.saving;
    await this.deps.ledger.removeArchive(id);
    await this.deps.files.remove(id);
  }

  /** What clients are told of a session's archives when they come in. */
  running(sessionId: string) {
    return this.of(sessionId).flatMap(({ record }) => wire(record));
  }

  /** Whether chunks of this archive are still welcome. */
  receives(id: string): boolean {
    return this.live.get(id)?.sealed === false || this.elections.has(id);
  }

  /** A page reports on the recording that was asked of it. */
  recorderSays(client: Client, message: RecorderMessage): void {
    const { archiveId } = message;
    const live = this.live.get(archiveId);
    switch (message.type) {
      case "recording-started":
        if (this.elections.confirm(client, archiveId, message.epochMs)) return;
        if (live && this.resume(live, client, message.epochMs)) return;
        return client.send({ type: "stop-recording", archiveId });
      case "recording-finished":
        if (live?.recorder !== client) return;
        if (isRecording(live)) this.end(live, "failure");
        return live.received.resolve();
      case "recording-failed":
        if (this.elections.refuse(client, archiveId) || live?.recorder !== client) return;
        if (isRecording(live)) this.end(live, "failure");
        return live.received.resolve();
    }
  }

  /** A client has left: what it recorded ends, unless it was the last one. */
  clientLeft(client: Client): void {
    this.elections.left(client);
    const empty = this.deps.hub.clients(client.sessionId).length === 0;
    for (const live of this.live.values()) {
      if (live.recorder !== client) continue;
      live.recorder = null;
      if (!isRecording(live)) live.received.resolve();
      else if (!empty) this.end(live, "failure");
    }
    this.sessionChanged(client.sessionId);
  }

  /** Somebody came, left, published or unpublished: archives pause, go on, or end after a while. */
  sessionChanged(sessionId: string): void {
    const { hub, timings } = this.deps;
    const empty = hub.clients(sessionId).length === 0;
    const publishing = hub.streams(sessionId).length > 0;
    for (const live of this.of(sessionId)) {
      const { record, timers } = live;
      live.published ||= publishing;
      if (empty) this.arm(live, "empty", timings.emptyMs, () => this.end(live, "session ended"));
      else {
        this.disarm(live, "empty");
        // Somebody is back, but the page that recorded is not: let the app start another archive.
        if (!live.recorder && !timers.has("grace")) {
          this.end(live, "failure");
          continue;
        }
      }
      if (publishing) this.disarm(live, "idle");
      else if (!timers.has("idle")) {
        const waitMs = live.published ? timings.idleMs : timings.firstPublishMs;
        this.arm(live, "idle", waitMs, () => this.end(live, "maximum idle time exceeded"));
      }
      const status = publishing ? "started" : "paused";
      if (record.status !== status && (publishing || live.published)) {
        record.status = status;
        this.announce(live);
      }
    }
  }

  /** Lets go of everything. What still records is left for the next process to take up. */
  async close(): Promise<void> {
    this.closed = true;
    for (const live of this.live.values()) {
      for (const name of live.timers.keys()) this.disarm(live, name);
    }
    await this.remuxing;
    await this.saving;
  }

  private of(sessionId: string): Live[] {
    return [...this.live.values()].filter((live) =>
      live.record.sessionId === sessionId && isRecording(live)
    );
  }

  private recorderData(): Set<string> {
    const recorders = [...this.live.values()].filter(isRecording).map((live) => live.recorder);
    return new Set(recorders.flatMap((recorder) => recorder?.data ? [recorder.data] : []));
  }

  private follow(record: ArchiveRecord, recorder: Client | null): Live {
    const live: Live = {
      record,
      recorder,
      published: recorder === null,
      timers: new Map(),
      received: Promise.withResolvers(),
      sealed: false,
    };
    this.live.set(record.id, live);
    void live.received.promise.then(() => {
      live.sealed = true;
      this.remuxing = this.remuxing.then(() => this.finish(live));
    });
    return live;
  }

  /** After a restart of the server the recorder's page is back: it knows the epoch, nobody else does. */
  private resume(live: Live, client: Client, epochMs: number): boolean {
    const { record } = live;
    if (live.recorder || !isRecording(live)) return false;
    if (record.sessionId !== client.sessionId || record.epochMs !== epochMs) return false;
    live.recorder = client;
    this.disarm(live, "grace");
    const left = epochMs + this.deps.timings.maxDurationMs - Date.now();
    this.arm(live, "duration", left, () => this.end(live, "maximum duration exceeded"));
    return true;
  }

  private end(live: Live, reason: Reason): void {
    if (!isRecording(live)) return;
    const { record, recorder } = live;
    for (const name of [...live.timers.keys()]) this.disarm(live, name);
    record.status = "stopped";
    record.reason = reason;
    record.durationSeconds = Math.max(0, Math.round((Date.now() - record.epochMs) / 1000));
    recorder?.send({ type: "stop-recording", archiveId: record.id });
    this.announce(live);
    if (!recorder) return live.received.resolve();
    this.arm(live, "finish", this.deps.timings.recorderFinishMs, () => live.received.resolve());
  }

  private async finish(live: Live): Promise<void> {
    const { record } = live;
    this.disarm(live, "finish");
    // The next process does it; two must not write one file.
    if (this.closed) return;
    try {
      const { sizeBytes, seconds } = await this.deps.files.finish(record.id, record.epochMs);
      Object.assign(record, { sizeBytes, durationSeconds: Math.round(seconds) });
      record.status = "available";
    } catch {
      record.status = "failed";
      record.reason = "failure";
    }
    this.announce(live);
    await this.saving;
    this.live.delete(record.id);
  }

  /** Keeps and tells a change of status. */
  private announce({ record }: Live): void {
    record.updatedAtMs = Date.now();
    const state = { ...record };
    this.saving = this.saving.then(() => this.deps.ledger.saveArchive(state)).catch(() => {
      // The state in memory is the truth until the next change is saved.
    });
    for (const archive of wire(record)) {
      this.deps.hub.broadcast(record.sessionId, { type: "archive", archive });
    }
    this.deps.changed(state);
  }

  private arm(live: Live, name: TimerName, ms: number, act: () => void): void {
    this.disarm(live, name);
    if (this.closed) return;
    live.timers.set(name, setTimeout(() => (live.timers.delete(name), act()), Math.max(0, ms)));
  }

  private disarm(live: Live, name: TimerName): void {
    clearTimeout(live.timers.get(name));
    live.timers.delete(name);
  }
}
