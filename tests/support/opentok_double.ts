/**
 * "An OpenTok" for tests: a double of the platform that speaks its REST interface and its browsers'
 * protocol, and spoils any call on request. It is no part of this project: `OPENTOK_DOUBLE` names its
 * program (`tests/run.ts` sets it where the double lies beside the checkout). Without it, tests that
 * need an OpenTok are reported as ignored:
 *
 * @example
 * ```ts
 * Deno.test({ name: "…", ignore: !OPENTOK_DOUBLE, fn: async () => {
 *   await using double = await OpenTokDouble.start();
 *   await double.fault({ endpoint: "archive.start", mode: "drop", after: true });
 * } });
 * ```
 */
import assert from "node:assert/strict";

/** Path of the double's program; undefined where there is none. */
export const OPENTOK_DOUBLE = Deno.env.get("OPENTOK_DOUBLE") || undefined;

/** What is done to calls of an endpoint; see the double's README. */
export interface Fault {
  endpoint: string;
  mode?: "latency" | "status" | "drop" | "truncate" | "hang";
  ms?: number;
  status?: number;
  body?: unknown;
  /** How many calls it hits. */
  times?: number;
  /** The call takes effect, then its answer is spoiled. */
  after?: boolean;
}

/** A call or event that the double noted. */
export interface JournalEntry {
  t: number;
  endpoint?: string;
  event?: string;
  status?: number | string;
  [more: string]: unknown;
}

/** What the double holds. */
export interface DoubleState {
  sessions: {
    id: string;
    connections: { id: string }[];
    streams: { id: string; name: string }[];
  }[];
  archives: { id: string; sessionId: string; name: string; status: string; url: string | null }[];
}

const START_DEADLINE_MS = 20_000;

/** A running double. */
export class OpenTokDouble implements AsyncDisposable {
  readonly apiKey = "12345678";
  readonly apiSecret = "double_secret";
  readonly #clients: DoubleClient[] = [];

  private constructor(
    private readonly child: Deno.ChildProcess,
    /** Address of its REST interface, files and control. */
    readonly httpOrigin: string,
    /** Flags with which Chromium takes it for the platform. */
    readonly chromiumFlags: readonly string[],
  ) {}

  /** Starts one on free ports; it ends with the test. */
  static async start(): Promise<OpenTokDouble> {
    assert.ok(OPENTOK_DOUBLE, "OPENTOK_DOUBLE does not name the double's program");
    const [tlsPort, httpPort] = freePorts(2);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-config", OPENTOK_DOUBLE],
        ...["--port", String(tlsPort), "--http-port", String(httpPort)],
      ],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const late = setTimeout(() => child.kill(), START_DEADLINE_MS);
    const { http, chromium } = JSON.parse(await firstLine(child.stdout));
    clearTimeout(late);
    const double = new OpenTokDouble(child, http, [
      ...chromium,
      "--allow-loopback-in-peer-connection",
      "--disable-features=WebRtcHideLocalIpsWithMdns",
    ]);
    // Clients made for tests do not ping.
    await double.configure({ idleMs: 3_600_000 });
    return double;
  }

  /** Credentials and address as `readConfig` takes them. */
  get env(): Record<string, string> {
    return {
      API_KEY: this.apiKey,
      API_SECRET: this.apiSecret,
      OPENTOK_API_URL: this.httpOrigin,
    };
  }

  /** Plants faults; they stay until they have hit as often as they say. */
  async fault(...faults: Fault[]): Promise<void> {
    await this.#control("POST", "fault", faults);
  }

  /** Takes all faults away. */
  async heal(): Promise<void> {
    await this.#control("DELETE", "faults");
  }

  /** Sets tunables; see the double's README. */
  async configure(tunables: Record<string, string | number | boolean>): Promise<void> {
    await this.#control("POST", "config", tunables);
  }

  /** Cuts the connections of everybody in a session; their clients may come back. */
  async dropClients(sessionId: string): Promise<void> {
    await this.#control("POST", "ws", { action: "drop", sessionId });
  }

  /** Forces an archive into a state. */
  async forceArchive(id: string, status: string, reason?: string): Promise<void> {
    await this.#control("POST", `archive/${id}`, { status, reason });
  }

  /** What it holds now. */
  async state(): Promise<DoubleState> {
    return await this.#control("GET", "state");
  }

  /** Calls and events so far. */
  async journal(): Promise<JournalEntry[]> {
    return await this.#control("GET", "journal");
  }

  /** Forgets everything, faults included. */
  async reset(): Promise<void> {
    await this.#control("POST", "reset");
    await this.configure({ idleMs: 3_600_000 });
  }

  /** Somebody enters a session and publishes. The SDK made `token`. */
  async join(sessionId: string, token: string, name = "Ada"): Promise<DoubleClient> {
    const client = await DoubleClient.connect(this.httpOrigin, this.apiKey, sessionId, token);
    this.#clients.push(client);
    await client.publish(name);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.leave()));
    this.child.kill();
    await this.child.status;
  }

  // deno-lint-ignore no-explicit-any -- tests look into answers that they then assert on
  async #control(method: string, path: string, body?: unknown): Promise<any> {
    const answer = await fetch(`${this.httpOrigin}/_double/${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `The double refused ${method} ${path}: ${text}`);
    return text ? JSON.parse(text) : null;
  }
}

/** Kinds of envelopes on a client's socket. */
const MESSAGE = 2;
const STATUS = 9;

/** A client in a session, as far as the server side can see one: connected, publishing. */
export class DoubleClient {
  readonly #waiting = new Map<string, (status: string) => void>();
  readonly #closed: Promise<void>;
  readonly #signals: string[] = [];
  #heard = Promise.withResolvers<void>();

  private constructor(private readonly socket: WebSocket, private readonly uri: string) {
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#take(new Uint8Array(data));
    this.#closed = new Promise((resolve) => socket.onclose = () => resolve());
  }

  static async connect(origin: string, apiKey: string, sessionId: string, token: string) {
    const url = `${origin.replace("http", "ws")}/rumorwebsocketsv2?socketId=${crypto.randomUUID()}`;
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error(`Cannot connect to ${url}`));
    });
    const client = new DoubleClient(socket, `/v2/partner/${apiKey}/session/${sessionId}`);
    await client.#ask(`/connection/${crypto.randomUUID()}`, {}, { "X-TB-TOKEN-AUTH": token });
    return client;
  }

  async publish(name: string): Promise<void> {
    await this.#ask(`/stream/${crypto.randomUUID()}`, { name, channel: [] });
  }

  /** Resolves when the session was signalled with this type, now or before. */
  async signalled(type: string): Promise<void> {
    while (!this.#signals.includes(type)) await this.#heard.promise;
  }

  async leave(): Promise<void> {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.close(1000);
    await this.#closed;
  }

  async #ask(path: string, content: unknown, headers: Record<string, string> = {}): Promise<void> {
    const id = crypto.randomUUID();
    const status = new Promise<string>((resolve) => this.#waiting.set(id, resolve));
    const message = JSON.stringify({ method: "create", uri: this.uri + path, content });
    this.socket.send(envelope({ ...headers, "TRANSACTION-ID": id }, message));
    assert.equal(await status, "200", `The double refused ${path}`);
  }

  #take(bytes: Uint8Array): void {
    const { type, headers, data } = opened(bytes);
    if (type === STATUS) this.#waiting.get(headers["TRANSACTION-ID"] ?? "")?.(headers.STATUS ?? "");
    if (type !== MESSAGE) return;
    const message = JSON.parse(data);
    if (message.method !== "signal") return;
    this.#signals.push(message.content.type);
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }
}

/** A message in the clients' binary framing: length, kind, addresses, headers, data. */
function envelope(headers: Record<string, string>, data: string): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const entries = Object.entries(headers);
  const bytes = [0, 0, 0, 0, 0, 0, MESSAGE, 0, entries.length];
  for (const text of entries.flat()) {
    const encoded = encoder.encode(text);
    bytes.push(encoded.length >> 8, encoded.length & 255, ...encoded);
  }
  const whole = new Uint8Array([...bytes, ...encoder.encode(data)]);
  new DataView(whole.buffer).setUint32(0, whole.length - 4);
  return whole;
}

function opened(bytes: Uint8Array) {
  const decoder = new TextDecoder();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let at = 8;
  const text = () => {
    const length = view.getUint16(at);
    at += 2 + length;
    return decoder.decode(bytes.subarray(at - length, at));
  };
  for (let addresses = view.getUint8(7); addresses > 0; addresses--) text();
  const headers: Record<string, string> = {};
  for (let left = view.getUint8(at++); left > 0; left--) headers[text()] = text();
  return { type: view.getUint8(6), headers, data: decoder.decode(bytes.subarray(at)) };
}

/** The first line of what a process prints; the rest is thrown away. */
async function firstLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let text = "";
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    assert.ok(!done, "The OpenTok double did not start");
    text += value;
  }
  await reader.cancel();
  return text.slice(0, text.indexOf("\n"));
}

/** Ports that nothing listens on; they are held at the same time, so they differ. */
function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ port: 0, hostname: "127.0.0.1" }),
  );
  return listeners.map((listener) => {
    listener.close();
    return listener.addr.port;
  });
}
