/**
 * The recorder worker of a page: makes all of the page's recordings. Its timers and streams run at
 * full speed while the tab is hidden or the page is busy.
 */
import {
  type FromRecorder,
  type RecordedStream,
  type RecordingRequest,
  type ToRecorder,
  uploadPath,
} from "../protocol.ts";
import { AudioSource } from "./audio_source.ts";
import { Compositor, warmUp } from "./compositor.ts";
import { Connection } from "./connection.ts";
import { type I420Frame, release } from "./i420.ts";
import type { Size } from "./layout.ts";
import type { FromWorker, PageStream, ToWorker } from "./messages.ts";
import { type EncodableCodecs, encodableCodecs } from "./output_file.ts";
import { Recording } from "./recording.ts";
import { FrameScheduler } from "./scheduler.ts";
import { Upload } from "./upload.ts";
import { VideoSource } from "./video_source.ts";

const PUMP_MS = 20;
const PROGRESS_MS = 1_000;
/** How long a recording's last messages are repeated on reconnection, ms. */
const REPEATED_MS = 300_000;
const OVERLOAD_WARNING =
  "This computer is too busy to record every frame. Close other programs or tabs.";

type Kind = "video" | "audio";
/** The media of one stream of the page, shared by all recordings. */
interface StreamSource {
  video: VideoSource;
  audio: AudioSource;
  trackIds: Record<Kind, string | null>;
}

class Recorder {
  #pageStreams = new Map<string, PageStream>();
  readonly #sources = new Map<string, StreamSource>();
  readonly #recordings = new Map<string, Recording>();
  /** Messages that must not be lost, by archive: they are repeated on reconnection. */
  readonly #reports = new Map<string, FromRecorder[]>();
  /** Order of the participants' tiles: the same in all recordings. */
  readonly #order: string[] = [];
  readonly #compositors = new Map<string, Compositor>();
  readonly #scheduler = new FrameScheduler<I420Frame>({
    onTick: (atMs) => this.#forEach((recording) => recording.tick(atMs)),
    onDrop: (id) => this.#forEach((recording) => recording.countLoss(id, "framesDropped", 1)),
    release,
  });
  readonly #connection: Connection;
  #pumpTimer: ReturnType<typeof setInterval> | undefined;
  #progressTimer: ReturnType<typeof setInterval> | undefined;
  #isOverloaded = false;
  #isLeaving = false;

  constructor(token: string, private readonly codecs: EncodableCodecs) {
    this.#connection = new Connection(token, {
      onOpen: () => this.#greet(),
      onMessage: (message) => this.#handle(message),
      onClosed: () => post({ type: "done" }),
    });
  }

  /** Sets the streams whose media the page has. */
  setPageStreams(streams: readonly PageStream[]): void {
    this.#pageStreams = new Map(streams.map((stream) => [stream.streamId, stream]));
    this.#updateSources();
  }

  /** Takes the frames or audio data of a track. */
  addTrack(trackId: string, readable: ReadableStream<unknown>): void {
    // Only the first start of a recording can wait for an exact clock.
    const isUrgent = [...this.#recordings.values()].some(({ request, startedAtMs }) =>
      request.segment > 0 || startedAtMs !== null
    );
    for (const { video, audio, trackIds } of this.#sources.values()) {
      if (trackIds.video === trackId) return video.read(readable, isUrgent);
      if (trackIds.audio === trackId) return audio.read(readable, isUrgent);
    }
    readable.cancel().catch(() => {}); // not needed any more
  }

  /** The page leaves the call. */
  leave(): void {
    this.#isLeaving = true;
    this.#connection.send({ type: "leaving" });
    this.#closeIfDone();
  }

  #greet(): void {
    const recordings = [...this.#recordings].map(([archiveId, { request: { segment } }]) => ({
      archiveId,
      segment,
    }));
    this.#connection.send({ type: "hello", ...this.codecs, recordings });
    for (const report of [...this.#reports.values()].flat()) this.#connection.send(report);
    if (this.#isLeaving) this.#connection.send({ type: "leaving" });
  }

  #handle(message: ToRecorder): void {
    if (message.type === "ping") {
      this.#connection.send({ type: "pong", id: message.id, atMs: performance.now() });
    } else if (message.type === "record") {
      this.#record(message.request, message.streams);
    } else if (message.type === "streams") {
      const recording = this.#recordings.get(message.archiveId);
      recording?.setStreams(this.#sorted(message.streams), message.paused);
      this.#updateSources();
    } else if (message.type === "stop") {
      void this.#recordings.get(message.archiveId)?.stop();
    } else {
      this.#recordings.get(message.archiveId)?.discard();
      this.#reports.delete(message.archiveId);
      this.#remove(message.archiveId);
    }
  }

  #record(request: RecordingRequest, streams: RecordedStream[]): void {
    const { archiveId, segment, uploadToken } = request;
    if (this.#recordings.has(archiveId)) return;
    const report = (message: FromRecorder) => {
      this.#reports.set(archiveId, [...this.#reports.get(archiveId) ?? [], message]);
      this.#connection.send(message);
    };
    const end = (message: FromRecorder) => {
      report(message);
      setTimeout(() => this.#reports.delete(archiveId), REPEATED_MS);
      this.#remove(archiveId);
    };
    const [video] = this.codecs.video;
    const [audio] = this.codecs.audio;
    const codecs = request.codecs ?? (video && audio ? { video, audio } : null);
    if (codecs === null || this.#isLeaving) {
      const message = "Cannot record: this page has no encoder, or leaves the call";
      return end({ type: "failed", archiveId, message });
    }
    const recording = new Recording(request, this.#sorted(streams), {
      scheduler: this.#scheduler,
      codecs,
      mediaOf: (stream) => this.#mediaOf(stream),
      compositorOf: (size) => this.#compositorOf(size),
      createUpload: (file) => new Upload(uploadPath(archiveId, segment, file), uploadToken),
      onStarted: (startedAtMs) => report({ type: "started", archiveId, startedAtMs, codecs }),
      onFinished: (files) => end({ type: "finished", archiveId, losses: recording.losses, files }),
      onFailed: (error) => end({ type: "failed", archiveId, message: String(error) }),
    });
    this.#recordings.set(archiveId, recording);
    this.#updateSources();
    this.#pumpTimer ??= setInterval(() => this.#pump(), PUMP_MS);
    this.#progressTimer ??= setInterval(() => this.#reportProgress(), PROGRESS_MS);
  }

  #remove(archiveId: string): void {
    this.#recordings.delete(archiveId);
    this.#updateSources();
    if (this.#recordings.size > 0) return;
    clearInterval(this.#pumpTimer);
    clearInterval(this.#progressTimer);
    this.#pumpTimer = this.#progressTimer = undefined;
    this.#compositors.clear();
    this.#warn(false);
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#isLeaving && this.#recordings.size === 0) this.#connection.close();
  }

  #pump(): void {
    this.#scheduler.poll();
    this.#forEach((recording) => recording.pump());
  }

  #reportProgress(): void {
    for (const [archiveId, { losses, isOverloaded, startedAtMs }] of this.#recordings) {
      if (startedAtMs === null) continue;
      this.#connection.send({ type: "progress", archiveId, losses, overloaded: isOverloaded });
    }
    this.#warn([...this.#recordings.values()].some(({ isOverloaded }) => isOverloaded));
    this.#updateSources(); // stopped recordings need none
  }

  #warn(isOverloaded: boolean): void {
    if (isOverloaded === this.#isOverloaded) return;
    this.#isOverloaded = isOverloaded;
    post({ type: "warn", message: isOverloaded ? OVERLOAD_WARNING : null });
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

  /** Id of the page's stream that carries the media of this stream, or null. */
  #sourceIdOf({ mediaStreamIds }: RecordedStream): string | null {
    return mediaStreamIds.find((id) => this.#pageStreams.has(id)) ?? null;
  }

  #mediaOf(stream: RecordedStream): { sourceId: string; audio: AudioSource } | null {
    const sourceId = this.#sourceIdOf(stream);
    const source = sourceId === null ? undefined : this.#sources.get(sourceId);
    return sourceId === null || source === undefined ? null : { sourceId, audio: source.audio };
  }

  /** The order of the participants, not of their streams: overlapping recordings look the same. */
  #sorted(streams: readonly RecordedStream[]): RecordedStream[] {
    const place = (stream: RecordedStream) => {
      const id = this.#sourceIdOf(stream) ?? stream.streamId;
      if (!this.#order.includes(id)) this.#order.push(id);
      return this.#order.indexOf(id);
    };
    return streams.toSorted((a, b) => place(a) - place(b));
  }

  #compositorOf(size: Size): Compositor {
    const key = `${size.width}x${size.height}`;
    const compositor = this.#compositors.get(key) ?? new Compositor(size);
    this.#compositors.set(key, compositor);
    return compositor;
  }

  /** Reads exactly the tracks that the recordings need. */
  #updateSources(): void {
    const active = [...this.#recordings.values()].filter(({ isOver }) => !isOver);
    const needed = (kind: Kind) => {
      const streams = active
        .filter(({ request }) => kind === "video" ? request.hasVideo : request.hasAudio)
        .flatMap(({ streams }) => streams);
      return new Set(this.#sorted(streams).flatMap((stream) => this.#sourceIdOf(stream) ?? []));
    };
    const [video, audio] = [needed("video"), needed("audio")];
    for (const [id, source] of this.#sources) {
      if (video.has(id) || audio.has(id)) continue;
      this.#setTrack(source, "video", null);
      this.#setTrack(source, "audio", null);
      this.#sources.delete(id);
    }
    this.#scheduler.setSources([...video]);
    for (const id of video.union(audio)) {
      const { videoTrackId = null, audioTrackId = null } = this.#pageStreams.get(id) ?? {};
      const source = this.#sources.get(id) ?? this.#createSource(id);
      this.#setTrack(source, "video", video.has(id) ? videoTrackId : null);
      this.#setTrack(source, "audio", audio.has(id) ? audioTrackId : null);
    }
  }

  #createSource(id: string): StreamSource {
    const video = new VideoSource({
      onFrame: (frame, atMs) => this.#scheduler.add(id, frame, atMs),
      onMissing: (frames) =>
        this.#forEach((recording) => recording.countLoss(id, "framesNotDelivered", frames)),
    });
    const source = { video, audio: new AudioSource(), trackIds: { video: null, audio: null } };
    this.#sources.set(id, source);
    return source;
  }

  #setTrack(source: StreamSource, kind: Kind, trackId: string | null): void {
    const previousId = source.trackIds[kind];
    if (previousId === trackId) return;
    source.trackIds[kind] = trackId;
    source[kind].close();
    if (previousId !== null) post({ type: "release", trackId: previousId });
    if (trackId !== null) post({ type: "read", trackId });
  }
}

function post(message: FromWorker): void {
  globalThis.postMessage(message);
}

async function createRecorder(token: string, canRecord: boolean): Promise<Recorder> {
  if (!canRecord) return new Recorder(token, { video: [], audio: [] });
  warmUp();
  return new Recorder(token, await encodableCodecs());
}

let recorder: Promise<Recorder> | undefined;

globalThis.addEventListener("message", async ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "start") recorder = createRecorder(data.token, data.canRecord);
  const started = await recorder;
  if (data.type === "streams") started?.setPageStreams(data.streams);
  else if (data.type === "track") started?.addTrack(data.trackId, data.readable);
  else if (data.type === "leave") started?.leave();
});
