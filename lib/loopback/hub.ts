/** Who is connected to which session, what they publish, and what they say to each other. */
import { LoopbackError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import type { ClientMessage, ServerMessage, WireConnection, WireStream } from "./protocol.ts";
import type { ClientIdentity } from "./tokens.ts";

/** A connected page. */
export interface Client extends ClientIdentity {
  readonly connection: WireConnection;
  /** Its token: who comes back with the same one is the same client. */
  readonly token: string;
  /** The origin that its page was loaded from: it uploads there. */
  readonly origin: string;
  send(message: ServerMessage): void;
  close(code: number, reason: string): void;
}

/** What the hub itself acts on; the rest is about archives. */
export type HubMessage = Extract<
  ClientMessage,
  { type: "publish" | "unpublish" | "stream-changed" | "signal" | "rtc" }
>;

interface Live {
  clients: Map<string, Client>;
  streams: Map<string, WireStream>;
}

const ID = /^[\w-]{1,64}$/;
const SIGNAL_TYPE = /^[\w.~-]*$/;
const bytes = (text: string) => new TextEncoder().encode(text).length;
const maySignal = (client: Client) => client.role !== "subscriber";

/** Throws a {@link LoopbackError} unless OpenTok would take this signal. */
export function checkSignal(type: string, data: string): void {
  if (bytes(type) > LIMITS.signalTypeBytes || bytes(data) > LIMITS.signalDataBytes) {
    throw new LoopbackError(
      413,
      `Failed to signal: the type may have ${LIMITS.signalTypeBytes} bytes and the data ${LIMITS.signalDataBytes}`,
    );
  }
  if (!SIGNAL_TYPE.test(type)) {
    throw new LoopbackError(
      400,
      `Failed to signal: the type "${type}" may contain only letters, digits, "-", "_", "." and "~"`,
    );
  }
}

/** The live half of every session: it is rebuilt by reconnecting clients, so nothing is stored. */
export class Hub {
  private readonly sessions = new Map<string, Live>();

  /** The session's clients in the order they came. */
  clients(sessionId: string): Client[] {
    return [...this.sessions.get(sessionId)?.clients.values() ?? []];
  }

  /** The session's streams in the order they were published. */
  streams(sessionId: string): WireStream[] {
    return [...this.sessions.get(sessionId)?.streams.values() ?? []];
  }

  /** Whether this very client is still connected. */
  has(client: Client): boolean {
    return this.sessions.get(client.sessionId)?.clients.get(client.connection.id) === client;
  }

  /** Lets a client in and tells the others. Its `welcome` is the caller's to send first. */
  join(client: Client): void {
    let session = this.sessions.get(client.sessionId);
    if (!session) {
      session = { clients: new Map(), streams: new Map() };
      this.sessions.set(client.sessionId, session);
    }
    this.broadcast(client.sessionId, {
      type: "connection-created",
      connection: client.connection,
    });
    session.clients.set(client.connection.id, client);
  }

  /** Takes a client and its streams out and tells the others why, in OpenTok's words. */
  leave(client: Client, reason: string): void {
    const session = this.sessions.get(client.sessionId);
    if (!session?.clients.delete(client.connection.id)) return;
    for (const stream of session.streams.values()) {
      if (stream.connectionId === client.connection.id) this.endStream(client, stream.id, reason);
    }
    this.broadcast(client.sessionId, {
      type: "connection-destroyed",
      connectionId: client.connection.id,
      reason,
    });
    if (session.clients.size === 0) this.sessions.delete(client.sessionId);
  }

  /** Sends to everybody in a session. */
  broadcast(sessionId: string, message: ServerMessage): void {
    for (const client of this.clients(sessionId)) client.send(message);
  }

  /** Ends every connection without a word about it: they are expected back. */
  closeAll(code: number, reason: string): void {
    const clients = [...this.sessions.values()].flatMap(({ clients }) => [...clients.values()]);
    this.sessions.clear();
    for (const client of clients) client.close(code, reason);
  }

  /** A signal from the server's side, to everybody or to one connection. Throws a 404. */
  signal(sessionId: string, to: string | null, signalType: string, data: string): void {
    checkSignal(signalType, data);
    this.deliver(sessionId, to, { type: "signal", from: null, signalType, data });
  }

  /** Does what a client asks for. Throws a {@link LoopbackError} when it may not. */
  act(client: Client, message: HubMessage): void {
    switch (message.type) {
      case "publish":
        return this.publish(client, message.stream);
      case "unpublish":
        if (this.ownStream(client, message.streamId)) {
          this.endStream(client, message.streamId, "clientDisconnected");
        }
        return;
      case "stream-changed": {
        const stream = this.ownStream(client, message.streamId);
        if (!stream) return;
        const { hasAudio, hasVideo, width, height } = message;
        Object.assign(stream, { hasAudio, hasVideo, width, height });
        return this.broadcast(client.sessionId, { type: "stream-changed", stream });
      }
      case "signal":
        return this.clientSignal(client, message);
      case "rtc":
        return this.relay(client, message);
    }
  }

  private publish(client: Client, wanted: Omit<WireStream, "connectionId" | "creationTime">): void {
    const { streams } = this.sessions.get(client.sessionId) ?? {};
    if (client.role === "subscriber") {
      throw new LoopbackError(403, "Failed to publish: the token's role is subscriber");
    }
    const taken = streams?.get(wanted.id);
    const holder = taken && this.holder(client.sessionId, taken);
    if (!streams || !ID.test(wanted.id) || (taken && holder?.token !== client.token)) {
      throw new LoopbackError(
        400,
        `Failed to publish: the stream id "${wanted.id}" cannot be used`,
      );
    }
    // Back after a lost connection that we have not noticed yet: the new one wins.
    if (taken) this.endStream(client, taken.id, "networkDisconnected");
    const own = [...streams.values()].filter((s) => s.connectionId === client.connection.id);
    if (own.length >= LIMITS.streamsPerConnection) {
      throw new LoopbackError(
        403,
        `Failed to publish: a connection may have ${LIMITS.streamsPerConnection} streams`,
      );
    }
    const stream = { ...wanted, connectionId: client.connection.id, creationTime: Date.now() };
    streams.set(stream.id, stream);
    this.broadcast(client.sessionId, { type: "stream-created", stream });
  }

  private clientSignal(client: Client, signal: Extract<HubMessage, { type: "signal" }>): void {
    const { id, to, signalType, data } = signal;
    let error: string | null = null;
    try {
      if (!maySignal(client)) {
        throw new LoopbackError(403, "Failed to signal: the token's role is subscriber");
      }
      checkSignal(signalType, data);
      this.deliver(client.sessionId, to, {
        type: "signal",
        from: client.connection.id,
        signalType,
        data,
      });
    } catch (refusal) {
      if (!(refusal instanceof LoopbackError)) throw refusal;
      error = refusal.message;
    }
    client.send({ type: "signal-result", id, error });
  }

  private deliver(sessionId: string, to: string | null, message: ServerMessage): void {
    if (to === null) return this.broadcast(sessionId, message);
    const target = this.sessions.get(sessionId)?.clients.get(to);
    if (!target) {
      throw new LoopbackError(404, `Failed to signal: no client "${to}" is connected`);
    }
    target.send(message);
  }

  /** Negotiation passes only between a stream's publisher and somebody else in its session. */
  private relay(client: Client, message: Extract<HubMessage, { type: "rtc" }>): void {
    const session = this.sessions.get(client.sessionId);
    const owner = session?.streams.get(message.streamId)?.connectionId;
    const from = client.connection.id;
    if (owner !== from && owner !== message.to) return;
    const { streamId, subscription, rtc } = message;
    session?.clients.get(message.to)?.send({ type: "rtc", from, streamId, subscription, rtc });
  }

  private ownStream(client: Client, streamId: string): WireStream | undefined {
    const stream = this.sessions.get(client.sessionId)?.streams.get(streamId);
    return stream?.connectionId === client.connection.id ? stream : undefined;
  }

  private holder(sessionId: string, stream: WireStream): Client | undefined {
    return this.sessions.get(sessionId)?.clients.get(stream.connectionId);
  }

  private endStream(client: Client, streamId: string, reason: string): void {
    this.sessions.get(client.sessionId)?.streams.delete(streamId);
    this.broadcast(client.sessionId, { type: "stream-destroyed", streamId, reason });
  }
}
