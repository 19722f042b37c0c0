/**
 * The recorder worker of a page: makes all of the page's recordings. Its timers and streams run at
 * full speed while the tab is hidden or the page is busy.
 */
import {
  type FromRecorder,
  type RecordedStream,
  type RecordingRequest,
  type ToRecorder,
  toRecorderSchema,
} from "../protocol.ts";
import { warmUp } from "./compositor.ts";
import type { I420Frame } from "./i420.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { type EncodableCodecs, encodableCodecs } from "./output_file.ts";
import { Recording, type RecordingContext, type Report } from "./recording.ts";
import { FrameScheduler } from "./scheduler.ts";
import { AudioSource, readVideo } from "./tracks.ts";

const PUMP_MS = 20;
const PROGRESS_MS = 1_000;
const RECONNECT_MS = 300;
/** Warm-up of a track's clock; and where a recording has to go on at once. */
const WARM_UP_MS = 400;
const URGENT_WARM_UP_MS = 120;
/** Close code of a server that refuses this recorder (RFC 6455, 7.4.1). */
const POLICY_VIOLATION = 1008;
/** Reports that are repeated on reconnection. */
const KEPT_REPORTS = 20;
/** The machine counts as overloaded for so long after a dropped frame, ms. */
const OVERLOADED_MS = 3_000;
const OVERLOAD_WARNING =
  "This computer is too busy to record every frame. Close other programs or tabs.";

/** Its sources are the page's streams, shared by all recordings and read while there are any. */
class Recorder implements RecordingContext {
  readonly #onTick = (atMs: number) => this.#forEach((recording) => recording.tick(atMs));
  scheduler = new FrameScheduler<I420Frame>(this.#onTick);
  audio = new Map<string, AudioSource>();
  /** The track that is read of each source: "video" or "audio", then its id. */
  #tracks = new Map<string, ReadableStream>();
  #isReading = false;
  #socket: WebSocket;
  readonly #recordings = new Map<string, Recording>();
  /** The last messages that must not be lost: they are repeated on reconnection. */
  #reports: Report[] = [];
  #pageStreams = new Set<string>();
  /** Sources in the order of their participants' tiles: the same in all recordings. */
  readonly #order = new Set<string>();
  #framesDropped = 0;
  #droppedAtMs = -Infinity;
  #warning: string | null = null;
  #isLeaving = false;

  constructor(token: string, private readonly codecs: EncodableCodecs) {
    const query = new URLSearchParams({ token, recorder: crypto.randomUUID() });
    const url = new URL(`/emulator/recorder?${query}`, globalThis.location.origin);
    this.#socket = this.#connect(url);
    setInterval(() => {
      this.scheduler.poll();
      this.#forEach((recording) => recording.pump());
      this.#updateReading();
      if (this.#isDone) this.#socket.close();
    }, PUMP_MS);
    setInterval(() => this.#reportProgress(), PROGRESS_MS);
  }

  /** Takes a message of the page. */
  take(message: ToWorker): void {
    if (message.type === "streams") {
      this.#pageStreams = new Set(message.streamIds);
    } else if (message.type === "leave") {
      this.#isLeaving = true;
      this.#send({ type: "leaving" });
    } else if (message.type !== "start") this.#read(message);
  }

  sourceIdOf({ streamId, mediaStreamIds }: RecordedStream): string {
    return mediaStreamIds.find((id) => this.#pageStreams.has(id)) ?? streamId;
  }

  report(recording: Recording, report: Report): void {
    if (this.#recordings.get(report.archiveId) !== recording) return; // it has ended already
    this.#reports = [...this.#reports, report].slice(-KEPT_REPORTS);
    this.#send(report);
    if (report.type !== "started") this.#recordings.delete(report.archiveId);
  }

  #read(message: Extract<ToWorker, { type: "video" | "audio" }>): void {
    const { scheduler } = this;
    const { streamId } = message;
    const key = `${message.type} ${streamId}`;
    this.#tracks.set(key, message.readable);
    const isNeeded = () => this.#isReading && this.#tracks.get(key) === message.readable;
    // Only the first start of a recording can wait for an exact clock.
    const isUrgent = this.#recordings.values()
      .some(({ request, hasStarted }) => request.segment > 0 || hasStarted);
    const warmUpMs = isUrgent ? URGENT_WARM_UP_MS : WARM_UP_MS;
    if (message.type === "audio") {
      const source = this.audio.get(streamId) ?? new AudioSource();
      this.audio.set(streamId, source);
      source.read(message.readable, isNeeded, warmUpMs);
    } else {
      readVideo(
        message.readable,
        isNeeded,
        warmUpMs,
        (frame, atMs) => scheduler.add(streamId, frame, atMs),
        (frames) => this.#forEach((recording) => recording.countMissing(streamId, frames)),
      );
    }
  }

  #connect(url: URL): WebSocket {
    const socket = new WebSocket(url);
    socket.onopen = () => {
      const recordings = Array.from(this.#recordings.values(), ({ request }) => request);
      this.#send({ type: "hello", ...this.codecs, recordings });
      for (const report of this.#reports) this.#send(report);
      if (this.#isLeaving) this.#send({ type: "leaving" });
    };
    socket.onmessage = ({ data }) => this.#handle(toRecorderSchema.parse(JSON.parse(String(data))));
    socket.onclose = ({ code }) => {
      if (this.#isDone || code === POLICY_VIOLATION) return post({ type: "done" });
      setTimeout(() => this.#socket = this.#connect(url), RECONNECT_MS);
    };
    return socket;
  }

  /** Sends a message to the server; it is lost while there is no connection. */
  #send(message: FromRecorder): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #handle(message: ToRecorder): void {
    if (message.type === "ping") {
      return this.#send({ type: "pong", id: message.id, atMs: performance.now() });
    }
    if (message.type === "record") return this.#record(message.request, message.streams);
    const recording = this.#recordings.get(message.archiveId);
    if (message.type === "streams") {
      recording?.setStreams(this.#sorted(message.streams), message.paused);
    } else if (message.type === "stop") {
      recording?.stop();
    } else {
      const { archiveId } = message;
      recording?.discard();
      this.#reports = this.#reports.filter((report) => report.archiveId !== archiveId);
      this.#recordings.delete(archiveId);
    }
  }

  #record(request: RecordingRequest, streams: RecordedStream[]): void {
    const { archiveId } = request;
    if (this.#recordings.has(archiveId)) return;
    const { video: [video], audio: [audio] } = this.codecs;
    const codecs = request.codecs ?? (video && audio ? { video, audio } : null);
    if (codecs === null || this.#isLeaving) {
      const message = "Cannot record: this page has no encoder, or leaves the call";
      return this.#send({ type: "failed", archiveId, message });
    }
    this.#recordings.set(archiveId, new Recording(request, this.#sorted(streams), codecs, this));
    this.#updateReading();
  }

  get #isDone(): boolean {
    return this.#isLeaving && this.#recordings.size === 0;
  }

  #reportProgress(): void {
    let framesDropped = 0;
    for (const [archiveId, { losses, hasStarted }] of this.#recordings) {
      if (hasStarted) this.#send({ type: "progress", archiveId, losses });
      framesDropped += losses.framesDropped;
    }
    const nowMs = performance.now();
    if (framesDropped > this.#framesDropped) this.#droppedAtMs = nowMs;
    this.#framesDropped = framesDropped;
    const warning = nowMs - this.#droppedAtMs < OVERLOADED_MS ? OVERLOAD_WARNING : null;
    if (warning !== this.#warning) post({ type: "warn", message: warning });
    this.#warning = warning;
    // Of streams that have left: each keeps seconds of audio.
    for (const id of this.audio.keys()) if (!this.#pageStreams.has(id)) this.audio.delete(id);
  }

  /** An error in one recording ends that one alone. */
  #forEach(action: (recording: Recording) => void): void {
    for (const recording of this.#recordings.values()) {
      try {
        action(recording);
      } catch (error) {
        recording.fail(error);
      }
    }
  }

  /** The order of the participants, not of their streams: overlapping recordings look the same. */
  #sorted(streams: readonly RecordedStream[]): RecordedStream[] {
    for (const stream of streams) this.#order.add(this.sourceIdOf(stream));
    return [...this.#order].flatMap((id) =>
      streams.filter((stream) => this.sourceIdOf(stream) === id)
    );
  }

  /** Reads the page's tracks exactly while anything is recorded; every time from the start. */
  #updateReading(): void {
    const reads = this.#recordings.values().some(({ isOver }) => !isOver);
    if (reads === this.#isReading) return;
    this.#isReading = reads;
    this.scheduler = new FrameScheduler(this.#onTick);
    this.audio = new Map();
    this.#tracks = new Map();
    post({ type: "reads", reads });
  }
}

function post(message: FromWorker): void {
  globalThis.postMessage(message);
}

let recorder: Promise<Recorder> | undefined;

globalThis.addEventListener("message", async ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "start") {
    warmUp();
    recorder = encodableCodecs().then((codecs) => new Recorder(data.token, codecs));
  }
  (await recorder)?.take(data);
});
