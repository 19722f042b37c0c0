/** Passes requests for the platform on to the process that is the platform. */
import { proxy } from "hono/proxy";
import type { EmulatorRecords } from "../../store/mod.ts";
import { LIMITS } from "./limits.ts";

/** Names the origin of the process through which a request came. */
export const RELAY_HEADER = "x-emulator-relay";
/** The same for sockets, which cannot be given headers. */
const RELAY_PARAMETER = "relay";
/** Longest wait for an answer to begin, ms: a start may take that long. */
const ANSWER_MS = 30_000;
/** Close code after which clients and recorders reconnect. */
const RESTARTING = 1012;

/** The way to the platform in another process of this machine; `origin` is this process's own. */
export class Relay {
  readonly #sockets = new Set<WebSocket>();

  constructor(private readonly options: { records: EmulatorRecords; origin: () => string }) {}

  /** Has the platform answer. 503 while there is none: another process is about to take over. */
  async fetch(request: Request): Promise<Response> {
    const url = await this.#platformUrl(request);
    if (request.headers.get("upgrade")?.toLowerCase() === "websocket") {
      return this.#relaySocket(request, url);
    }
    if (url === null) return unavailable();
    const headers = new Headers(request.headers);
    headers.delete("host");
    headers.set(RELAY_HEADER, this.options.origin());
    const { method, body } = request;
    const signal = AbortSignal.timeout(ANSWER_MS);
    return await proxy(url, { method, headers, body, signal }).catch(unavailable);
  }

  /** Ends every socket that is relayed: their clients reconnect. */
  close(): void {
    for (const socket of this.#sockets) end(socket, RESTARTING);
  }

  /** The same address at the platform's process, or null if that is unknown, or would be this one. */
  async #platformUrl(request: Request): Promise<URL | null> {
    const host = await this.options.records.host();
    const { pathname, search, searchParams } = new URL(request.url);
    // Another process took this one for the platform: its information is old.
    const relayed = request.headers.has(RELAY_HEADER) || searchParams.has(RELAY_PARAMETER);
    if (host === null || host === this.options.origin() || relayed) return null;
    return new URL(pathname + search, host);
  }

  #relaySocket(request: Request, url: URL | null): Response {
    const { socket: client, response } = Deno.upgradeWebSocket(request, { idleTimeout: 20 });
    if (url === null) {
      client.onopen = () => client.close(RESTARTING);
      return response;
    }
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set(RELAY_PARAMETER, "yes");
    const platform = new WebSocket(url);
    this.#sockets.add(client).add(platform);
    pipe(client, platform);
    pipe(platform, client);
    for (const socket of [client, platform]) {
      socket.addEventListener("close", () => this.#sockets.delete(socket));
    }
    return response;
  }
}

/** Passes messages and the close on, in order; either side may speak before the other is open. */
function pipe(from: WebSocket, to: WebSocket): void {
  let passing = new Promise<void>((resolve) => {
    for (const event of ["open", "close"]) to.addEventListener(event, () => resolve());
  });
  from.binaryType = "arraybuffer";
  from.onmessage = ({ data }) => {
    passing = passing.then(() => {
      if (to.bufferedAmount > LIMITS.sendQueueBytes) end(to, RESTARTING);
      else if (to.readyState === WebSocket.OPEN) to.send(data);
    });
  };
  from.onclose = ({ code, wasClean }) => {
    // 1005 says that no code came, and must not be sent.
    const passed = !wasClean ? RESTARTING : code === 1005 || code === 1001 ? 1000 : code;
    passing = passing.then(() => end(to, passed));
  };
  from.onerror = () => {}; // `close` follows
}

function end(socket: WebSocket, code: number): void {
  if (socket.readyState < WebSocket.CLOSING) socket.close(code);
}

/** The answer while no process is the platform. */
export function unavailable(): Response {
  const message = "The emulator is moving to another process: try again in a moment";
  return Response.json({ code: 503, message }, { status: 503, headers: { "retry-after": "1" } });
}
