/** A client's WebSocket: joining, reconnecting, requests one after the other, limits. */
import { log } from "../../log.ts";
import { EmulatorError } from "./errors.ts";
import { decodeFrame, encodeFrame, type Frame, KIND } from "./frames.ts";
import { LIMITS } from "./limits.ts";
import { type ClientSocket, type Connection, SERVER_ADDRESS } from "./sessions.ts";
import {
  connect,
  type Request,
  requestSchema,
  serveRequest,
  type SignallingDeps,
} from "./signalling.ts";
import { readTicket } from "./client_api.ts";

/** The client gives up at once after this code; after nearly any other it reconnects. */
const CANNOT_RETURN = 1011;

/**
 * Answers `GET /emulator/<messaging host>/socket?ticket=&socketId=&reconnect=`. Needs the very request
 * of `Deno.serve`. Throws {@link EmulatorError} for a request that is no WebSocket handshake.
 */
export function openClientSocket(request: globalThis.Request, deps: SignallingDeps): Response {
  const { searchParams } = new URL(request.url);
  const { socket, response } = upgradeWebSocket(request);
  const ticket = readTicket(deps.tokens, searchParams.get("ticket") ?? "");
  const socketId = (searchParams.get("socketId") ?? "").slice(0, 64);
  const isReturning = searchParams.get("reconnect") === "true";
  const client = new SocketClient(socket, deps, { socketId, tokenHash: ticket?.tokenHash ?? "" });
  socket.onopen = () => {
    if (!ticket || socketId === "") return socket.close(CANNOT_RETURN, "The ticket is invalid");
    if (!isReturning) return;
    const connection = deps.sessions.bySocketId(socketId);
    const isSame = connection?.sessionId === ticket.sessionId &&
      connection.tokenHash === ticket.tokenHash;
    // Refusing the handshake would make the client try again for half a minute.
    if (!connection || !isSame) return socket.close(CANNOT_RETURN, "The connection is over");
    client.resume(connection);
  };
  return response;
}

/** Switches a request to a WebSocket. Throws {@link EmulatorError} where that is not asked for. */
export function upgradeWebSocket(request: globalThis.Request): Deno.WebSocketUpgrade {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new EmulatorError(426, "Cannot connect: this address takes WebSockets only");
  }
  try {
    // Seconds without an answer to a ping of the protocol, which hidden pages answer, too.
    const upgraded = Deno.upgradeWebSocket(request, { idleTimeout: 20 });
    upgraded.socket.binaryType = "arraybuffer";
    return upgraded;
  } catch (cause) {
    throw new EmulatorError(400, "Cannot connect: the WebSocket handshake is not complete", {
      cause,
    });
  }
}

class SocketClient implements ClientSocket {
  #connection: Connection | null = null;
  /** Requests are served in order. */
  #serving: Promise<void> = Promise.resolve();
  #badMessages = 0;
  readonly #budget = new MessageBudget();

  constructor(
    private readonly socket: WebSocket,
    private readonly deps: SignallingDeps,
    private readonly origin: { socketId: string; tokenHash: string },
  ) {
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = () => this.#closed();
    socket.onerror = () => {}; // `close` follows
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    if (this.socket.bufferedAmount > LIMITS.sendQueueBytes) {
      return this.close(4001, "The client is too slow in receiving");
    }
    this.socket.send(frame);
  }

  close(code: number, reason: string): void {
    if (this.socket.readyState < WebSocket.CLOSING) this.socket.close(code, reason);
  }

  /** The client is back. */
  resume(connection: Connection): void {
    this.#connection = connection;
    this.deps.sessions.resume(connection, this);
  }

  #receive(data: unknown): void {
    if (!(data instanceof ArrayBuffer) || data.byteLength > LIMITS.messageBytes) {
      return this.close(CANNOT_RETURN, "The message is too big or not binary");
    }
    if (!this.#budget.take()) return this.close(CANNOT_RETURN, "Too many messages");
    const frame = decodeFrame(data);
    if (!frame) return this.#countBadMessage();
    switch (frame.kind) {
      // Answered before anything slow: the client takes 6 s of silence for a broken connection.
      case KIND.ping:
        return this.send(encodeFrame(KIND.pong));
      case KIND.status:
        this.#connection?.unacknowledged.delete(frame.headers.get("TRANSACTION-ID") ?? "");
        return;
      case KIND.disconnect:
        // With `reconnect: "1"` the client is about to open another socket.
        if (frame.headers.get("reconnect") === "1") return;
        return this.#queue(async () => {
          if (this.#connection) {
            await this.deps.sessions.leave(this.#connection, "clientDisconnected");
          }
        });
      case KIND.message:
        return this.#queue(() => this.#serve(frame));
    }
  }

  async #serve({ headers, body }: Frame): Promise<void> {
    const transactionId = headers.get("TRANSACTION-ID") ?? "";
    const repeated = this.#connection?.answers.get(transactionId);
    if (repeated) return this.send(repeated);
    const request = parseRequest(body);
    if (!request) return this.#countBadMessage();
    let status = 200;
    let data: unknown;
    let after: (() => Promise<void> | void) | undefined;
    try {
      if (this.#connection) {
        ({ data, after } = await serveRequest(this.#connection, request, this.deps));
      } else {
        const joined = await connect(request, headers.get("X-TB-TOKEN-AUTH"), {
          socket: this,
          ...this.origin,
        }, this.deps);
        data = joined.data;
        this.#connection = joined.connection;
        // It may have closed while the token was checked.
        if (this.socket.readyState !== WebSocket.OPEN) this.#closed();
      }
    } catch (error) {
      if (!(error instanceof EmulatorError)) throw error;
      status = error.status;
      data = { reason: error.message };
    }
    const answer = encodeFrame(KIND.status, {
      address: headers.get("X-TB-FROM-ADDRESS") ?? "",
      headers: {
        "TRANSACTION-ID": transactionId,
        STATUS: String(status),
        "X-TB-FROM-ADDRESS": SERVER_ADDRESS,
      },
      body: data === undefined ? "" : JSON.stringify(data),
    });
    this.#keepAnswer(transactionId, answer);
    // The client may have reconnected meanwhile.
    (this.#connection?.socket ?? this).send(answer);
    await after?.();
  }

  #keepAnswer(transactionId: string, answer: Uint8Array<ArrayBuffer>): void {
    const answers = this.#connection?.answers;
    if (!answers) return;
    answers.set(transactionId, answer);
    const [oldest] = answers.keys();
    if (answers.size > LIMITS.keptAnswers && oldest !== undefined) answers.delete(oldest);
  }

  #queue(work: () => Promise<void>): void {
    this.#serving = this.#serving.then(work).catch((error) => {
      log("error", "emulator: request of a client failed", { error: String(error) });
      this.close(CANNOT_RETURN, "The request failed");
    });
  }

  #countBadMessage(): void {
    if (++this.#badMessages > LIMITS.badMessages) this.close(CANNOT_RETURN, "Bad messages");
  }

  #closed(): void {
    // Only a disconnect frame means that a client leaves; without one it is expected back.
    this.#queue(() => {
      if (this.#connection?.socket === this) this.deps.sessions.lose(this.#connection);
      return Promise.resolve();
    });
  }
}

function parseRequest(body: string): Request | null {
  try {
    const parsed = requestSchema.safeParse(JSON.parse(body));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** A budget of messages that refills steadily: bursts pass, floods do not. */
export class MessageBudget {
  #left: number = LIMITS.messageBurst;
  #atMs = performance.now();

  /** Takes one message from the budget; false if it is exhausted. */
  take(): boolean {
    const nowMs = performance.now();
    const refill = (nowMs - this.#atMs) / 1000 * LIMITS.messagesPerSecond;
    this.#left = Math.min(LIMITS.messageBurst, this.#left + refill);
    this.#atMs = nowMs;
    return --this.#left >= 0;
  }
}
