/** One client's WebSocket: authentication, limits, heartbeat, and handing its messages on. */
import { LoopbackError } from "./errors.ts";
import type { Archives } from "./archives.ts";
import type { Client, Hub } from "./hub.ts";
import type { Ledger } from "./ledger.ts";
import { LIMITS } from "./limits.ts";
import { type ClientMessage, clientMessageSchema, type ServerMessage } from "./protocol.ts";
import type { ClientIdentity, Tokens } from "./tokens.ts";

/** Why a socket was closed, where a browser can read it: a refused handshake tells it nothing. */
export const CLOSE = {
  goingAway: 1001,
  hostile: 1008,
  tooBig: 1009,
  restarting: 1012,
  badToken: 4401,
  forced: 4403,
  noSession: 4404,
  full: 4429,
} as const;

/** What a socket needs of the platform. */
export interface SocketDeps {
  hub: Hub;
  archives: Archives;
  ledger: Ledger;
  tokens: Tokens;
  idleSeconds: number;
}

/** Answers `GET /loopback/socket?token=`. Dead peers are found by pings and dropped. */
export function openSocket(request: Request, deps: SocketDeps): Response {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new LoopbackError(426, "Failed to connect: this address takes WebSockets only");
  }
  const url = new URL(request.url);
  const origin = request.headers.get("origin") ?? url.origin;
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: deps.idleSeconds });
  // Checking the token takes a moment; a client says nothing before its `welcome`.
  const ready = Promise.withResolvers<void>();
  socket.onopen = () => ready.resolve();
  socket.onclose = () => ready.resolve();
  void admit(url.searchParams.get("token") ?? "", deps).then(async (admitted) => {
    await ready.promise;
    if (socket.readyState !== WebSocket.OPEN) return;
    if ("refusal" in admitted) return socket.close(admitted.refusal.code, admitted.refusal.reason);
    if (deps.hub.clients(admitted.identity.sessionId).length >= LIMITS.connectionsPerSession) {
      return socket.close(CLOSE.full, "Too many clients in this session");
    }
    attend(socket, admitted.identity, origin, deps);
  });
  return response;
}

type Admission = { identity: ClientIdentity } | { refusal: { code: number; reason: string } };

async function admit(token: string, { tokens, ledger }: SocketDeps): Promise<Admission> {
  try {
    const identity = await tokens.verifyClient(token);
    if (!await ledger.session(identity.sessionId)) {
      return { refusal: { code: CLOSE.noSession, reason: "Session not found" } };
    }
    return { identity };
  } catch (error) {
    if (error instanceof LoopbackError) {
      return { refusal: { code: CLOSE.badToken, reason: error.message } };
    }
    return { refusal: { code: 1011, reason: "Failed to read the session" } };
  }
}

function attend(socket: WebSocket, identity: ClientIdentity, origin: string, deps: SocketDeps) {
  const { hub, archives } = deps;
  let leaving: string | null = null;
  const client: Client = {
    ...identity,
    origin,
    connection: { id: crypto.randomUUID(), data: identity.data, creationTime: Date.now() },
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
      leave();
    },
  };
  const leave = (reason = leaving ?? "networkDisconnected") => {
    if (!hub.has(client)) return;
    hub.leave(client, reason);
    archives.clientLeft(client);
  };
  const budget = new Budget();
  let bad = 0;

  socket.onclose = (event) => leave(leaving ?? (event.wasClean ? "clientDisconnected" : undefined));
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
      if (!(error instanceof LoopbackError)) throw error;
      if (++bad > LIMITS.badMessages) return client.close(CLOSE.hostile, "Too many bad messages");
      client.send({ type: "error", message: error.message });
    }
  };

  const { sessionId } = client;
  client.send({
    type: "welcome",
    connection: client.connection,
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
