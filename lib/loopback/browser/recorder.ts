/**
 * The page's half of recording: it finds the tracks of a session's streams, hands their frames to the
 * recording worker, and speaks with the platform. One worker makes all recordings of a page, so that
 * the two that overlap in a handover share each camera's frames and clock.
 */
import type { ClientMessage } from "../protocol.ts";
import type { Inbound } from "./inbound.ts";
import { trackSource } from "./publisher.ts";
import { Feeds } from "./recorder_feeds.ts";
import type { FromWorker, RecordingOptions, Tile } from "./recorder_messages.ts";
import { Receiving } from "./recorder_received.ts";
import { listenToWorker, postToWorker } from "./recorder_worker.ts";

/** A stream as a recording sees it. */
export interface RecordedStream {
  streamId: string;
  /** Names the devices behind it: the same on both lanes. */
  source: string;
  name: string;
  hasAudio: boolean;
  hasVideo: boolean;
  /** The tracks, when this page publishes it; else null. */
  local: MediaStreamTrack[] | null;
  /** Its media over WebRTC, when somebody else publishes it. */
  inbound(): Inbound;
  /** The same as a feed, whose messages `take` gets: see feed_packets.ts. */
  feed(take: (message: ArrayBuffer) => void): Inbound;
}

/** What the recorder needs of a session. */
export interface RecordingSession {
  recordedStreams(): RecordedStream[];
  send(message: ClientMessage): boolean;
}

interface Recording {
  session: RecordingSession;
  options: RecordingOptions;
  epochMs: number | null;
  /** From then on its streams stay as they are: those who leave now belong to what is not yet written. */
  stopping: boolean;
  /** Reaches the platform, also after the session let go of its socket; false when it does not. */
  send: (message: ClientMessage) => boolean;
  receiving: Receiving;
  /** Feeds of tracks that the worker reads. */
  feeds: Set<string>;
  ended: PromiseWithResolvers<void>;
}

/** Records for the platform in this page. There is one, see {@link recorder}. */
export class Recorder {
  readonly #recordings = new Map<string, Recording>();
  readonly #feeds = new Feeds();
  readonly #orders = new Map<string, number>();
  /** Last words about recordings that ended while their session had no socket. */
  readonly #unsaid = new WeakMap<RecordingSession, ClientMessage[]>();

  constructor() {
    listenToWorker({
      take: (message) => this.#take(message),
      failed: (message) => {
        this.#feeds.lost();
        for (const recording of this.#recordings.values()) this.#failed(recording, message);
      },
    });
  }

  /** Begins to record a session; the platform is told when the first moment is captured. */
  start(session: RecordingSession, options: RecordingOptions): void {
    if (this.#recordings.has(options.archiveId)) return;
    const recording: Recording = {
      session,
      options,
      epochMs: null,
      stopping: false,
      send: (message) => session.send(message),
      receiving: new Receiving(() => {
        if (this.#recordings.has(options.archiveId)) this.#update(recording);
      }),
      feeds: new Set(),
      ended: Promise.withResolvers(),
    };
    this.#recordings.set(options.archiveId, recording);
    try {
      postToWorker({ type: "start", options, tiles: this.#tiles(recording) });
    } catch (error) {
      this.#failed(recording, error instanceof Error ? error.message : String(error));
    }
  }

  /** Ends a recording with the present moment; what is left is uploaded, then the platform is told. */
  stop(archiveId: string): void {
    const recording = this.#recordings.get(archiveId);
    if (recording === undefined) return;
    recording.stopping = true;
    postToWorker({ type: "stop", archiveId });
  }

  /** Streams came, went or changed. */
  sessionChanged(session: RecordingSession): void {
    for (const recording of this.#of(session)) this.#update(recording);
  }

  /** The session has a new socket: its recordings go on, and the platform is told what became of them. */
  resume(session: RecordingSession): void {
    for (const recording of this.#of(session)) claim(recording);
    for (const message of this.#unsaid.get(session) ?? []) session.send(message);
    this.#unsaid.delete(session);
  }

  /** Finishes a session's recordings because this page leaves it; resolves at the limit, too. */
  async leave(
    session: RecordingSession,
    limitMs: number,
    send: (message: ClientMessage) => boolean,
  ): Promise<void> {
    const leaving = this.#of(session);
    for (const recording of leaving) {
      recording.send = send;
      this.stop(recording.options.archiveId);
    }
    if (leaving.length === 0) return;
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(limit.resolve, limitMs);
    await Promise.race([
      Promise.all(leaving.map(({ ended }) => ended.promise)),
      limit.promise,
    ]);
    clearTimeout(timer);
  }

  #of(session: RecordingSession): Recording[] {
    return [...this.#recordings.values()].filter((recording) => recording.session === session);
  }

  #update(recording: Recording): void {
    if (recording.stopping) return;
    try {
      const tiles = this.#tiles(recording);
      postToWorker({ type: "tiles", archiveId: recording.options.archiveId, tiles });
    } catch (error) {
      this.#failed(recording, error instanceof Error ? error.message : String(error));
    }
  }

  /** Where every stream is now; feeds are opened and given back as streams come and go. */
  #tiles(recording: Recording): Tile[] {
    const held = new Set<string>();
    const streams = recording.session.recordedStreams();
    const tiles = streams.map((stream): Tile => {
      const reception = stream.local === null
        ? recording.receiving.receive(stream)
        : { tracks: stream.local };
      const feed = (kind: "audio" | "video", wanted: boolean) => {
        if (!wanted) return null;
        if ("feeds" in reception) return reception.feeds[kind];
        const track = reception.tracks.find((each) => each.kind === kind);
        if (track === undefined || track.readyState === "ended") return null;
        const id = stream.local === null ? track.id : trackSource(track);
        if (!held.has(id) && !recording.feeds.has(id)) this.#feeds.retain(id, track);
        held.add(id);
        return id;
      };
      return {
        name: stream.name,
        order: this.#order(stream.source),
        hasAudio: stream.hasAudio,
        hasVideo: stream.hasVideo,
        audioFeed: feed("audio", recording.options.hasAudio),
        videoFeed: feed("video", recording.options.hasVideo),
      };
    });
    for (const id of recording.feeds) if (!held.has(id)) this.#feeds.release(id);
    recording.feeds = held;
    recording.receiving.keepOnly(streams.map(({ streamId }) => streamId));
    return tiles;
  }

  /** The same place for a camera in every recording of this page. */
  #order(source: string): number {
    const known = this.#orders.get(source);
    if (known !== undefined) return known;
    this.#orders.set(source, this.#orders.size);
    return this.#orders.size - 1;
  }

  #take(message: FromWorker): void {
    if (!("archiveId" in message)) return;
    const recording = this.#recordings.get(message.archiveId);
    if (recording === undefined) return;
    const { archiveId } = message;
    if (message.type === "started") {
      recording.epochMs = message.epochMs;
      claim(recording);
    } else if (message.type === "finished") {
      const { droppedFrames } = message;
      this.#end(recording, { type: "recording-finished", archiveId, droppedFrames });
    } else this.#failed(recording, message.message);
  }

  #failed(recording: Recording, message: string): void {
    const { archiveId } = recording.options;
    this.#end(recording, { type: "recording-failed", archiveId, message });
  }

  #end(recording: Recording, message: ClientMessage): void {
    if (!this.#recordings.delete(recording.options.archiveId)) return;
    if (!recording.send(message)) this.#keep(recording, message);
    for (const id of recording.feeds) this.#feeds.release(id);
    recording.receiving.keepOnly([]);
    recording.ended.resolve();
  }

  /** Keeps the last word about a recording until its session has a socket again. */
  #keep({ session, epochMs, options: { archiveId } }: Recording, message: ClientMessage): void {
    const words = this.#unsaid.get(session) ?? [];
    // To a platform that was restarted this page has to say first that it is the one who recorded.
    if (epochMs !== null) words.push({ type: "recording-started", archiveId, epochMs });
    this.#unsaid.set(session, [...words, message]);
  }
}

/** Tells the platform that this page records, since when. */
function claim({ send, epochMs, options: { archiveId } }: Recording): void {
  if (epochMs !== null) send({ type: "recording-started", archiveId, epochMs });
}

/** This page's recorder. */
export const recorder: Recorder = new Recorder();
