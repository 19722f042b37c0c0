/** The WebSocket to the server: reconnects until it is closed or refused. */
import { type FromRecorder, type ToRecorder, toRecorderSchema } from "../protocol.ts";

const RECONNECT_MS = 300;
/** Close code of a server that refuses this recorder (RFC 6455, 7.4.1). */
const POLICY_VIOLATION = 1008;

/** What becomes of a connection. */
export interface ConnectionEvents {
  /** Connected, or connected again. */
  onOpen(): void;
  onMessage(message: ToRecorder): void;
  /** Closed for good: by {@link Connection.close} or by the server. */
  onClosed(): void;
}

/** The connection of this worker to the server. */
export class Connection {
  readonly #url: URL;
  #socket: WebSocket | null = null;
  #isClosed = false;

  constructor(token: string, private readonly events: ConnectionEvents) {
    const query = new URLSearchParams({ token, recorder: crypto.randomUUID() });
    this.#url = new URL(`/emulator/recorder?${query}`, globalThis.location.origin);
    this.#connect();
  }

  /** Sends a message; it is lost while there is no connection. */
  send(message: FromRecorder): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Sends what is left, then closes. */
  close(): void {
    this.#isClosed = true;
    if (this.#socket === null) this.events.onClosed();
    else this.#socket.close();
  }

  #connect(): void {
    if (this.#isClosed) return;
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => this.events.onOpen();
    socket.onmessage = ({ data }) =>
      this.events.onMessage(toRecorderSchema.parse(JSON.parse(String(data))));
    socket.onclose = ({ code }) => {
      this.#socket = null;
      this.#isClosed ||= code === POLICY_VIOLATION;
      if (this.#isClosed) this.events.onClosed();
      else setTimeout(() => this.#connect(), RECONNECT_MS);
    };
  }
}
