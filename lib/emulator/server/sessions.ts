/** Who is connected to which session, what they publish and receive, and the events they are sent. */
import type { ConnectionRecord, EmulatorRecords } from "../../store/mod.ts";
import type { StreamRecord } from "../../store/mod.ts";
import { ensure } from "./errors.ts";
import { encodeFrame, KIND } from "./frames.ts";
import { LIMITS } from "./limits.ts";
import { sendTo } from "./sockets.ts";

/** Sender of events that no client caused. */
export const SERVER_ADDRESS = "symphony.emulator";

/** What an event brings, who caused it, and who receives it. */
export interface EventOptions {
  content?: unknown;
  reason?: string;
  /** Id of the client that caused it, "" for a request of the app; by default the platform. */
  from?: string;
  /** By default everyone in the session. */
  to?: readonly Connection[];
}

/** A client in a session. It outlives its socket for a while: the client may reconnect. */
export interface Connection extends ConnectionRecord {
  socket: WebSocket | null;
  /** Events that the client has not acknowledged, by transaction id. */
  readonly unacknowledged: Map<string, Uint8Array<ArrayBuffer>>;
  /** Answers to its latest requests by transaction id: a repeated request gets the same one. */
  readonly answers: Map<string, Uint8Array<ArrayBuffer>>;
  /** When its client was last seen to have no socket, ms of `performance.now()`. */
  lostAtMs: number;
}

/** A stream and the client that publishes it. */
export interface PublishedStream {
  stream: StreamRecord;
  publisher: Connection;
}

/** What each role permits, as OpenTok names it. */
export const PERMISSIONS: Record<ConnectionRecord["role"], readonly string[]> = {
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
    private readonly changed: () => void,
  ) {}

  /** Takes over the connections of an earlier process: their clients are expected to reconnect. */
  async load(): Promise<void> {
    for (const record of await this.records.connections()) this.#add(record, null);
  }

  /** Closes all sockets; connections stay stored for the next process. */
  close(): void {
    for (const { socket } of this.all()) socket?.close(1012, "The server restarts");
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
      .flatMap((publisher) => publisher.streams.map((stream) => ({ stream, publisher })))
      .sort((a, b) => a.stream.createdAtMs - b.stream.createdAtMs);
  }

  /** A session's stream of this id. Throws a 404 {@link EmulatorError}. */
  stream(sessionId: string, id = ""): PublishedStream {
    const found = this.streams(sessionId).find(({ stream }) => stream.id === id);
    ensure(found, 404, "Cannot find the stream");
    return found;
  }

  /** A session's connection of this id. Throws a 404 {@link EmulatorError}. */
  connection(sessionId: string, id = ""): Connection {
    const found = this.#connections.get(id);
    ensure(found?.sessionId === sessionId, 404, "Cannot find the client: it is not connected");
    return found;
  }

  /** Since when somebody has been connected, without a break, ms since the Unix epoch. */
  openedAtMs(sessionId: string): number {
    return this.#openedAtMs.get(sessionId) ?? Date.now();
  }

  /** Adds a client and notifies everyone, itself included. Throws a 409 {@link EmulatorError}. */
  async join(record: ConnectionRecord, socket: WebSocket): Promise<Connection> {
    ensure(!this.#connections.has(record.id), 409, "Cannot connect: the connection id is in use");
    const connection = this.#add(record, socket);
    await this.save(connection);
    const content = connectionView(connection);
    this.send(record.sessionId, "created", `/connection/${record.id}`, { content });
    return connection;
  }

  /** Removes a client with its streams and notifies everyone; `reason` is one of OpenTok's. */
  async leave(connection: Connection, reason: string): Promise<void> {
    const { sessionId, id } = connection;
    if (this.#connections.get(id) !== connection) return;
    const path = `/connection/${id}`;
    if (reason === "forceDisconnected") {
      this.send(sessionId, "deleted", path, { reason, to: [connection] });
      const { socket } = connection;
      // The client needs the event before the close.
      setTimeout(() => socket?.close(1000, reason), 300);
    }
    this.#connections.delete(id);
    for (const each of connection.subscribers) await this.unsubscribe(connection, each.id);
    for (const stream of connection.streams) {
      await this.unpublish({ stream, publisher: connection }, reason);
    }
    await this.records.removeConnection(connection);
    this.send(sessionId, "deleted", path, { reason });
    if (this.connections(sessionId).length === 0) this.#openedAtMs.delete(sessionId);
    this.changed();
  }

  /** Removes the clients that have lost their socket and have not returned in time. */
  update(): void {
    for (const connection of this.all()) {
      const awayMs = connection.socket ? 0 : performance.now() - connection.lostAtMs;
      if (awayMs > this.clientGraceMs) void this.leave(connection, "networkDisconnected");
    }
  }

  /** Ends a stream and notifies everyone, its publisher included. */
  async unpublish({ stream, publisher }: PublishedStream, reason: string): Promise<void> {
    if (!publisher.streams.includes(stream)) return;
    publisher.streams = publisher.streams.filter((each) => each !== stream);
    await this.save(publisher);
    this.send(publisher.sessionId, "deleted", `/stream/${stream.id}`, { reason });
  }

  /** Ends a subscription and notifies the publisher. */
  async unsubscribe(connection: Connection, subscriberId = ""): Promise<void> {
    const { sessionId, subscribers, id: from } = connection;
    const ended = subscribers.find(({ id }) => id === subscriberId);
    if (!ended) return;
    connection.subscribers = subscribers.filter((each) => each !== ended);
    await this.save(connection);
    const path = `/stream/${ended.streamId}/subscriber/${subscriberId}`;
    const to = this.streams(sessionId).filter(({ stream }) => stream.id === ended.streamId)
      .map(({ publisher }) => publisher);
    this.send(sessionId, "deleted", path, { from, to });
  }

  /** Sends an event, a method on a resource below the session; it is kept until acknowledged. */
  send(
    sessionId: string,
    method: string,
    path: string,
    { content = {}, reason, from = SERVER_ADDRESS, to }: EventOptions,
  ): void {
    const id = crypto.randomUUID();
    const address = `/v2/partner/${this.apiKey}/session/${sessionId}`;
    const headers = {
      "TRANSACTION-ID": id,
      "X-TB-FROM-ADDRESS": from,
      "Content-Type": "application/x-raptor+v2",
    };
    const body = JSON.stringify({ method, uri: address + path, content, reason });
    const frame = encodeFrame(KIND.message, { address, headers, body });
    for (const { socket, unacknowledged } of to ?? this.connections(sessionId)) {
      if (unacknowledged.size < LIMITS.unacknowledgedEvents) unacknowledged.set(id, frame);
      // It cannot be brought up to date any more: it has to join again.
      else socket?.close(1011, "Too many events are unacknowledged");
      sendTo(socket, frame);
    }
  }

  /** Saves a change of a connection, unless its client has left. */
  async save(connection: Connection): Promise<void> {
    if (this.#connections.get(connection.id) !== connection) return;
    await this.records.saveConnection(connection);
    this.changed();
  }

  #add(record: ConnectionRecord, socket: WebSocket | null): Connection {
    const queues = { unacknowledged: new Map(), answers: new Map() };
    const connection = { ...record, ...queues, socket, lostAtMs: performance.now() };
    this.#connections.set(record.id, connection);
    this.#openedAtMs.set(record.sessionId, this.openedAtMs(record.sessionId));
    return connection;
  }
}

/** A connection as clients see it. */
export function connectionView({ id, createdAtMs, data, role }: ConnectionRecord) {
  return { id, creationTime: createdAtMs, data, permissions: PERMISSIONS[role] };
}

/** A stream as clients see it. */
export function streamView({ stream, publisher }: PublishedStream) {
  const { id, createdAtMs: creationTime, content } = stream;
  const connection = connectionView(publisher);
  return { ...content, id, creationTime, connectionId: publisher.id, connection };
}

/** Whether a stream sends this kind of media now. */
export function isActive({ content }: StreamRecord, kind: "audio" | "video"): boolean {
  return content.channel.some(({ type, active }) => type === kind && active !== false);
}
