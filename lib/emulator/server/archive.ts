/** One archive from its start to its last byte: who records it, its states, its deadlines. */
import { log } from "../../log.ts";
import type { ArchiveRecord } from "../../store/mod.ts";
import type { FromRecorder, RecordedStream, RecordingRequest } from "../protocol.ts";
import { mediaMs } from "./archive_files.ts";
import type { Archives } from "./archives.ts";
import type { Recorder } from "./recorders.ts";
import { isActive, participantOf } from "./sessions.ts";

/** The platform's words for why an archive ended. */
type Reason =
  | "user initiated"
  | "maximum duration exceeded"
  | "maximum idle time exceeded"
  | "session ended"
  | "failure";

/** An archive that starts, records, or whose bytes are still being uploaded. */
export class Archive {
  /** Whether uploads are accepted. */
  isReceiving = true;
  /** The page that records now; null: there is none, or it is not back after a restart. */
  recorder: Recorder | null = null;
  /** The page that is asked to record; the answer is whether it does. */
  #asked: { recorder: Recorder; answer: PromiseWithResolvers<boolean> } | null = null;
  /** Pages that failed to record this archive: they are not asked again. */
  readonly #failed = new Set<Recorder>();
  /** What the recorder was told last. */
  #told = "";
  /** Until then a recorder of an earlier process is expected back, ms of `performance.now()`. */
  #recoverUntilMs = 0;
  /** Since when conditions hold that count once they have lasted, ms of `performance.now()`. */
  readonly #since = new Map<string, number>();

  constructor(readonly record: ArchiveRecord, private readonly archives: Archives) {}

  /** Whether it starts, records or pauses. */
  get isActive(): boolean {
    return this.isReceiving && this.record.status !== "stopped";
  }

  /** Whether it records or pauses. */
  get isRunning(): boolean {
    return this.isActive && this.record.segments.length > 0;
  }

  /** Continues what an earlier process left: its recorder is expected back, then others take over. */
  recover(): void {
    this.#recoverUntilMs = performance.now() + this.archives.parts.timings.recorderGraceMs;
  }

  /** Something may have changed: pauses, resumes, ends, updates the recorder or finds one. */
  update(): void {
    const { record, archives, recorder } = this;
    const { sessions, timings } = archives.parts;
    if (this.isReceiving && !this.isActive) {
      // Once every recorder is done, or nothing has come of them for a while.
      const isComplete = record.segments.every(({ complete }) => complete);
      if (this.#hasLasted("quiet", true, timings.recorderFinishMs) || isComplete) {
        archives.finish(this);
      }
    }
    if (!this.isRunning) return;
    const nowMs = Date.now();
    const streams = this.#streams();
    const isPublished = streams.length > 0;
    const wasPublished = Object.keys(record.streams).length > 0;
    if (wasPublished && isPublished !== (record.status === "started")) {
      for (const lull of record.breaks) lull.toMs ??= nowMs;
      if (!isPublished) record.breaks.push({ fromMs: nowMs, toMs: null });
      record.status = isPublished ? "started" : "paused";
      archives.statusChanged(record);
    }

    const startedAtMs = record.segments[0]?.startedAtMs ?? nowMs;
    const isOver = nowMs - startedAtMs >= timings.maxTotalMs ||
      mediaMs(record, nowMs) >= timings.maxDurationMs;
    if (isOver) return this.end("maximum duration exceeded");
    // When a media server is replaced, the platform gives the same reason as for a user's stop.
    const rotations = (atMs: number) =>
      Math.floor(Math.max(0, atMs - sessions.openedAtMs(record.sessionId)) / timings.rotationMs);
    if (rotations(nowMs) > rotations(startedAtMs)) return this.end("user initiated");
    const idleMs = wasPublished ? timings.idleMs : timings.firstPublishMs;
    const isIdle = this.#hasLasted("idle", !isPublished, idleMs);
    if (isIdle) return this.end("maximum idle time exceeded");
    const isEmpty = sessions.connections(record.sessionId).length === 0;
    if (this.#hasLasted("empty", isEmpty, timings.emptyMs)) return this.end("session ended");
    const isLost = !recorder && !this.#asked && !isEmpty;
    if (this.#hasLasted("lost", isLost, timings.recorderMissingMs)) return this.end("failure");

    if (!recorder || recorder.isLeaving) return void this.takeOver();
    const message = { streams, paused: record.status === "paused" };
    const text = JSON.stringify(message);
    if (text === this.#told) return;
    this.#told = text;
    recorder.send({ type: "streams", archiveId: record.id, ...message });
  }

  /** A page can record now, or is back; `recordings` are those that it says it has. */
  arrived(recorder: Recorder, recordings: { archiveId: string; segment: number }[]): void {
    const { id: archiveId, segments } = this.record;
    const own = recordings.find((each) => each.archiveId === archiveId);
    const segment = segments[own?.segment ?? -1];
    if (segment?.recorderId === recorder.id && this.isReceiving) {
      segment.complete = false;
      if (this.isRunning && segment === segments.at(-1)) {
        this.recorder = recorder;
        this.#told = "";
      } else {
        recorder.send({ type: "stop", archiveId });
        this.#since.delete("quiet");
      }
    } else if (own && this.#asked?.recorder !== recorder) {
      recorder.send({ type: "discard", archiveId });
    }
    this.update();
  }

  /** The page is gone. */
  gone(recorder: Recorder): void {
    if (this.#asked?.recorder === recorder) this.#asked.answer.resolve(false);
    for (const segment of this.record.segments) {
      if (segment.recorderId === recorder.id) this.#complete(segment);
    }
  }

  /** A recorder reports on its recording of this archive. */
  reported(recorder: Recorder, report: Extract<FromRecorder, { archiveId: string }>): void {
    const { record, archives } = this;
    const answer = this.#asked?.recorder === recorder ? this.#asked.answer : null;
    if (report.type === "started") {
      if (!answer) return;
      record.segments.push({
        recorderId: recorder.id,
        startedAtMs: recorder.clock.toWallClock(report.startedAtMs) ?? Date.now(),
        complete: false,
        losses: { framesNotDelivered: 0, framesDropped: 0 },
      });
      this.recorder = recorder;
      this.#told = "";
      answer.resolve(true);
      if (record.segments.length > 1) return archives.save(record);
      record.codecs = report.codecs;
      return archives.statusChanged(record, true);
    }
    if (report.type === "failed") {
      const error = report.message.slice(0, 300);
      log("warning", "emulator: recording failed", { archiveId: record.id, error });
      if (answer) return answer.resolve(false);
    }
    // Reports are repeated after a lost connection, also to a server that was restarted.
    const segment = record.segments.findLast(({ recorderId, complete }) =>
      recorderId === recorder.id && !complete
    );
    if (!segment) return;
    if (report.type === "failed") this.#failed.add(recorder);
    else segment.losses = report.losses;
    if (report.type !== "progress") this.#complete(segment);
  }

  /** Bytes came: whoever sends them may have more. */
  uploadCame(): void {
    const { status, updatedAtMs: endedAtMs } = this.record;
    const { uploadMs } = this.archives.parts.timings;
    if (status === "stopped" && Date.now() - endedAtMs <= uploadMs) this.#since.delete("quiet");
  }

  /** Ends it, unless it has ended; its recorders upload the rest. */
  end(reason: Reason): void {
    if (!this.isRunning) return;
    this.#asked?.answer.resolve(false);
    this.recorder = null;
    const { record, archives } = this;
    const nowMs = Date.now();
    for (const lull of record.breaks) lull.toMs ??= nowMs;
    record.status = "stopped";
    record.reason = reason;
    record.durationSeconds = Math.max(0, Math.round(mediaMs(record, nowMs) / 1000));
    archives.statusChanged(record);
    for (const { recorderId, complete } of record.segments) {
      const recorder = complete ? undefined : archives.recorders.known.get(recorderId);
      recorder?.send({ type: "stop", archiveId: record.id });
    }
    this.update();
  }

  /** Accepts and does nothing more: all bytes are there, or another process continues. */
  close(): void {
    this.isReceiving = false;
    this.#asked?.answer.resolve(false);
  }

  /** Asks the best page to record; when that has started, or there is none, the previous one is stopped. */
  async takeOver(): Promise<void> {
    if (this.#asked || performance.now() < this.#recoverUntilMs) return;
    const { tokens, timings } = this.archives.parts;
    const { id: archiveId, sessionId, segments, resolution, codecs } = this.record;
    const { outputMode, hasAudio, hasVideo } = this.record;
    const [width = 640, height = 480] = resolution.split("x").map(Number);
    const request: RecordingRequest = {
      ...{ archiveId, outputMode, hasAudio, hasVideo, width, height },
      segment: segments.length,
      codecs: segments.length === 0 ? null : codecs,
      uploadToken: tokens.sign("upload", `${archiveId} ${segments.length}`),
    };
    const previous = this.recorder;
    const recorder = this.archives.recorders.candidates(sessionId, request.codecs)
      .find((each) => each !== previous && !this.#failed.has(each));
    if (recorder) {
      const answer = Promise.withResolvers<boolean>();
      this.#asked = { recorder, answer };
      recorder.send({ type: "record", request, streams: this.#streams() });
      const timer = setTimeout(() => answer.resolve(false), timings.recorderStartMs);
      const hasStarted = await answer.promise;
      clearTimeout(timer);
      this.#asked = null;
      if (!hasStarted) {
        this.#failed.add(recorder);
        return recorder.send({ type: "discard", archiveId });
      }
    }
    if (this.isRunning) previous?.send({ type: "stop", archiveId });
  }

  #complete(segment: ArchiveRecord["segments"][number]): void {
    if (segment.complete) return;
    segment.complete = true;
    if (segment === this.record.segments.at(-1)) this.recorder = null;
    this.archives.save(this.record);
    this.update();
  }

  /** Notes and returns the session's streams, and those of any session with the same person's media. */
  #streams(): RecordedStream[] {
    const { record, archives } = this;
    const { sessions } = archives.parts;
    const everywhere = sessions.all();
    return sessions.streams(record.sessionId).map(({ stream, publisher }) => {
      if (!Object.hasOwn(record.streams, stream.id)) {
        record.streams[stream.id] = { connectionData: publisher.data };
        if (this.isRunning) archives.save(record);
      }
      const own = everywhere
        .filter((connection) => participantOf(connection) === participantOf(publisher))
        .flatMap(({ streams }) => [...streams.values()])
        .sort((a, b) => b.createdAtMs - a.createdAtMs);
      const { data } = publisher;
      const isName = data.length <= 80 && !data.startsWith("{");
      return {
        streamId: stream.id,
        name: stream.content.name || (isName ? data : "Guest"),
        hasAudio: isActive(stream, "audio"),
        hasVideo: isActive(stream, "video"),
        mediaStreamIds: [...new Set([stream, ...own].map(({ id }) => id))],
      };
    });
  }

  /** Whether a condition holds and has held for so long. */
  #hasLasted(name: string, holds: boolean, ms: number): boolean {
    const nowMs = performance.now();
    const sinceMs = this.#since.get(name) ?? nowMs;
    if (holds) this.#since.set(name, sinceMs);
    else this.#since.delete(name);
    return holds && nowMs - sinceMs >= ms;
  }
}
