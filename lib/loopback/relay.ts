/** Passes on what a process is asked as the platform while another process is it. */
import type { LoopbackRecords } from "../store/mod.ts";
import { LIMITS } from "./limits.ts";
import { CLOSE } from "./socket.ts";

/** Says through which process a request came, as its origin. */
export const RELAY_HEADER = "x-loopback-relay";

/** Longest wait for an answer to begin, ms: a start may take that long. */
const ANSWER_MS = 30_000;

/** What a relay needs. */
export interface RelayDeps {
  records: LoopbackRecords;
  /** This process's own. */
  origin: () => string;
  idleSeconds: number;
}

/** The way to the platform in another process of this machine. */
export class Relay {
  private readonly sockets = new Set<{ close(): void }>();

  constructor(private readonly deps: RelayDeps) {}

  /** Has the platform answer. 503 while there is none: the next one is about to take its place. */
  async fetch(request: Request): Promise<Response> {
    const isSocket = request.headers.get("upgrade")?.toLowerCase() === "websocket";
    const url = await this.address(request);
    if (isSocket) return this.relaySocket(request, url);
    if (url === null) return unavailable();
    const headers = new Headers(request.headers);
    headers.delete("host");
    headers.set("accept-encoding", "identity");
    headers.set(RELAY_HEADER, this.deps.origin());
    const { method, body } = request;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), ANSWER_MS);
    try {
      const { status, headers: answered, body: answer } = await fetch(url, {
        ...{ method, headers, body, redirect: "manual", signal: limit.signal },
      });
      return new Response(answer, { status, headers: answered });
    } catch {
      return unavailable();
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends every socket that is relayed: this process goes, its clients come back. */
  close(): void {
    for (const socket of [...this.sockets]) socket.close();
  }

  /** The same address at the platform's process, or null if that is unknown, or would be this one. */
  private async address(request: Request): Promise<URL | null> {
    const host = await this.deps.records.host();
    const { pathname, search, searchParams } = new URL(request.url);
    // Another process took this one for the platform: its news are old.
    const relayed = request.headers.has(RELAY_HEADER) || searchParams.has("origin");
    if (host === null || host === this.deps.origin() || relayed) return null;
    return new URL(pathname + search, host);
  }

  private relaySocket(request: Request, url: URL | null): Response {
    const origin = request.headers.get("origin") ?? new URL(request.url).origin;
    const { socket: client, response } = Deno.upgradeWebSocket(request, {
      idleTimeout: this.deps.idleSeconds,
    });
    const opened = Promise.withResolvers<void>();
    client.onopen = () => opened.resolve();
    if (url === null) {
      void opened.promise.then(() => client.close(CLOSE.restarting, "The platform restarts"));
      return response;
    }
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("origin", origin);
    const platform = new WebSocket(url);
    const pair = {
      close() {
        end(client, CLOSE.restarting, "The server restarts");
        end(platform, CLOSE.lost, "The relay restarts");
      },
    };
    this.sockets.add(pair);
    // The platform speaks first, perhaps before the client's handshake is over.
    let toClient = opened.promise;
    const tell = (act: () => void) => void (toClient = toClient.then(act));
    platform.onmessage = ({ data }) => tell(() => pass(client, data));
    platform.onclose = ({ code, reason, wasClean }) => {
      this.sockets.delete(pair);
      // 1005: the platform gave no code. Nobody may send that one.
      const told = code === 1005 ? 1000 : code;
      tell(() => end(client, wasClean ? told : CLOSE.restarting, reason));
    };
    client.onmessage = ({ data }) => pass(platform, data);
    client.onclose = ({ code, wasClean }) => {
      opened.resolve();
      if (code === CLOSE.lost) end(platform, CLOSE.lost, "");
      else end(platform, wasClean ? 1000 : CLOSE.gone, "");
    };
    client.onerror = platform.onerror = () => {};
    return response;
  }
}

function pass(to: WebSocket, data: string | ArrayBuffer): void {
  if (to.readyState !== WebSocket.OPEN) return;
  if (to.bufferedAmount > LIMITS.sendQueueBytes) {
    return end(to, CLOSE.gone, "Too slow in receiving");
  }
  to.send(data);
}

function end(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState < WebSocket.CLOSING) socket.close(code, reason);
}

/** The answer while no process is the platform. */
export function unavailable(): Response {
  const message = "The stand-in platform is changing hands: try again in a moment";
  return Response.json({ code: 503, message }, { status: 503, headers: { "retry-after": "1" } });
}
