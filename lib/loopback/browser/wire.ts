/**
 * The socket of one session connection: messages parsed, pings sent, a dead socket noticed. One
 * `Wire` is one socket; reconnecting makes another one.
 */
import { type ClientMessage, type ServerMessage, serverMessageSchema } from "../protocol.ts";
import { ClientError } from "./errors.ts";

/** Longest wait for a socket to open and greet, ms. */
const openTimeoutMs = 10_000;
/** Time between pings, ms. */
const pingEveryMs = 5_000;
/** A ping that long unanswered means a dead socket, ms. */
const silenceMs = 10_000;
/** Our close code for a socket that we take for dead. */
const lostCode = 4000;
/** Close codes of the platform that a new attempt cannot mend. */
export const closeCodes = { badToken: 4401, forced: 4403, noSession: 4404, full: 4429 } as const;
const refusals: ReadonlySet<number> = new Set([closeCodes.badToken, closeCodes.noSession]);

/** The first message of a connection. */
export type Welcome = Extract<ServerMessage, { type: "welcome" }>;

/** An open, greeted socket. */
export class Wire {
  /** Called with every message after the welcome. */
  onMessage: (message: ServerMessage) => void = () => {};
  /** Called once when the socket is gone, unless {@link close} was called. */
  onClose: (code: number) => void = () => {};
  #pingedAtMs = Infinity;
  #timer: ReturnType<typeof setInterval> | undefined;
  #closed = false;

  private constructor(readonly socket: WebSocket, readonly welcome: Welcome) {
    socket.onmessage = (event) => {
      this.#pingedAtMs = Infinity;
      const message = parse(event.data);
      if (message !== null && message.type !== "pong") this.onMessage(message);
    };
    socket.onclose = (event) => this.#lost(event.code);
    this.#timer = setInterval(() => this.#ping(), pingEveryMs);
  }

  /**
   * Opens a socket and waits for its welcome.
   * @throws {ClientError} `OT_AUTHENTICATION_ERROR` when the token is refused, `OT_CONNECT_FAILED`
   * when the platform cannot be reached in 10 s.
   */
  static open(url: URL): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url);
      const fail = (name: "OT_AUTHENTICATION_ERROR" | "OT_CONNECT_FAILED", message: string) => {
        clearTimeout(timer);
        socket.onmessage = socket.onclose = null;
        socket.close();
        reject(new ClientError(name, `Connect to the session: ${message}`));
      };
      const timer = setTimeout(
        () => fail("OT_CONNECT_FAILED", `no answer in ${openTimeoutMs / 1000} s`),
        openTimeoutMs,
      );
      socket.onclose = (event) =>
        refusals.has(event.code)
          ? fail("OT_AUTHENTICATION_ERROR", event.reason || "the token was refused")
          : fail("OT_CONNECT_FAILED", event.reason || "the platform cannot be reached");
      socket.onmessage = (event) => {
        const message = parse(event.data);
        if (message?.type === "welcome") {
          clearTimeout(timer);
          resolve(new Wire(socket, message));
        } else if (message?.type === "error") fail("OT_AUTHENTICATION_ERROR", message.message);
      };
    });
  }

  /** Sends a message; false when the socket is not open any more. */
  send(message: ClientMessage): boolean {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** Closes the socket for good: the others see a client that left. */
  close(): void {
    this.#shut(1000);
  }

  #ping(): void {
    const nowMs = performance.now();
    if (nowMs - this.#pingedAtMs > silenceMs) this.#lost(lostCode);
    else if (this.send({ type: "ping" })) this.#pingedAtMs = Math.min(this.#pingedAtMs, nowMs);
  }

  #lost(code: number): void {
    if (this.#closed) return;
    this.#shut(lostCode);
    this.onClose(code);
  }

  #shut(code: number): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.socket.close(code);
  }
}

/** A message of the platform, or null for one this client does not know (and must not break on). */
function parse(data: unknown): ServerMessage | null {
  if (typeof data !== "string") return null;
  try {
    const parsed = serverMessageSchema.safeParse(JSON.parse(data));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
