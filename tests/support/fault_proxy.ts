/**
 * A TCP proxy in front of a server under test that breaks calls on request: HTTP calls, WebSocket
 * handshakes, and single requests on a signalling socket of the emulator. Everything else passes
 * unchanged, the `Host` header included.
 *
 * @example
 * ```ts
 * await using proxy = await FaultProxy.start(() => server.origin);
 * proxy.fault({ match: /^POST .*\/archive$/, mode: "drop", after: true });
 * ```
 */
import { decodeFrame, encodeFrame, type Frame, KIND } from "../../lib/emulator/server/frames.ts";

/** How calls are broken. */
export interface Fault {
  /**
   * Tested against the name of a call, without its query: "POST /emulator/api.opentok.com/v2/…" for
   * HTTP, "SOCKET /emulator/messaging.emulator/socket" for handshakes, and "create stream", "create
   * stream/subscriber", "signal signal", … (method and kind of resource) on a signalling socket.
   */
  match: RegExp;
  /** drop: the connection is cut; truncate: cut inside the answer; hang: the call is not answered. */
  mode: "latency" | "status" | "drop" | "truncate" | "hang";
  /** Delay of a call in mode latency. */
  ms?: number;
  /** Status and body of the answer in mode status; the body is sent as JSON unless it is a string. */
  status?: number;
  body?: unknown;
  /** How many calls it breaks; by default 1, in mode latency all. */
  times?: number;
  /** The call takes effect first; then its answer is broken. */
  after?: boolean;
}

/** A call that arrived, with the status of its answer, or the fault instead. */
export interface JournalEntry {
  call: string;
  status?: number | string;
}

type PlannedFault = Fault & { left: number };

/** The proxy. */
export class FaultProxy implements AsyncDisposable {
  readonly journal: JournalEntry[] = [];
  readonly origin: string;
  #faults: PlannedFault[] = [];
  readonly #clients = new Set<Deno.Conn>();
  readonly #hung = new Set<Deno.Conn>();
  readonly #tunnels = new Set<Tunnel>();
  readonly #serving = new Set<Promise<void>>();

  private constructor(
    private readonly listener: Deno.TcpListener,
    private readonly target: () => string,
  ) {
    this.origin = `http://127.0.0.1:${listener.addr.port}`;
    void this.#accept();
  }

  /** Starts a proxy on a free port; `target` returns the origin of the server, which may change. */
  static start(target: () => string): Promise<FaultProxy> {
    const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    return Promise.resolve(new FaultProxy(listener, target));
  }

  /** Adds faults. A call gets the delays of all that match, and the first other one. */
  fault(...faults: Fault[]): void {
    const left = (fault: Fault) => fault.times ?? (fault.mode === "latency" ? Infinity : 1);
    this.#faults.push(...faults.map((fault) => ({ ...fault, left: left(fault) })));
  }

  /** Removes all faults and cuts the connections of calls that hang. */
  heal(): void {
    this.#faults = [];
    for (const connection of this.#hung) close(connection);
    this.#hung.clear();
  }

  /**
   * Cuts open WebSockets, or lets nothing pass on them ("blackhole": both ends stay open, data waits)
   * until "restore". Later sockets are not affected: use {@link fault} for them.
   */
  sockets(action: "drop" | "blackhole" | "restore", match = /./): void {
    for (const tunnel of this.#tunnels) {
      if (!match.test(tunnel.path)) continue;
      if (action === "drop") tunnel.close();
      else if (action === "blackhole") tunnel.block();
      else tunnel.unblock();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.listener.close();
    this.heal();
    for (const tunnel of this.#tunnels) tunnel.close();
    for (const client of this.#clients) close(client);
    await Promise.all(this.#serving);
  }

  async #accept(): Promise<void> {
    for await (const client of this.listener) {
      this.#clients.add(client);
      const serving: Promise<void> = this.#serve(client)
        // Either end may close its connection at any time.
        .catch(() => {})
        .finally(() => {
          close(client);
          this.#clients.delete(client);
          this.#serving.delete(serving);
        });
      this.#serving.add(serving);
    }
  }

  /** Serves the requests of a connection one after the other. */
  async #serve(client: Deno.Conn): Promise<void> {
    const reader = new Reader(client);
    for (;;) {
      const request = await readHead(reader);
      if (!request) return;
      const body = await readBody(reader, request, false);
      const isSocket = request.header("upgrade")?.toLowerCase() === "websocket";
      const [method = "", target = ""] = request.startLine.split(" ");
      const path = target.split("?")[0] ?? "";
      const entry: JournalEntry = { call: `${isSocket ? "SOCKET" : method} ${path}` };
      this.journal.push(entry);
      const { fault, delayMs } = this.#take(entry.call);
      await wait(delayMs);
      if (fault && !fault.after) {
        entry.status = fault.mode;
        if (!await this.#break(client, reader, fault, null)) return;
        entry.status = fault.status ?? 500;
        continue;
      }
      using upstream = await this.#connect();
      const upstreamReader = new Reader(upstream);
      request.remove("sec-websocket-extensions");
      if (!isSocket) request.set("connection", "close");
      await write(upstream, concat(request.encode(), body));
      const response = await readHead(upstreamReader);
      if (!response) return;
      entry.status = Number(response.startLine.split(" ")[1]);
      if (entry.status === 101) {
        if (fault) {
          entry.status = `${fault.mode} after`;
          await this.#break(client, reader, { ...fault, mode: "drop" }, null);
          return;
        }
        await write(client, response.encode());
        const tunnel = new Tunnel(path, [client, reader], [upstream, upstreamReader], (call) => {
          const entry: JournalEntry = { call };
          this.journal.push(entry);
          return { entry, ...this.#take(call) };
        });
        this.#tunnels.add(tunnel);
        await tunnel.closed;
        this.#tunnels.delete(tunnel);
        return;
      }
      const isWithoutBody = method === "HEAD" || [204, 304].includes(entry.status);
      if (fault) {
        const answered = isWithoutBody
          ? new Uint8Array()
          : await readBody(upstreamReader, response, true);
        entry.status = `${fault.mode} after`;
        if (!await this.#break(client, reader, fault, { response, body: answered })) return;
        continue;
      }
      if (!await this.#pass(client, reader, response, upstreamReader, isWithoutBody)) return;
    }
  }

  /** Passes an answer on; returns whether the client's connection can be used for another call. */
  async #pass(
    client: Deno.Conn,
    reader: Reader,
    response: Head,
    upstream: Reader,
    isWithoutBody: boolean,
  ): Promise<boolean> {
    const length = response.header("content-length");
    const isFramed = isWithoutBody || length !== undefined ||
      response.header("transfer-encoding") !== undefined;
    response.set("connection", isFramed ? "keep-alive" : "close");
    await write(client, response.encode());
    if (isWithoutBody) return true;
    // A client that leaves during an endless answer ends the call at the server, too.
    void reader.fill().then((more) => more || close(upstream.connection));
    for (let left = length === undefined ? Infinity : Number(length); left > 0;) {
      const chunk = await upstream.chunk();
      if (!chunk) return isFramed && length === undefined;
      left -= chunk.length;
      await write(client, chunk);
    }
    return isFramed;
  }

  /** Applies a fault to a call; returns whether the connection can be used for another one. */
  async #break(
    client: Deno.Conn,
    reader: Reader,
    fault: Fault,
    answer: { response: Head; body: Uint8Array<ArrayBuffer> } | null,
  ): Promise<boolean> {
    switch (fault.mode) {
      case "status": {
        const { status = 500, body = { code: status, message: "A test broke this call" } } = fault;
        const isText = typeof body === "string";
        const bytes = new TextEncoder().encode(isText ? body : JSON.stringify(body));
        const head = new Head(`HTTP/1.1 ${status} Fault`, [
          ["content-type", isText ? "text/html" : "application/json"],
          ["content-length", String(bytes.length)],
        ]);
        await write(client, concat(head.encode(), bytes));
        return true;
      }
      case "truncate": {
        const { response, body } = answer ?? {
          response: new Head("HTTP/1.1 200 OK", [["content-length", "100"]]),
          body: latin1('{"id":"something'),
        };
        const whole = concat(response.encode(), body);
        // Inside the body, if there is one.
        const length = body.length > 1 ? whole.length - body.length / 2 : whole.length / 2;
        await write(client, whole.subarray(0, length));
        return false;
      }
      case "hang":
        this.#hung.add(client);
        while (await reader.fill());
        return false;
      default:
        return false;
    }
  }

  #take(call: string): { fault: PlannedFault | undefined; delayMs: number } {
    const matching = this.#faults.filter(({ match, left }) => left > 0 && match.test(call));
    const fault = matching.find(({ mode }) => mode !== "latency");
    const delays = matching.filter(({ mode }) => mode === "latency");
    for (const each of fault ? [fault, ...delays] : delays) each.left--;
    return { fault, delayMs: delays.reduce((sum, { ms = 0 }) => sum + ms, 0) };
  }

  #connect(): Promise<Deno.Conn> {
    const { hostname, port } = new URL(this.target());
    return Deno.connect({ hostname, port: Number(port) });
  }
}

type End = readonly [connection: Deno.Conn, reader: Reader];
type Planned = { entry: JournalEntry; fault: Fault | undefined; delayMs: number };

/** An open WebSocket: messages pass in both directions, requests of clients may be broken. */
class Tunnel {
  readonly closed: Promise<void>;
  #blocked: PromiseWithResolvers<void> | null = null;
  /** Requests that passed and whose answer is not passed yet, by transaction id. */
  readonly #open = new Map<string, Planned>();

  constructor(
    readonly path: string,
    private readonly client: End,
    private readonly server: End,
    private readonly plan: (call: string) => Planned,
  ) {
    this.closed = Promise.all([
      this.#pump(client, server, (frame) => this.#request(frame)),
      this.#pump(server, client, (frame) => this.#answer(frame)),
    ]).then(() => {});
  }

  close(): void {
    this.unblock();
    close(this.client[0]);
    close(this.server[0]);
  }

  block(): void {
    this.#blocked ??= Promise.withResolvers();
  }

  unblock(): void {
    this.#blocked?.resolve();
    this.#blocked = null;
  }

  /** Passes messages in order. `inspect` returns the bytes to pass instead, or null for none. */
  async #pump(
    [, from]: End,
    [to]: End,
    inspect: (frame: Frame) => Verdict,
  ): Promise<void> {
    let passing = Promise.resolve();
    for (;;) {
      const message = await readMessage(from).catch(() => null);
      const frame = message?.isBinary ? decodeFrame(message.payload.buffer) : null;
      const verdict: Verdict = frame ? inspect(frame) : {};
      const dueMs = performance.now() + (verdict.delayMs ?? 0);
      passing = passing.then(async () => {
        await wait(dueMs - performance.now());
        while (this.#blocked) await this.#blocked.promise;
        if (verdict.bytes) await write(to, verdict.bytes);
        if (!message || verdict.cut) return this.close();
        if (verdict.reply) await write(this.client[0], verdict.reply);
        else if (!verdict.bytes && !verdict.swallow) await write(to, message.bytes);
      }).catch(() => this.close());
      if (!message) return await passing;
    }
  }

  #request(frame: Frame): Verdict {
    const id = frame.headers.get("TRANSACTION-ID");
    if (frame.kind !== KIND.message || id === undefined) return {};
    const planned = this.plan(callName(frame.body));
    const { entry, fault, delayMs } = planned;
    if (!fault || fault.after) {
      this.#open.set(id, planned);
      return { delayMs };
    }
    entry.status = fault.status ?? fault.mode;
    if (fault.mode === "status") return { delayMs, reply: statusMessage(frame, fault) };
    return { delayMs, cut: fault.mode !== "hang", swallow: true };
  }

  #answer(frame: Frame): Verdict {
    const planned = this.#open.get(frame.headers.get("TRANSACTION-ID") ?? "");
    if (frame.kind !== KIND.status || !planned) return {};
    const { entry, fault } = planned;
    this.#open.delete(frame.headers.get("TRANSACTION-ID") ?? "");
    entry.status = fault ? `${fault.mode} after` : Number(frame.headers.get("STATUS"));
    switch (fault?.mode) {
      case "status":
        return { bytes: statusMessage(frame, fault) };
      case "truncate":
        return {
          bytes: statusMessage(frame, { ...fault, status: 200 }).subarray(0, 20),
          cut: true,
        };
      case "drop":
        return { cut: true };
      case "hang":
        return { swallow: true };
    }
    return {};
  }
}

/** What happens to a message: it passes after `delayMs`, unless something else is said. */
interface Verdict {
  delayMs?: number;
  /** Passed in its place. */
  bytes?: Uint8Array<ArrayBuffer>;
  /** Sent to the client; the message does not pass. */
  reply?: Uint8Array<ArrayBuffer>;
  swallow?: boolean;
  cut?: boolean;
}

/** "create stream/subscriber" for `{method: "create", uri: "/v2/partner/K/session/S/stream/X/subscriber/Y"}`. */
function callName(body: string): string {
  try {
    const { method, uri } = JSON.parse(body);
    const kinds = String(uri).split("/").slice(2).filter((_, i) => i % 2 === 0).slice(2);
    return `${method} ${kinds.join("/")}`;
  } catch {
    return "unreadable";
  }
}

/** A WebSocket message from the server that answers the request in `frame` with the fault's status. */
function statusMessage(frame: Frame, { status = 500, body }: Fault): Uint8Array<ArrayBuffer> {
  const payload = encodeFrame(KIND.status, {
    address: frame.headers.get("X-TB-FROM-ADDRESS") ?? "",
    headers: {
      "TRANSACTION-ID": frame.headers.get("TRANSACTION-ID") ?? "",
      STATUS: String(status),
    },
    body: body === undefined ? "" : JSON.stringify(body),
  });
  const { length } = payload;
  const sizes = length < 126 ? [length] : [126, length >> 8, length & 255];
  return concat(Uint8Array.of(0x82, ...sizes), payload);
}

/** The first line and the headers of a request or an answer. */
class Head {
  constructor(readonly startLine: string, private headers: [name: string, value: string][]) {}

  header(name: string): string | undefined {
    return this.headers.find(([each]) => each.toLowerCase() === name)?.[1];
  }

  set(name: string, value: string): void {
    this.remove(name);
    this.headers.push([name, value]);
  }

  remove(name: string): void {
    this.headers = this.headers.filter(([each]) => each.toLowerCase() !== name);
  }

  encode(): Uint8Array<ArrayBuffer> {
    const lines = [this.startLine, ...this.headers.map(([name, value]) => `${name}: ${value}`)];
    return latin1(`${lines.join("\r\n")}\r\n\r\n`);
  }
}

async function readHead(reader: Reader): Promise<Head | null> {
  const bytes = await reader.until("\r\n\r\n");
  if (!bytes) return null;
  const [startLine = "", ...lines] = new TextDecoder("latin1").decode(bytes).trimEnd().split(
    "\r\n",
  );
  return new Head(
    startLine,
    lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
}

/** The body as it is on the wire; without a length, an answer ends with its connection. */
async function readBody(
  reader: Reader,
  head: Head,
  isAnswer: boolean,
): Promise<Uint8Array<ArrayBuffer>> {
  const length = head.header("content-length");
  if (length !== undefined) return await reader.exactly(Number(length));
  const isChunked = head.header("transfer-encoding") !== undefined;
  const parts: Uint8Array<ArrayBuffer>[] = [];
  if (isChunked && !isAnswer) {
    for (let size = -1; size !== 0;) {
      const line = await reader.until("\r\n");
      if (!line) break;
      size = parseInt(new TextDecoder().decode(line), 16);
      parts.push(line, await reader.exactly(size + 2));
    }
  } else if (isAnswer) {
    for (let chunk; (chunk = await reader.chunk());) parts.push(chunk);
  }
  return concat(...parts);
}

/** A whole WebSocket message, or a control frame; `bytes` are as on the wire. */
async function readMessage(
  reader: Reader,
): Promise<
  { bytes: Uint8Array<ArrayBuffer>; payload: Uint8Array<ArrayBuffer>; isBinary: boolean }
> {
  const frames: Uint8Array<ArrayBuffer>[] = [];
  const payloads: Uint8Array<ArrayBuffer>[] = [];
  for (;;) {
    const head = await reader.exactly(2);
    const [first = 0, second = 0] = head;
    const short = second & 127;
    const extended = await reader.exactly(short === 127 ? 8 : short === 126 ? 2 : 0);
    const length = extended.length === 0 ? short : parseInt(extended.toHex(), 16);
    const mask = await reader.exactly(second & 128 ? 4 : 0);
    const data = await reader.exactly(length);
    frames.push(head, extended, mask, data);
    payloads.push(mask.length === 0 ? data : data.map((byte, i) => byte ^ (mask[i % 4] ?? 0)));
    const isControl = (first & 8) !== 0;
    if (!isControl && (first & 128) === 0) continue;
    // A control frame inside a fragmented message passes with it.
    if (isControl && frames.length > 4) continue;
    return {
      bytes: concat(...frames),
      payload: concat(...payloads),
      isBinary: !isControl && ((frames[0]?.[0] ?? 0) & 15) === 2,
    };
  }
}

/** Reads from a connection into a buffer. */
class Reader {
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array();
  #filling: Promise<boolean> | null = null;

  constructor(readonly connection: Deno.Conn) {}

  /** Reads more; false at the end. */
  fill(): Promise<boolean> {
    return this.#filling ??= this.#read().finally(() => this.#filling = null);
  }

  /** The bytes up to and with `mark`; null at the end. */
  async until(mark: string): Promise<Uint8Array<ArrayBuffer> | null> {
    for (;;) {
      const at = new TextDecoder("latin1").decode(this.#buffer).indexOf(mark);
      if (at >= 0) return this.#shift(at + mark.length);
      if (!await this.fill()) return null;
    }
  }

  async exactly(count: number): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#buffer.length < count) {
      if (!await this.fill()) throw new Error("The connection ended inside a message");
    }
    return this.#shift(count);
  }

  /** What comes next, however long; null at the end. */
  async chunk(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#buffer.length === 0 && !await this.fill()) return null;
    return this.#shift(this.#buffer.length);
  }

  async #read(): Promise<boolean> {
    const bytes = new Uint8Array(64 * 1024);
    const count = await this.connection.read(bytes).catch(() => null);
    if (count === null) return false;
    this.#buffer = concat(this.#buffer, bytes.subarray(0, count));
    return true;
  }

  #shift(count: number): Uint8Array<ArrayBuffer> {
    const taken = this.#buffer.slice(0, count);
    this.#buffer = this.#buffer.slice(count);
    return taken;
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}

async function write(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

function wait(ms: number): Promise<void> {
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve();
}

function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
