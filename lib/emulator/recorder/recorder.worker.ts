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
import { AudioSource } from "./audio_source.ts";
import { warmUp } from "./compositor.ts";
import { type I420Frame, release } from "./i420.ts";
import type { FromWorker, PageStream, ToWorker } from "./messages.ts";
import { type EncodableCodecs, encodableCodecs } from "./output_file.ts";
import { Recording, type RecordingContext, type Report } from "./recording.ts";
import { FrameScheduler } from "./scheduler.ts";
import { readVideo } from "./track.ts";

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

/** A track that is read, or asked for. */
interface Track {
  sourceId: string;
  stop: () => void;
}

/** Its sources are the page's streams, shared by all recordings. */
class Recorder implements RecordingContext {
  readonly scheduler = new FrameScheduler<I420Frame>(
    (atMs) => this.#forEach((recording) => recording.tick(atMs)),
    release,
  );
  readonly #url: URL;
  #socket: WebSocket;
  readonly #recordings = new Map<string, Recording>();
  /** The last messages that must not be lost: they are repeated on reconnection. */
  #reports: Report[] = [];
  #pageStreams = new Map<string, PageStream>();
  #audio = new Map<string, AudioSource>();
  #tracks = new Map<string, Track>();
  /** Sources in the order of their participants' tiles: the same in all recordings. */
  readonly #order = new Set<string>();
  #overload: ReturnType<typeof setTimeout> | undefined;
  #isLeaving = false;

  constructor(token: string, private readonly codecs: EncodableCodecs) {
    const query = new URLSearchParams({ token, recorder: crypto.randomUUID() });
    this.#url = new URL(`/emulator/recorder?${query}`, globalThis.location.origin);
    this.#socket = this.#connect();
    setInterval(() => this.#pump(), PUMP_MS);
    setInterval(() => this.#reportProgress(), PROGRESS_MS);
  }

  /** Takes a message of the page. */
  take(message: ToWorker): void {
    if (message.type === "streams") {
      this.#pageStreams = new Map(message.streams.map((stream) => [stream.streamId, stream]));
      this.#updateSources();
    } else if (message.type === "leave") {
      this.#isLeaving = true;
      this.#send({ type: "leaving" });
      if (this.#isDone) this.#socket.close();
    } else if (message.type !== "start") this.#addTrack(message);
  }

  sourceIdOf({ streamId, mediaStreamIds }: RecordedStream): string {
    return mediaStreamIds.find((id) => this.#pageStreams.has(id)) ?? streamId;
  }

  audioOf(stream: RecordedStream): AudioSource | null {
    return this.#audio.get(this.sourceIdOf(stream)) ?? null;
  }

  report(recording: Recording, report: Report): void {
    if (this.#recordings.get(report.archiveId) !== recording) return; // it has ended already
    this.#reports = [...this.#reports, report].slice(-KEPT_REPORTS);
    this.#send(report);
    if (report.type !== "started") this.#remove(report.archiveId);
  }

  warnOfOverload(): void {
    clearTimeout(this.#overload);
    post({ type: "warn", message: OVERLOAD_WARNING });
    this.#overload = setTimeout(() => post({ type: "warn", message: null }), OVERLOADED_MS);
  }

  #addTrack(message: Extract<ToWorker, { type: "video" | "audio" }>): void {
    const track = this.#tracks.get(message.trackId);
    // It may not be needed any more.
    if (track === undefined) return void message.readable.cancel().catch(() => {});
    const { sourceId } = track;
    // Only the first start of a recording can wait for an exact clock.
    const isUrgent = [...this.#recordings.values()].some(({ request, hasStarted }) =>
      request.segment > 0 || hasStarted
    );
    const warmUpMs = isUrgent ? URGENT_WARM_UP_MS : WARM_UP_MS;
    if (message.type === "audio") {
      track.stop = this.#audio.get(sourceId)?.read(message.readable, warmUpMs) ?? track.stop;
    } else {
      track.stop = readVideo(
        message.readable,
        warmUpMs,
        (frame, atMs) => this.scheduler.add(sourceId, frame, atMs),
        (frames) => this.#forEach((recording) => recording.countMissing(sourceId, frames)),
      );
    }
  }

  #connect(): WebSocket {
    const socket = new WebSocket(this.#url);
    socket.onopen = () => this.#greet();
    socket.onmessage = ({ data }) => this.#handle(toRecorderSchema.parse(JSON.parse(String(data))));
    socket.onclose = ({ code }) => {
      if (this.#isDone || code === POLICY_VIOLATION) return post({ type: "done" });
      setTimeout(() => this.#socket = this.#connect(), RECONNECT_MS);
    };
    return socket;
  }

  /** Sends a message to the server; it is lost while there is no connection. */
  #send(message: FromRecorder): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #greet(): void {
    const recordings = Array.from(
      this.#recordings,
      ([archiveId, { request: { segment } }]) => ({ archiveId, segment }),
    );
    this.#send({ type: "hello", ...this.codecs, recordings });
    for (const report of this.#reports) this.#send(report);
    if (this.#isLeaving) this.#send({ type: "leaving" });
    if (this.#isDone) this.#socket.close();
  }

  #handle(message: ToRecorder): void {
    if (message.type === "ping") {
      return this.#send({ type: "pong", id: message.id, atMs: performance.now() });
    }
    if (message.type === "record") return this.#record(message.request, message.streams);
    const recording = this.#recordings.get(message.archiveId);
    if (message.type === "streams") {
      recording?.setStreams(this.#sorted(message.streams), message.paused);
      this.#updateSources();
    } else if (message.type === "stop") {
      recording?.stop();
    } else {
      const { archiveId } = message;
      recording?.discard();
      this.#reports = this.#reports.filter((report) => report.archiveId !== archiveId);
      this.#remove(archiveId);
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
    this.#updateSources();
  }

  #remove(archiveId: string): void {
    this.#recordings.delete(archiveId);
    this.#updateSources();
    if (this.#isDone) this.#socket.close();
  }

  get #isDone(): boolean {
    return this.#isLeaving && this.#recordings.size === 0;
  }

  #pump(): void {
    if (this.#recordings.size === 0) return;
    this.scheduler.poll();
    this.#forEach((recording) => recording.pump());
  }

  #reportProgress(): void {
    for (const [archiveId, { losses, hasStarted }] of this.#recordings) {
      if (hasStarted) this.#send({ type: "progress", archiveId, losses });
    }
    this.#updateSources(); // stopped recordings need none
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
    const order = [...this.#order];
    const place = (stream: RecordedStream) => order.indexOf(this.sourceIdOf(stream));
    return streams.toSorted((a, b) => place(a) - place(b));
  }

  /** Reads exactly the tracks that the recordings need. */
  #updateSources(): void {
    const video = new Map<string, string | null>();
    const audio = new Map<string, string | null>();
    for (const { isOver, request, streams } of this.#recordings.values()) {
      for (const stream of isOver ? [] : this.#sorted(streams)) {
        const id = this.sourceIdOf(stream);
        const page = this.#pageStreams.get(id);
        if (request.hasVideo) video.set(id, page?.video ?? null);
        if (request.hasAudio) audio.set(id, page?.audio ?? null);
      }
    }
    this.scheduler.setSources([...this.#order].filter((id) => video.has(id)));
    this.#audio = new Map(
      Array.from(audio.keys(), (id) => [id, this.#audio.get(id) ?? new AudioSource()]),
    );
    const previous = this.#tracks;
    this.#tracks = new Map();
    for (const [sourceId, trackId] of [...video, ...audio]) {
      if (trackId === null) continue;
      const known = previous.get(trackId);
      const track = known?.sourceId === sourceId ? known : { sourceId, stop: () => {} };
      this.#tracks.set(trackId, track);
    }
    for (const [trackId, track] of previous) {
      if (this.#tracks.get(trackId) === track) continue;
      track.stop();
      post({ type: "release", trackId });
    }
    for (const [trackId, track] of this.#tracks) {
      if (previous.get(trackId) !== track) post({ type: "read", trackId });
    }
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
