/**
 * The recorder worker of a page: makes all of the page's recordings. Its timers and streams run at
 * full speed while the tab is hidden or the page is busy.
 */
import type { FromRecorder, RecordedStream, RecordingRequest, ToRecorder } from "../protocol.ts";
import { AudioSource } from "./audio_source.ts";
import { Compositor, warmUp } from "./compositor.ts";
import { Connection } from "./connection.ts";
import { type I420Frame, release } from "./i420.ts";
import type { Size } from "./layout.ts";
import type { FromWorker, PageStream, ToWorker } from "./messages.ts";
import { type EncodableCodecs, encodableCodecs } from "./output_file.ts";
import { Recording } from "./recording.ts";
import { FrameScheduler } from "./scheduler.ts";
import { readVideo } from "./video_source.ts";

const PUMP_MS = 20;
const PROGRESS_MS = 1_000;
/** How long a recording's last messages are repeated on reconnection, ms. */
const REPEATED_MS = 300_000;
const OVERLOAD_WARNING =
  "This computer is too busy to record every frame. Close other programs or tabs.";

const KINDS = ["video", "audio"] as const;
/** The media of one stream of the page, shared by all recordings. */
interface StreamSource {
  audio: AudioSource;
  stopVideo: () => void;
  trackIds: Record<(typeof KINDS)[number], string | null>;
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
  readonly #scheduler = new FrameScheduler<I420Frame>(
    (atMs) => this.#forEach((recording) => recording.tick(atMs)),
    release,
  );
  readonly #connection: Connection;
  #isOverloaded = false;
  #isLeaving = false;

  constructor(token: string, private readonly codecs: EncodableCodecs) {
    this.#connection = new Connection(token, {
      onOpen: () => this.#greet(),
      onMessage: (message) => this.#handle(message),
      onClosed: () => post({ type: "done" }),
    });
    setInterval(() => this.#pump(), PUMP_MS);
    setInterval(() => this.#reportProgress(), PROGRESS_MS);
  }

  /** Sets the streams whose media the page has. */
  setPageStreams(streams: readonly PageStream[]): void {
    this.#pageStreams = new Map(streams.map((stream) => [stream.streamId, stream]));
    this.#updateSources();
  }

  /** Takes the frames or audio data of a track. */
  addTrack({ kind, trackId, readable }: Extract<ToWorker, { type: "track" }>): void {
    const [id, source] =
      [...this.#sources].find(([, { trackIds }]) => trackIds[kind] === trackId) ?? [];
    // It may not be needed any more.
    if (id === undefined || source === undefined) return void readable.cancel().catch(() => {});
    // Only the first start of a recording can wait for an exact clock.
    const isUrgent = [...this.#recordings.values()].some(({ request, hasStarted }) =>
      request.segment > 0 || hasStarted
    );
    if (kind === "audio") return source.audio.read(readable, isUrgent);
    source.stopVideo();
    source.stopVideo = readVideo(readable, isUrgent, {
      onFrame: (frame, atMs) => this.#scheduler.add(id, frame, atMs),
      onMissing: (frames) => this.#forEach((recording) => recording.countMissing(id, frames)),
    });
  }

  /** The page leaves the call. */
  leave(): void {
    this.#isLeaving = true;
    this.#connection.send({ type: "leaving" });
    this.#closeIfDone();
  }

  #greet(): void {
    const recordings = Array.from(this.#recordings, ([archiveId, { request: { segment } }]) => ({
      archiveId,
      segment,
    }));
    this.#connection.send({ type: "hello", ...this.codecs, recordings });
    for (const report of [...this.#reports.values()].flat()) this.#connection.send(report);
    if (this.#isLeaving) this.#connection.send({ type: "leaving" });
  }

  #handle(message: ToRecorder): void {
    if (message.type === "ping") {
      return this.#connection.send({ type: "pong", id: message.id, atMs: performance.now() });
    }
    if (message.type === "record") return this.#record(message.request, message.streams);
    const recording = this.#recordings.get(message.archiveId);
    if (message.type === "streams") {
      recording?.setStreams(this.#sorted(message.streams), message.paused);
      this.#updateSources();
    } else if (message.type === "stop") {
      void recording?.stop();
    } else {
      recording?.discard();
      this.#reports.delete(message.archiveId);
      this.#remove(message.archiveId);
    }
  }

  #record(request: RecordingRequest, streams: RecordedStream[]): void {
    const { archiveId } = request;
    if (this.#recordings.has(archiveId)) return;
    const [video] = this.codecs.video;
    const [audio] = this.codecs.audio;
    const codecs = request.codecs ?? (video && audio ? { video, audio } : null);
    if (codecs === null || this.#isLeaving) {
      const message = "Cannot record: this page has no encoder, or leaves the call";
      return this.#connection.send({ type: "failed", archiveId, message });
    }
    const recording = new Recording(request, this.#sorted(streams), {
      scheduler: this.#scheduler,
      codecs,
      mediaOf: (stream) => this.#mediaOf(stream),
      compositorOf: (size) => this.#compositorOf(size),
      report: (message) => {
        if (this.#recordings.get(archiveId) !== recording) return; // it has ended already
        this.#reports.set(archiveId, [...this.#reports.get(archiveId) ?? [], message]);
        this.#connection.send(message);
        if (message.type === "started") return;
        setTimeout(() => this.#reports.delete(archiveId), REPEATED_MS);
        this.#remove(archiveId);
      },
    });
    this.#recordings.set(archiveId, recording);
    this.#updateSources();
  }

  #remove(archiveId: string): void {
    this.#recordings.delete(archiveId);
    this.#updateSources();
    this.#warnIfOverloaded();
    if (this.#recordings.size === 0) this.#compositors.clear();
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#isLeaving && this.#recordings.size === 0) this.#connection.close();
  }

  #pump(): void {
    if (this.#recordings.size === 0) return;
    this.#scheduler.poll();
    this.#forEach((recording) => recording.pump());
  }

  #reportProgress(): void {
    for (const [archiveId, { losses, isOverloaded, hasStarted }] of this.#recordings) {
      if (!hasStarted) continue;
      this.#connection.send({ type: "progress", archiveId, losses, overloaded: isOverloaded });
    }
    this.#warnIfOverloaded();
    this.#updateSources(); // stopped recordings need none
  }

  #warnIfOverloaded(): void {
    const isOverloaded = [...this.#recordings.values()].some((each) => each.isOverloaded);
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
    const idsOf = (recordings: Recording[]) =>
      new Set(
        this.#sorted(recordings.flatMap(({ streams }) => streams))
          .flatMap((stream) => this.#sourceIdOf(stream) ?? []),
      );
    const needed = {
      video: idsOf(active.filter(({ request }) => request.hasVideo)),
      audio: idsOf(active.filter(({ request }) => request.hasAudio)),
    };
    const all = needed.video.union(needed.audio);
    this.#scheduler.setSources([...needed.video]);
    for (const id of all.union(new Set(this.#sources.keys()))) {
      const source = this.#sources.get(id) ??
        { audio: new AudioSource(), stopVideo: () => {}, trackIds: { video: null, audio: null } };
      this.#sources.set(id, source);
      for (const kind of KINDS) {
        const trackId = this.#pageStreams.get(id)?.trackIds[kind] ?? null;
        this.#setTrack(source, kind, needed[kind].has(id) ? trackId : null);
      }
      if (!all.has(id)) this.#sources.delete(id);
    }
  }

  #setTrack(source: StreamSource, kind: (typeof KINDS)[number], trackId: string | null): void {
    const previousId = source.trackIds[kind];
    if (previousId === trackId) return;
    source.trackIds[kind] = trackId;
    if (kind === "audio") source.audio.close();
    else source.stopVideo();
    if (previousId !== null) post({ type: "release", trackId: previousId });
    if (trackId !== null) post({ type: "read", trackId });
  }
}

function post(message: FromWorker): void {
  globalThis.postMessage(message);
}

async function createRecorder(token: string): Promise<Recorder> {
  warmUp();
  return new Recorder(token, await encodableCodecs());
}

let recorder: Promise<Recorder> | undefined;

globalThis.addEventListener("message", async ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "start") recorder = createRecorder(data.token);
  const started = await recorder;
  if (data.type === "streams") started?.setPageStreams(data.streams);
  else if (data.type === "track") started?.addTrack(data);
  else if (data.type === "leave") started?.leave();
});
