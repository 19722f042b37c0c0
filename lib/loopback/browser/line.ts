/** A session's line to the platform: one socket after the other, as long as there is a way back. */
import type { ClientMessage, ServerMessage } from "../protocol.ts";
import { ClientError } from "./errors.ts";
import { closeCodes, type Welcome, Wire } from "./wire.ts";

/** How long a lost socket is tried again, ms: media flows and recordings go on meanwhile. */
const reconnectForMs = 120_000;
/** First and longest wait between two attempts, ms. */
const reconnectAfterMs = 200;
const reconnectEveryMs = 1_000;

/** What a line tells its session. */
export interface LineEvents {
  receive(message: ServerMessage): void;
  /** The socket was lost; another one is tried. */
  interrupted(): void;
  /** There is a socket again. */
  restored(welcome: Welcome): void;
  /** The line is gone for good. */
  ended(reason: "forceDisconnected" | "networkDisconnected"): void;
}

/** One client's line to one session. */
export class Line {
  #state: "closed" | "opening" | "open" | "lost" = "closed";
  #wire: Wire | undefined;
  #token = "";
  /** Names the connection that this client had, to have it again. */
  #had: Welcome | undefined;
  /** Counts openings and closings: what began before the last one is out of date. */
  #era = 0;

  constructor(private readonly apiUrl: URL, private readonly events: LineEvents) {}

  /** True while nothing is connected or about to be. */
  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** True while there is a socket, or another one is tried. */
  get isUp(): boolean {
    return this.#state === "open" || this.#state === "lost";
  }

  /**
   * Opens the line.
   * @throws {ClientError} when it is refused, cannot be opened, or is closed meanwhile.
   */
  async open(token: string): Promise<Welcome> {
    this.#state = "opening";
    this.#token = token;
    this.#had = undefined;
    const era = ++this.#era;
    try {
      const wire = await Wire.open(this.#address());
      if (era !== this.#era) {
        wire.close();
        throw new ClientError("OT_CONNECT_FAILED", "Connect to the session: it was disconnected");
      }
      return this.#use(wire);
    } catch (error) {
      if (era === this.#era) this.#state = "closed";
      throw error;
    }
  }

  /** Sends a message; false while there is no socket. */
  send(message: ClientMessage): boolean {
    return this.#wire?.send(message) ?? false;
  }

  /** Closes the line, and answers the socket that it had: the last words are the caller's. */
  close(): Wire | undefined {
    const wire = this.#wire;
    this.#state = "closed";
    this.#wire = undefined;
    this.#era += 1;
    if (wire !== undefined) wire.onMessage = () => {};
    return wire;
  }

  #address(): URL {
    const url = new URL(`${this.apiUrl.pathname.replace(/\/$/, "")}/socket`, this.apiUrl);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("token", this.#token);
    if (this.#had !== undefined) {
      url.searchParams.set("connection", this.#had.connection.id);
      url.searchParams.set("ticket", this.#had.ticket);
    }
    return url;
  }

  #use(wire: Wire): Welcome {
    this.#wire = wire;
    this.#state = "open";
    this.#had = wire.welcome;
    wire.onMessage = (message) => this.events.receive(message);
    wire.onClose = (code) => void this.#lost(wire, code);
    return wire.welcome;
  }

  /** Finds a way back for a while, then gives up. */
  async #lost(wire: Wire, code: number): Promise<void> {
    if (wire !== this.#wire) return;
    const era = this.#era;
    this.#wire = undefined;
    if (code === closeCodes.forced) return this.#end("forceDisconnected");
    this.#state = "lost";
    this.events.interrupted();
    const deadlineMs = performance.now() + reconnectForMs;
    for (let waitMs = reconnectAfterMs; performance.now() < deadlineMs; waitMs *= 2) {
      await new Promise((done) => setTimeout(done, Math.min(waitMs, reconnectEveryMs)));
      if (era !== this.#era) return;
      try {
        const next = await Wire.open(this.#address());
        if (era !== this.#era) return next.close();
        return this.events.restored(this.#use(next));
      } catch (error) {
        if (error instanceof ClientError && error.name === "OT_AUTHENTICATION_ERROR") break;
      }
    }
    if (era === this.#era) this.#end("networkDisconnected");
  }

  #end(reason: "forceDisconnected" | "networkDisconnected"): void {
    this.close();
    this.events.ended(reason);
  }
}
