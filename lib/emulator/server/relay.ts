/** Passes requests for the platform on to the process that is the platform. */
import { proxy } from "hono/proxy";
import type { EmulatorRecords } from "../../store/mod.ts";
import { sendTo, upgradeWebSocket } from "./sockets.ts";

/** Query parameter with the origin of the process through which a request came. */
export const RELAY_PARAMETER = "relay";
/** Longest wait for an answer to begin, ms: a start may take that long. */
const ANSWER_MS = 30_000;
/** Close code after which clients and recorders reconnect. */
const RESTARTING = 1012;

/** The way to the platform in another process of this machine. */
export class Relay {
  readonly #clients = new Set<WebSocket>();

  /** `origin` is this process's own. */
  constructor(private readonly records: EmulatorRecords, private readonly origin: () => string) {}

  /** Has the platform answer. 503 while there is none: another process is about to take over. */
  async fetch(request: Request): Promise<Response> {
    const { pathname, search, searchParams } = new URL(request.url);
    const host = await this.records.host();
    // Otherwise another process took this one for the platform: what it knows is old.
    const isElsewhere = host !== this.origin() && !searchParams.has(RELAY_PARAMETER);
    const url = host !== null && isElsewhere ? new URL(pathname + search, host) : null;
    url?.searchParams.set(RELAY_PARAMETER, this.origin());
    if (request.headers.get("upgrade")?.toLowerCase() === "websocket") {
      return this.#relaySocket(request, url);
    }
    if (url === null) return unavailable();
    const headers = new Headers(request.headers);
    headers.delete("host");
    // Unlike AbortSignal.timeout(), this does not cut a file that takes longer to be sent.
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ANSWER_MS);
    const { method, body } = request;
    const answer = proxy(url, { method, body, headers, signal: late.signal });
    return await answer.catch(unavailable).finally(() => clearTimeout(timer));
  }

  /** Ends every socket that is relayed: their clients reconnect. */
  close(): void {
    for (const client of this.#clients) client.close(RESTARTING);
  }

  #relaySocket(request: Request, url: URL | null): Response {
    const { socket: client, response } = upgradeWebSocket(request);
    if (url === null) {
      client.onopen = () => client.close(RESTARTING);
      return response;
    }
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const platform = new WebSocket(url);
    platform.binaryType = "arraybuffer";
    platform.onerror = () => {}; // `close` follows
    this.#clients.add(client);
    // For the platform the code makes no difference, and most must not be sent from this side.
    pipe(client, platform, () => platform.close());
    pipe(platform, client, ({ code, wasClean }) => {
      this.#clients.delete(client);
      // 1005 says that no code came, and must not be sent.
      client.close(!wasClean ? RESTARTING : code === 1005 || code === 1001 ? 1000 : code);
    });
    return response;
  }
}

/** Passes messages and the close on, in order; either side may speak before the other is open. */
function pipe(from: WebSocket, to: WebSocket, end: (event: CloseEvent) => void): void {
  let passing = new Promise<void>((resolve) => {
    for (const event of ["open", "close"]) to.addEventListener(event, () => resolve());
  });
  from.onmessage = ({ data }) => passing = passing.then(() => sendTo(to, data));
  from.onclose = (event) => passing = passing.then(() => end(event));
}

/** The answer while no process is the platform. */
export function unavailable(): Response {
  const message = "The emulator is moving to another process: try again in a moment";
  return Response.json({ code: 503, message }, { status: 503, headers: { "retry-after": "1" } });
}
