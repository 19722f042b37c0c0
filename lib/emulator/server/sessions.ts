/** Who is connected to which session, what they publish and receive, and the events they are sent. */
import type {
  ArchiveRecord,
  ConnectionRecord,
  EmulatorRecords,
  StreamRecord,
} from "../../store/mod.ts";
import { EmulatorError } from "./errors.ts";
import { encodeFrame, KIND } from "./frames.ts";
import { LIMITS } from "./limits.ts";
import { sendTo } from "./sockets.ts";

/** OpenTok: letters, numbers, "-", "_", "~" and ".". */
const SIGNAL_TYPE = /^[\w.~-]*$/;
/** Sender of events that no client caused. */
export const SERVER_ADDRESS = "symphony.emulator";

/** An event for clients: a method on a resource. */
export interface ClientEvent {
  method: string;
  /** The resource's address below its session's: "/stream/X". */
  path: string;
  /** Id of the client that caused it; "" for a request of the app. */
  from?: string;
  content?: unknown;
  reason?: string;
}

/** A client in a session. It outlives its socket for a while: the client may reconnect. */
export interface Connection extends Omit<ConnectionRecord, "streams" | "subscribers"> {
  readonly streams: Map<string, StreamRecord>;
  /** Stream id by subscriber id. */
  readonly subscribers: Map<string, string>;
  socket: WebSocket | null;
  /** Events that the client has not acknowledged, by transaction id. */
  readonly unacknowledged: Map<string, Uint8Array<ArrayBuffer>>;
  /** Answers to its latest requests by transaction id: a repeated request gets the same one. */
  readonly answers: Map<string, Uint8Array<ArrayBuffer>>;
  /** Runs while the client is away. */
  graceTimer?: ReturnType<typeof setTimeout>;
}

/** A stream and the client that publishes it. */
export interface PublishedStream {
  stream: StreamRecord;
  publisher: Connection;
}

const PERMISSIONS: Record<ConnectionRecord["role"], readonly string[]> = {
  subscriber: ["subscribe"],
  publisher: ["publish", "subscribe", "signal"],
  publisheronly: ["publish", "signal"],
  moderator: ["publish", "subscribe", "signal", "forceunpublish", "forcedisconnect", "forcemute"],
};

/** Names the person behind a connection: equal for one client's connections to two sessions. */
export function participantOf({ data, tokenHash }: { data: string; tokenHash: string }): string {
  return data || tokenHash;
}

/** The live state of every session; changes are saved before clients learn of them. */
export class Sessions {
  readonly #connections = new Map<string, Connection>();
  readonly #openedAtMs = new Map<string, number>();

  /** `changed` is called after clients or streams have changed. */
  constructor(
    private readonly records: EmulatorRecords,
    private readonly apiKey: string,
    private readonly clientGraceMs: number,
    readonly changed: () => void,
  ) {}

  /** Takes over the connections of an earlier process: their clients are expected to reconnect. */
  async load(): Promise<void> {
    for (const record of await this.records.connections()) this.lose(this.#add(record, null));
  }

  /** Stops all waiting; connections stay stored for the next process. */
  close(): void {
    for (const { graceTimer, socket } of this.all()) {
      clearTimeout(graceTimer);
      socket?.close(1012, "The server restarts");
    }
    this.#connections.clear();
  }

  /** All connections of all sessions. */
  all(): Connection[] {
    return [...this.#connections.values()];
  }

  /** A session's connections in the order in which they came. */
  connections(sessionId: string): Connection[] {
    return this.all().filter((connection) => connection.sessionId === sessionId);
  }

  /** A session's streams in the order in which they were published. */
  streams(sessionId: string): PublishedStream[] {
    return this.connections(sessionId)
      .flatMap((publisher) =>
        [...publisher.streams.values()].map((stream) => ({ stream, publisher }))
      )
      .sort((a, b) => a.stream.createdAtMs - b.stream.createdAtMs);
  }

  /** A session's stream of this id. Throws a 404 {@link EmulatorError}. */
  stream(sessionId: string, id = ""): PublishedStream {
    const found = this.streams(sessionId).find(({ stream }) => stream.id === id);
    if (!found) throw new EmulatorError(404, "Cannot find the stream");
    return found;
  }

  /** A session's connection of this id. Throws a 404 {@link EmulatorError}. */
  connection(sessionId: string, id = ""): Connection {
    const found = this.#connections.get(id);
    if (found?.sessionId === sessionId) return found;
    throw new EmulatorError(404, "Cannot find the client: it is not connected");
  }

  /** Since when somebody has been connected, without a break, ms since the Unix epoch. */
  openedAtMs(sessionId: string): number {
    return this.#openedAtMs.get(sessionId) ?? Date.now();
  }

  /** Adds a client and notifies everyone, itself included. Throws a 409 {@link EmulatorError}. */
  async join(record: ConnectionRecord, socket: WebSocket): Promise<Connection> {
    if (this.#connections.has(record.id)) {
      throw new EmulatorError(409, "Cannot connect: the connection id is in use");
    }
    const connection = this.#add(record, socket);
    await this.save(connection);
    this.send(record.sessionId, {
      method: "created",
      path: `/connection/${record.id}`,
      content: connectionView(connection),
    });
    this.changed();
    return connection;
  }

  /** Removes a client with its streams and notifies everyone; `reason` is one of OpenTok's. */
  async leave(connection: Connection, reason: string): Promise<void> {
    const { sessionId, id } = connection;
    clearTimeout(connection.graceTimer);
    if (this.#connections.get(id) !== connection) return;
    const event = { method: "deleted", path: `/connection/${id}`, reason };
    if (reason === "forceDisconnected") this.send(sessionId, event, [connection]);
    this.#connections.delete(id);
    for (const subscriberId of connection.subscribers.keys()) {
      await this.unsubscribe(connection, subscriberId);
    }
    for (const stream of connection.streams.values()) {
      await this.unpublish({ stream, publisher: connection }, reason);
    }
    await this.records.removeConnection(connection);
    this.send(sessionId, event);
    if (this.connections(sessionId).length === 0) this.#openedAtMs.delete(sessionId);
    this.changed();
  }

  /** The client's socket is gone; it has a while to return with another one. */
  lose(connection: Connection): void {
    connection.socket = null;
    clearTimeout(connection.graceTimer);
    if (this.#connections.get(connection.id) !== connection) return;
    connection.graceTimer = setTimeout(
      () => void this.leave(connection, "networkDisconnected"),
      this.clientGraceMs,
    );
    Deno.unrefTimer(connection.graceTimer);
  }

  /** Ends a stream and notifies everyone, its publisher included. */
  async unpublish({ stream, publisher }: PublishedStream, reason: string): Promise<void> {
    if (!publisher.streams.delete(stream.id)) return;
    await this.save(publisher);
    this.send(publisher.sessionId, { method: "deleted", path: `/stream/${stream.id}`, reason });
    this.changed();
  }

  /** Ends a subscription and notifies the publisher. */
  async unsubscribe(connection: Connection, subscriberId: string): Promise<void> {
    const { sessionId, subscribers, id: from } = connection;
    const streamId = subscribers.get(subscriberId);
    if (!subscribers.delete(subscriberId)) return;
    await this.save(connection);
    const path = `/stream/${streamId}/subscriber/${subscriberId}`;
    const to = this.streams(sessionId).filter(({ stream }) => stream.id === streamId);
    this.send(sessionId, { method: "deleted", path, from }, to.map(({ publisher }) => publisher));
  }

  /**
   * Sends a signal to one client, or to everyone; `from` is "" for the app's own. Throws an
   * {@link EmulatorError} unless OpenTok would accept it.
   */
  signal(
    sessionId: string,
    { from, to, id }: { from: string; to: string | undefined; id: string },
    { type, data }: { type: string; data?: unknown },
  ): void {
    const length = typeof data === "string" ? data.length : JSON.stringify(data ?? "").length;
    if (type.length > LIMITS.signalTypeLength || length > LIMITS.signalDataLength) {
      throw new EmulatorError(413, "Cannot signal: the type or the data is too long");
    }
    if (!SIGNAL_TYPE.test(type)) {
      throw new EmulatorError(400, "Cannot signal: the type has characters that are not allowed");
    }
    const path = `${to === undefined ? "" : `/connection/${to}`}/signal/${id}`;
    const receivers = to === undefined ? undefined : [this.connection(sessionId, to)];
    this.send(sessionId, { method: "signal", path, from, content: { type, data } }, receivers);
  }

  /** Takes a client out by force. */
  async forceDisconnect(connection: Connection): Promise<void> {
    await this.leave(connection, "forceDisconnected");
    const { socket } = connection;
    // The client needs the event before the close.
    setTimeout(() => socket?.close(1000, "forceDisconnected"), 300);
  }

  /**
   * Mutes everyone but the excluded streams, or lifts that for later ones (`active` false). `from` is
   * the id of the client that asks, or "".
   */
  forceMuteAll(sessionId: string, from: string, active: boolean, excluded: string[]): void {
    const others = this.connections(sessionId).filter(({ id }) => id !== from);
    this.send(sessionId, muteEvent("", from, active), others);
    for (const published of active ? this.streams(sessionId) : []) {
      const { stream, publisher } = published;
      if (publisher.id !== from && !excluded.includes(stream.id)) this.forceMute(published, from);
    }
  }

  /** Mutes one stream. */
  forceMute({ stream, publisher }: PublishedStream, from: string): void {
    this.send(publisher.sessionId, muteEvent(`/stream/${stream.id}`, from, true), [publisher]);
  }

  /** Notifies everyone of an archive that started, paused or stopped. */
  announceArchive({ id, name, status, sessionId }: ArchiveRecord, isNew: boolean): void {
    this.send(sessionId, {
      method: isNew ? "created" : "updated",
      path: `/archive/${id}`,
      content: isNew ? { id, name, status } : { status },
    });
  }

  /** Sends an event to all clients of a session, or to some; they keep it until they acknowledge it. */
  send(
    sessionId: string,
    { path, from = SERVER_ADDRESS, ...event }: ClientEvent,
    receivers: readonly Connection[] = this.connections(sessionId),
  ): void {
    const id = crypto.randomUUID();
    const address = `/v2/partner/${this.apiKey}/session/${sessionId}`;
    const frame = encodeFrame(KIND.message, {
      address,
      headers: {
        "TRANSACTION-ID": id,
        "X-TB-FROM-ADDRESS": from,
        "Content-Type": "application/x-raptor+v2",
      },
      body: JSON.stringify({ content: {}, uri: address + path, ...event }),
    });
    for (const { socket, unacknowledged } of receivers) {
      if (unacknowledged.size < LIMITS.unacknowledgedEvents) unacknowledged.set(id, frame);
      // It cannot be brought up to date any more: it has to join again.
      else socket?.close(1011, "Too many events are unacknowledged");
      sendTo(socket, frame);
    }
  }

  /** Saves a connection as it is now, unless its client has left. */
  async save(connection: Connection): Promise<void> {
    const { id, sessionId, socketId, tokenHash, data, role, createdAtMs } = connection;
    if (this.#connections.get(id) !== connection) return;
    await this.records.saveConnection({
      ...{ id, sessionId, socketId, tokenHash, data, role, createdAtMs },
      streams: [...connection.streams.values()],
      subscribers: Array.from(connection.subscribers, ([id, streamId]) => ({ id, streamId })),
    });
  }

  #add(record: ConnectionRecord, socket: WebSocket | null): Connection {
    const connection: Connection = {
      ...record,
      streams: new Map(record.streams.map((stream) => [stream.id, stream])),
      subscribers: new Map(record.subscribers.map(({ id, streamId }) => [id, streamId])),
      socket,
      unacknowledged: new Map(),
      answers: new Map(),
    };
    this.#connections.set(record.id, connection);
    this.#openedAtMs.set(record.sessionId, this.openedAtMs(record.sessionId));
    return connection;
  }
}

function muteEvent(path: string, from: string, active: boolean): ClientEvent {
  return { method: "update", path, from, content: { reason: "mute", channels: ["audio"], active } };
}

/** A connection as clients see it; `permissions` as OpenTok names them. */
export function connectionView({ id, createdAtMs, data, role }: Connection) {
  return { id, creationTime: createdAtMs, data, permissions: PERMISSIONS[role] };
}

/** A stream as clients see it. */
export function streamView({ stream, publisher }: PublishedStream) {
  return {
    ...stream.content,
    id: stream.id,
    creationTime: stream.createdAtMs,
    connectionId: publisher.id,
    connection: connectionView(publisher),
  };
}

/** Whether a stream sends this kind of media now. */
export function isActive({ content }: StreamRecord, kind: "audio" | "video"): boolean {
  return content.channel.some(({ type, active }) => type === kind && active !== false);
}
