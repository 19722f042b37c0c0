/** One client's WebSocket: authentication, limits, heartbeat, and handing its messages on. */
import { LoopbackError } from "./errors.ts";
import type { Archives } from "./archives.ts";
import type { Client, Hub } from "./hub.ts";
import type { LoopbackRecords } from "../store/mod.ts";
import { LIMITS } from "./limits.ts";
import {
  type ClientMessage,
  clientMessageSchema,
  type ServerMessage,
  socketQuerySchema,
} from "./protocol.ts";
import type { ClientIdentity, Tokens } from "./tokens.ts";

/** Why a socket was closed, where a browser can read it: a refused handshake tells it nothing. */
export const CLOSE = {
  hostile: 1008,
  tooBig: 1009,
  broken: 1011,
  restarting: 1012,
  /** The browser's own: it takes the socket for dead and comes back with another. */
  lost: 4000,
  /** A relay's own: its client's socket broke. */
  gone: 4001,
  badToken: 4401,
  forced: 4403,
  noSession: 4404,
  full: 4429,
} as const;

/** What a socket needs of the platform. */
export interface SocketDeps {
  hub: Hub;
  archives: Archives;
  records: LoopbackRecords;
  tokens: Tokens;
  idleSeconds: number;
}

/** Answers `GET /loopback/socket?token=`. Dead peers are found by pings and dropped. */
export function openSocket(request: Request, deps: SocketDeps): Response {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new LoopbackError(426, "Failed to connect: this address takes WebSockets only");
  }
  const url = new URL(request.url);
  const { token, connection, ticket, ...query } = socketQuerySchema.parse(
    Object.fromEntries(url.searchParams),
  );
  const origin = query.origin ?? request.headers.get("origin") ?? url.origin;
  const { socket, response } = upgrade(request, deps.idleSeconds);
  // Checking the token takes a moment; a client says nothing before its `welcome`.
  const ready = Promise.withResolvers<void>();
  socket.onopen = () => ready.resolve();
  socket.onclose = () => ready.resolve();
  const proof = (id: string) => deps.tokens.sign("connection", `${id} ${token}`);
  const returns = connection !== undefined && ticket === proof(connection);
  const connectionId = returns ? connection : crypto.randomUUID();
  const entering = admit(token, deps).then(async (admitted) => {
    await ready.promise;
    if (socket.readyState !== WebSocket.OPEN) return;
    if ("refusal" in admitted) return socket.close(admitted.refusal.code, admitted.refusal.reason);
    if (deps.hub.clients(admitted.identity.sessionId).length >= LIMITS.connectionsPerSession) {
      return socket.close(CLOSE.full, "Too many clients in this session");
    }
    const visitor = { ...admitted.identity, token, origin, connectionId };
    attend(socket, visitor, proof(connectionId), deps);
  });
  void entering.catch(() => socket.close(CLOSE.broken, "Failed to enter the session"));
  return response;
}

function upgrade(request: Request, idleTimeout: number): Deno.WebSocketUpgrade {
  try {
    return Deno.upgradeWebSocket(request, { idleTimeout });
  } catch (error) {
    throw new LoopbackError(400, "Failed to connect: the WebSocket handshake is not complete", {
      cause: error,
    });
  }
}

type Admission = { identity: ClientIdentity } | { refusal: { code: number; reason: string } };

async function admit(token: string, { tokens, records }: SocketDeps): Promise<Admission> {
  try {
    const identity = await tokens.verifyClient(token);
    if (!await records.session(identity.sessionId)) {
      return { refusal: { code: CLOSE.noSession, reason: "Session not found" } };
    }
    return { identity };
  } catch (error) {
    if (error instanceof LoopbackError) {
      return { refusal: { code: CLOSE.badToken, reason: error.message } };
    }
    throw error;
  }
}

type Visitor = ClientIdentity & { token: string; origin: string; connectionId: string };

function attend(socket: WebSocket, visitor: Visitor, ticket: string, deps: SocketDeps): void {
  const { hub, archives } = deps;
  let leaving: string | null = null;
  const { connectionId, data, ...rest } = visitor;
  // Back before its old socket was found to be dead.
  const before = hub.clients(visitor.sessionId).find((c) => c.connection.id === connectionId);
  before?.close(CLOSE.lost, "The client is connected anew");
  const client: Client = {
    ...rest,
    data,
    connection: { id: connectionId, data, creationTime: Date.now() },
    send(message: ServerMessage) {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (socket.bufferedAmount > LIMITS.sendQueueBytes) {
        return client.close(CLOSE.hostile, "Too slow in receiving");
      }
      socket.send(JSON.stringify(message));
    },
    close(code: number, reason: string) {
      if (leaving !== null) return;
      leaving = code === CLOSE.forced ? "forceDisconnected" : "networkDisconnected";
      socket.close(code, reason);
      leave(leaving, code === CLOSE.lost);
    },
  };
  const leave = (reason = leaving ?? "networkDisconnected", returns = false) => {
    if (!hub.has(client)) return;
    hub.leave(client, reason);
    archives.clientLeft(client, returns);
  };
  const budget = new Budget();
  let bad = 0;

  socket.onclose = ({ code, wasClean }) => {
    if (leaving !== null) return leave();
    const meant = wasClean && code !== CLOSE.lost && code !== CLOSE.gone;
    leave(meant ? "clientDisconnected" : "networkDisconnected", code === CLOSE.lost);
  };
  socket.onerror = () => leave();
  socket.onmessage = ({ data }) => {
    if (leaving !== null) return;
    if (typeof data !== "string" || data.length > LIMITS.messageBytes) {
      return client.close(CLOSE.tooBig, "The message is too big or not text");
    }
    if (!budget.take()) return client.close(CLOSE.hostile, "Too many messages");
    const message = parse(data);
    try {
      if (!message) {
        throw new LoopbackError(400, "Failed to read a message: it is not of a known form");
      }
      route(client, message, deps);
    } catch (error) {
      // Thrown on, it would end the whole process.
      if (!(error instanceof LoopbackError)) return client.close(CLOSE.broken, "Failed to act");
      if (++bad > LIMITS.badMessages) return client.close(CLOSE.hostile, "Too many bad messages");
      client.send({ type: "error", message: error.message });
    }
  };

  const { sessionId } = client;
  client.send({
    type: "welcome",
    connection: client.connection,
    ticket,
    connections: hub.clients(sessionId).map((c) => c.connection),
    streams: hub.streams(sessionId),
    archives: archives.running(sessionId),
  });
  hub.join(client);
  archives.sessionChanged(sessionId);
}

function parse(text: string): ClientMessage | null {
  try {
    return clientMessageSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function route(client: Client, message: ClientMessage, { hub, archives }: SocketDeps): void {
  switch (message.type) {
    case "ping":
      return client.send({ type: "pong" });
    case "recording-started":
    case "recording-finished":
    case "recording-failed":
      return archives.recorderSays(client, message);
    default:
      hub.act(client, message);
      if (message.type === "publish" || message.type === "unpublish") {
        archives.sessionChanged(client.sessionId);
      }
  }
}

/** A bucket of messages that fills steadily: bursts pass, floods do not. */
class Budget {
  private left: number = LIMITS.messageBurst;
  private atMs = performance.now();

  take(): boolean {
    const nowMs = performance.now();
    const refill = (nowMs - this.atMs) / 1000 * LIMITS.messagesPerSecond;
    this.left = Math.min(LIMITS.messageBurst, this.left + refill);
    this.atMs = nowMs;
    return --this.left >= 0;
  }
}
