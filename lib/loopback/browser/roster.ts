/** Who is in a session, what they publish, and what is recorded: one client's knowledge of it. */
import type { ServerMessage, WireConnection, WireStream } from "../protocol.ts";

/** How long who lost the connection, and its streams, are kept: they may be back at once, ms. */
const departureMs = 3_000;
/** The same after this client's own connection was lost: then others lost theirs, too, ms. */
const returnMs = 10_000;

/** Somebody in the session. */
export interface Connection {
  connectionId: string;
  creationTime: number;
  data: string;
}

/** Something that is published to the session. */
export interface Stream {
  connection: Connection;
  creationTime: number;
  frameRate: number;
  hasAudio: boolean;
  hasCaptions: boolean;
  hasVideo: boolean;
  initials: string;
  name: string;
  streamId: string;
  videoDimensions: { width: number; height: number };
  videoType: "camera" | "screen" | "custom" | undefined;
}

/** What of a stream may change. */
export type StreamState = Pick<WireStream, "hasAudio" | "hasVideo" | "width" | "height">;

/** An archive as clients see it. */
type WireArchive = Extract<ServerMessage, { type: "archive" }>["archive"];

/** The first message of a connection. */
type Welcome = Extract<ServerMessage, { type: "welcome" }>;

/** What a roster tells its session. */
export interface RosterEvents {
  /** An event of the session, as OpenTok.js names it. */
  emit(type: string, fields: Record<string, unknown>): void;
  /** A stream is there now; true if it is this client's own and its publisher was told. */
  own(stream: Stream): boolean;
  /** A stream of somebody else's is gone. */
  gone(stream: Stream, reason: string): void;
  /** Streams came, went or changed. */
  changed(): void;
}

/** Keeps the lists of a session right, and tells of every change once. */
export class Roster {
  readonly connections = new Map<string, Connection>();
  readonly streams = new Map<string, Stream>();
  /** Names the devices behind each stream. */
  readonly sources = new Map<string, string>();
  readonly #departing = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #archives = new Map<string, string>();
  #own: Connection | undefined;
  /** True until the present connection was told of. */
  #isNew = false;

  constructor(private readonly events: RosterEvents) {}

  /** This client has a connection now: the one it had before, or another in its place. */
  enter(wire: WireConnection): Connection {
    if (this.#own?.connectionId === wire.id) return this.#own;
    if (this.#own !== undefined) this.connections.delete(this.#own.connectionId);
    this.#own = toConnection(wire);
    this.#isNew = true;
    this.connections.set(wire.id, this.#own);
    return this.#own;
  }

  /**
   * Takes what a welcome says for the truth; what it does not list any more, goes, unless it is back
   * in a while: a platform that was restarted knows only who has come back to it. Streams in
   * `ownStreams` are this client's, which knows better.
   */
  welcome({ connections, streams, archives }: Welcome, ownStreams: ReadonlySet<string>): void {
    for (const streamId of [...this.streams.keys()]) {
      if (ownStreams.has(streamId) || streams.some(({ id }) => id === streamId)) continue;
      this.#depart(streamId, returnMs, () => this.#remove(streamId, "networkDisconnected"));
    }
    for (const id of [...this.connections.keys()]) {
      if (id === this.#own?.connectionId || connections.some((each) => each.id === id)) continue;
      this.#depart(id, returnMs, () => this.#removeConnection(id, "networkDisconnected"));
    }
    for (const each of connections) this.addConnection(each);
    if (this.#isNew) this.events.emit("connectionCreated", { connection: this.#own });
    this.#isNew = false;
    for (const stream of streams) if (!ownStreams.has(stream.id)) this.addStream(stream);
    for (const [id, name] of [...this.#archives]) {
      if (!archives.some((archive) => archive.id === id)) {
        this.changeArchive({ id, name, status: "stopped" });
      }
    }
    for (const archive of archives) this.changeArchive(archive);
  }

  /** Somebody came, or came back. */
  addConnection(wire: WireConnection): void {
    this.#stay(wire.id);
    if (this.connections.has(wire.id)) return;
    const connection = toConnection(wire);
    this.connections.set(wire.id, connection);
    this.events.emit("connectionCreated", { connection });
  }

  /** Somebody left; who lost the connection may be back in a moment. */
  removeConnection(connectionId: string, reason: string): void {
    if (reason !== "networkDisconnected") return this.#removeConnection(connectionId, reason);
    this.#depart(connectionId, departureMs, () => this.#removeConnection(connectionId, reason));
  }

  #removeConnection(connectionId: string, reason: string): void {
    this.#stay(connectionId);
    const connection = this.connections.get(connectionId);
    if (connection === undefined) return;
    this.connections.delete(connectionId);
    this.events.emit("connectionDestroyed", { connection, reason });
  }

  /** Something is published, or published again by a client that lost its connection. */
  addStream(wire: WireStream): void {
    const connection = this.connections.get(wire.connectionId);
    if (connection === undefined) return;
    const known = this.streams.get(wire.id);
    if (known !== undefined) {
      this.#stay(wire.id);
      known.connection = connection;
      return this.changeStream(wire.id, wire);
    }
    const stream = toStream(wire, connection);
    this.streams.set(wire.id, stream);
    this.sources.set(wire.id, wire.source);
    if (!this.events.own(stream)) this.events.emit("streamCreated", { stream });
    this.events.changed();
  }

  /** A stream's sound or picture was switched on or off, or its size changed. */
  changeStream(streamId: string, next: StreamState): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    const tell = (changedProperty: string, oldValue: unknown, newValue: unknown) =>
      this.events.emit("streamPropertyChanged", { stream, changedProperty, oldValue, newValue });
    for (const property of ["hasAudio", "hasVideo"] as const) {
      const oldValue = stream[property];
      if (oldValue === next[property]) continue;
      stream[property] = next[property];
      tell(property, oldValue, next[property]);
    }
    const { width, height } = next;
    const old = stream.videoDimensions;
    if (old.width !== width || old.height !== height) {
      stream.videoDimensions = { width, height };
      tell("videoDimensions", old, stream.videoDimensions);
    }
    this.events.changed();
  }

  /** A stream is gone; when its connection was lost, it may be published again in a moment. */
  removeStream(streamId: string, reason: string): void {
    if (reason !== "networkDisconnected") return this.#remove(streamId, reason);
    this.#depart(streamId, departureMs, () => this.#remove(streamId, reason));
  }

  /** One of this client's own streams is published by another connection of its from now on. */
  moveStream(streamId: string, connection: Connection): void {
    const stream = this.streams.get(streamId);
    if (stream !== undefined) stream.connection = connection;
  }

  /** Takes one of this client's own streams out, without telling anybody but the recorder. */
  withdraw(streamId: string): Stream | undefined {
    const stream = this.streams.get(streamId);
    this.#stay(streamId);
    this.streams.delete(streamId);
    this.sources.delete(streamId);
    this.events.changed();
    return stream;
  }

  /** An archive started or stopped. */
  changeArchive({ id, name, status }: WireArchive): void {
    const running = status !== "stopped";
    if (running === this.#archives.has(id)) return;
    if (running) this.#archives.set(id, name);
    else this.#archives.delete(id);
    this.events.emit(running ? "archiveStarted" : "archiveStopped", { id, name });
  }

  /** Forgets everything; the streams of others go with `reason`. */
  clear(reason: string): void {
    for (const streamId of [...this.streams.keys()]) this.#remove(streamId, reason);
    for (const id of [...this.#departing.keys()]) this.#stay(id);
    this.connections.clear();
    this.#archives.clear();
    this.#own = undefined;
  }

  #remove(streamId: string, reason: string): void {
    const stream = this.withdraw(streamId);
    if (stream !== undefined) this.events.gone(stream, reason);
  }

  /** Has somebody or something go in a while, unless it comes back before. */
  #depart(id: string, afterMs: number, go: () => void): void {
    this.#stay(id);
    this.#departing.set(id, setTimeout(go, afterMs));
  }

  #stay(id: string): void {
    clearTimeout(this.#departing.get(id));
    this.#departing.delete(id);
  }
}

function toConnection(wire: WireConnection): Connection {
  return { connectionId: wire.id, creationTime: wire.creationTime, data: wire.data };
}

function toStream(wire: WireStream, connection: Connection): Stream {
  return {
    connection,
    creationTime: wire.creationTime,
    frameRate: 30,
    hasAudio: wire.hasAudio,
    hasCaptions: false,
    hasVideo: wire.hasVideo,
    initials: "",
    name: wire.name,
    streamId: wire.id,
    videoDimensions: { width: wire.width, height: wire.height },
    videoType: wire.videoType,
  };
}
