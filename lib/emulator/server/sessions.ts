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

/** OpenTok: letters, numbers, "-", "_", "~" and ".". */
const SIGNAL_TYPE = /^[\w.~-]*$/;
/** Sender of events that no client caused. */
export const SERVER_ADDRESS = "symphony.emulator";

/** An event for a client: a method on a resource. */
export interface ClientEvent {
  method: string;
  uri: string;
  content?: unknown;
  reason?: string;
}

/** A client's socket, as far as a session uses it. */
export interface ClientSocket {
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** 1011 tells the client that it cannot come back; after any other code it reconnects. */
  close(code: number, reason: string): void;
}

/** A client in a session. It outlives its socket for a while: the client may reconnect. */
export interface Connection extends Omit<ConnectionRecord, "streams" | "subscribers"> {
  readonly streams: Map<string, StreamRecord>;
  /** Stream id by subscriber id. */
  readonly subscribers: Map<string, string>;
  socket: ClientSocket | null;
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

/** What sessions are made with. */
export interface SessionsOptions {
  records: EmulatorRecords;
  apiKey: string;
  clientGraceMs: number;
  /** Called after clients or streams of a session have changed. */
  changed(sessionId: string): void;
}

interface Session {
  openedAtMs: number;
  connections: Map<string, Connection>;
}

const PERMISSIONS: Record<ConnectionRecord["role"], readonly string[]> = {
  subscriber: ["subscribe"],
  publisher: ["publish", "subscribe", "signal"],
  publisheronly: ["publish", "signal"],
  moderator: ["publish", "subscribe", "signal", "forceunpublish", "forcedisconnect", "forcemute"],
};

/** What a client may do, as OpenTok names it. */
export function permissionsOf(connection: Connection): readonly string[] {
  return PERMISSIONS[connection.role];
}

/** Names the person behind a connection: equal for one client's connections to two sessions. */
export function participantOf({ data, tokenHash }: { data: string; tokenHash: string }): string {
  return data || tokenHash;
}

/** The live state of every session; changes are saved before clients learn of them. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();

  constructor(private readonly options: SessionsOptions) {}

  /** Takes over the connections of an earlier process: their clients are expected to reconnect. */
  async load(): Promise<void> {
    for (const record of await this.options.records.connections()) {
      const connection: Connection = {
        ...record,
        streams: new Map(record.streams.map((stream) => [stream.id, stream])),
        subscribers: new Map(record.subscribers.map(({ id, streamId }) => [id, streamId])),
        socket: null,
        unacknowledged: new Map(),
        answers: new Map(),
      };
      this.#open(record.sessionId).connections.set(record.id, connection);
      this.#awaitReturn(connection);
    }
  }

  /** Stops all waiting; connections stay stored for the next process. */
  close(): void {
    for (const connection of this.all()) {
      clearTimeout(connection.graceTimer);
      connection.socket?.close(1012, "The server restarts");
    }
    this.#sessions.clear();
  }

  /** All connections of all sessions. */
  all(): Connection[] {
    return [...this.#sessions.values()].flatMap(({ connections }) => [...connections.values()]);
  }

  /** A session's connections in the order in which they came. */
  connections(sessionId: string): Connection[] {
    return [...this.#sessions.get(sessionId)?.connections.values() ?? []];
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
    const found = this.#sessions.get(sessionId)?.connections.get(id);
    if (!found) throw new EmulatorError(404, "Cannot find the client: it is not connected");
    return found;
  }

  /** When the first client of those that are connected now came, ms since the Unix epoch. */
  openedAtMs(sessionId: string): number {
    return this.#sessions.get(sessionId)?.openedAtMs ?? Date.now();
  }

  /** The connection that used this socket id. */
  bySocketId(socketId: string): Connection | undefined {
    return this.all().find((connection) => connection.socketId === socketId);
  }

  /** Whether this very connection still exists. */
  has({ id, sessionId }: Connection): boolean {
    return this.#sessions.get(sessionId)?.connections.has(id) ?? false;
  }

  /** The address of a resource of a session, as clients know it. */
  uri(sessionId: string, path = ""): string {
    return `/v2/partner/${this.options.apiKey}/session/${sessionId}${path}`;
  }

  /** Adds a client and notifies everyone, itself included. */
  async join(connection: Connection): Promise<void> {
    const { sessionId, id } = connection;
    this.#open(sessionId).connections.set(id, connection);
    await this.save(connection);
    this.broadcast(sessionId, SERVER_ADDRESS, {
      method: "created",
      uri: this.uri(sessionId, `/connection/${id}`),
      content: connectionView(connection),
    });
    this.options.changed(sessionId);
  }

  /** Removes a client with its streams and notifies everyone; `reason` is one of OpenTok's. */
  async leave(connection: Connection, reason: string): Promise<void> {
    const { sessionId, id } = connection;
    clearTimeout(connection.graceTimer);
    const session = this.#sessions.get(sessionId);
    if (session?.connections.get(id) !== connection) return;
    const event = {
      method: "deleted",
      uri: this.uri(sessionId, `/connection/${id}`),
      reason,
    };
    if (reason === "forceDisconnected") this.send(connection, SERVER_ADDRESS, event);
    session.connections.delete(id);
    for (const subscriberId of connection.subscribers.keys()) {
      this.#announceSubscriberEnd(connection, subscriberId);
    }
    for (const streamId of connection.streams.keys()) {
      this.#announceStreamEnd(sessionId, streamId, reason);
    }
    await this.options.records.removeConnection(connection);
    this.broadcast(sessionId, SERVER_ADDRESS, event);
    if (session.connections.size === 0) this.#sessions.delete(sessionId);
    this.options.changed(sessionId);
  }

  /** The client's socket is gone; it has a while to return with another one. */
  lose(connection: Connection): void {
    connection.socket = null;
    if (this.has(connection)) this.#awaitReturn(connection);
  }

  /** The client is back on another socket; events that it missed are sent again. */
  resume(connection: Connection, socket: ClientSocket): void {
    clearTimeout(connection.graceTimer);
    const previous = connection.socket;
    connection.socket = socket;
    previous?.close(4000, "The client reconnected");
    // The first frame tells the client that it is reconnected.
    socket.send(encodeFrame(KIND.pong));
    for (const frame of connection.unacknowledged.values()) socket.send(frame);
  }

  /**
   * Adds a stream. The function that it resolves to notifies everyone, the publisher included. Throws a
   * 403, 409 or 413 {@link EmulatorError}.
   */
  async publish(connection: Connection, stream: StreamRecord): Promise<() => void> {
    if (JSON.stringify(stream).length > LIMITS.streamContentBytes) {
      throw new EmulatorError(413, "Cannot publish: the stream's description is too long");
    }
    if (this.streams(connection.sessionId).some((other) => other.stream.id === stream.id)) {
      throw new EmulatorError(409, "Cannot publish: the stream id is in use");
    }
    if (connection.streams.size >= LIMITS.streamsPerConnection) {
      throw new EmulatorError(403, "Cannot publish: the client has too many streams");
    }
    connection.streams.set(stream.id, stream);
    await this.save(connection);
    return () => this.#announceStream(connection, stream);
  }

  #announceStream(connection: Connection, stream: StreamRecord): void {
    const { sessionId } = connection;
    this.broadcast(sessionId, SERVER_ADDRESS, {
      method: "created",
      uri: this.uri(sessionId, `/stream/${stream.id}`),
      content: streamView({ stream, publisher: connection }),
    });
    this.options.changed(sessionId);
  }

  /** Ends a stream and notifies everyone, its publisher included. */
  async unpublish({ stream, publisher }: PublishedStream, reason: string): Promise<void> {
    if (!publisher.streams.delete(stream.id)) return;
    await this.save(publisher);
    this.#announceStreamEnd(publisher.sessionId, stream.id, reason);
    this.options.changed(publisher.sessionId);
  }

  /** Other properties of a stream's channel: saves them and notifies everyone. */
  async updateChannel(
    { stream, publisher }: PublishedStream,
    channelId: string,
    update: Record<string, unknown>,
  ): Promise<void> {
    const { sessionId } = publisher;
    const channel = stream.content.channel.find(({ id }) => id === channelId);
    // Clients send every value several times, some of them old: only changes are passed on.
    const changed = Object.fromEntries(
      Object.entries(update).filter(([name, value]) => channel?.[name] !== value),
    );
    if (!channel || Object.keys(changed).length === 0) return;
    if (JSON.stringify([stream, changed]).length > LIMITS.streamContentBytes) {
      throw new EmulatorError(413, "Cannot update the stream: its description is too long");
    }
    Object.assign(channel, changed);
    await this.save(publisher);
    this.broadcast(sessionId, publisher.id, {
      method: "updated",
      uri: this.uri(sessionId, `/stream/${stream.id}/channel/${channelId}`),
      content: changed,
    });
    this.options.changed(sessionId);
  }

  /**
   * Sends a signal to one client, or to everyone; `from` is "" for the server's own. Throws an
   * {@link EmulatorError} unless OpenTok would accept it.
   */
  signal(
    sessionId: string,
    { from, to, id }: { from: string; to: string | undefined; id: string },
    { type = "", data }: { type?: string; data?: unknown },
  ): void {
    const length = typeof data === "string" ? data.length : JSON.stringify(data ?? "").length;
    if (type.length > LIMITS.signalTypeLength || length > LIMITS.signalDataLength) {
      throw new EmulatorError(413, "Cannot signal: the type or the data is too long");
    }
    if (!SIGNAL_TYPE.test(type)) {
      throw new EmulatorError(400, "Cannot signal: the type has characters that are not allowed");
    }
    const path = `${to === undefined ? "" : `/connection/${to}`}/signal/${id}`;
    const event = { method: "signal", uri: this.uri(sessionId, path), content: { type, data } };
    if (to === undefined) this.broadcast(sessionId, from, event);
    else this.send(this.connection(sessionId, to), from, event);
  }

  /** Adds a subscription to a stream. Throws a 403 {@link EmulatorError}. */
  async subscribe(connection: Connection, subscriberId: string, streamId: string): Promise<void> {
    if (connection.subscribers.size >= LIMITS.subscribersPerConnection) {
      throw new EmulatorError(403, "Cannot subscribe: the client has too many subscribers");
    }
    connection.subscribers.set(subscriberId, streamId);
    await this.save(connection);
  }

  /** Ends a subscription and notifies the publisher. */
  async unsubscribe(connection: Connection, subscriberId: string): Promise<void> {
    if (!connection.subscribers.has(subscriberId)) return;
    this.#announceSubscriberEnd(connection, subscriberId);
    connection.subscribers.delete(subscriberId);
    await this.save(connection);
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
  forceMuteAll(
    sessionId: string,
    from: string,
    { active, excludedStreamIds }: { active: boolean; excludedStreamIds: readonly string[] },
  ): void {
    const content = { reason: "mute", channels: ["audio"], active };
    const event = { method: "update", uri: this.uri(sessionId), content };
    this.broadcast(sessionId, from, event, ({ id }) => id !== from);
    if (!active) return;
    for (const { stream, publisher } of this.streams(sessionId)) {
      if (publisher.id === from || excludedStreamIds.includes(stream.id)) continue;
      this.forceMute({ stream, publisher }, from);
    }
  }

  /** Mutes one stream. */
  forceMute({ stream, publisher }: PublishedStream, from: string): void {
    this.send(publisher, from, {
      method: "update",
      uri: this.uri(publisher.sessionId, `/stream/${stream.id}`),
      content: { reason: "mute", channels: ["audio"], active: true },
    });
  }

  /** Notifies everyone of an archive that started, paused or stopped. */
  announceArchive({ id, name, status, sessionId }: ArchiveRecord, isNew: boolean): void {
    this.broadcast(sessionId, SERVER_ADDRESS, {
      method: isNew ? "created" : "updated",
      uri: this.uri(sessionId, `/archive/${id}`),
      content: isNew ? { id, name, status } : { status },
    });
  }

  /** Sends an event to every client of a session that `isMeant`. */
  broadcast(
    sessionId: string,
    from: string,
    event: ClientEvent,
    isMeant: (connection: Connection) => boolean = () => true,
  ): void {
    for (const connection of this.connections(sessionId)) {
      if (isMeant(connection)) this.send(connection, from, event);
    }
  }

  /** Sends an event to one client, and keeps it until the client acknowledges it. */
  send(connection: Connection, from: string, event: ClientEvent): void {
    const id = crypto.randomUUID();
    const frame = encodeFrame(KIND.message, {
      address: this.uri(connection.sessionId),
      headers: {
        "TRANSACTION-ID": id,
        "X-TB-FROM-ADDRESS": from,
        "Content-Type": "application/x-raptor+v2",
      },
      body: JSON.stringify({ content: {}, ...event }),
    });
    if (connection.unacknowledged.size < LIMITS.unacknowledgedEvents) {
      connection.unacknowledged.set(id, frame);
    } else {
      // It cannot be brought up to date any more: it has to join again.
      connection.socket?.close(1011, "Too many events are unacknowledged");
    }
    connection.socket?.send(frame);
  }

  /** Saves a connection as it is now. */
  async save(connection: Connection): Promise<void> {
    const { id, sessionId, socketId, tokenHash, data, role, createdAtMs } = connection;
    if (!this.has(connection)) return;
    await this.options.records.saveConnection({
      ...{ id, sessionId, socketId, tokenHash, data, role, createdAtMs },
      streams: [...connection.streams.values()],
      subscribers: Array.from(connection.subscribers, ([id, streamId]) => ({ id, streamId })),
    });
  }

  #open(sessionId: string): Session {
    const known = this.#sessions.get(sessionId);
    if (known) return known;
    const session = { openedAtMs: Date.now(), connections: new Map() };
    this.#sessions.set(sessionId, session);
    return session;
  }

  #awaitReturn(connection: Connection): void {
    clearTimeout(connection.graceTimer);
    connection.graceTimer = setTimeout(
      () => void this.leave(connection, "networkDisconnected"),
      this.options.clientGraceMs,
    );
    Deno.unrefTimer(connection.graceTimer);
  }

  #announceStreamEnd(sessionId: string, streamId: string, reason: string): void {
    this.broadcast(sessionId, SERVER_ADDRESS, {
      method: "deleted",
      uri: this.uri(sessionId, `/stream/${streamId}`),
      reason,
    });
  }

  #announceSubscriberEnd(connection: Connection, subscriberId: string): void {
    const { sessionId } = connection;
    const streamId = connection.subscribers.get(subscriberId) ?? "";
    const published = this.streams(sessionId).find(({ stream }) => stream.id === streamId);
    if (!published) return;
    this.send(published.publisher, connection.id, {
      method: "deleted",
      uri: this.uri(sessionId, `/stream/${streamId}/subscriber/${subscriberId}`),
    });
  }
}

/** A connection as clients see it. */
export function connectionView(connection: Connection) {
  const { id, createdAtMs, data } = connection;
  return { id, creationTime: createdAtMs, data, permissions: permissionsOf(connection) };
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
