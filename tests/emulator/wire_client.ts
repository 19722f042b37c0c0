/** A client of a session as the server sees one: session information over HTTP, then a signalling socket. */
import assert from "node:assert/strict";
import { decodeJwt } from "jose";
import { decodeFrame, encodeFrame, type Frame, KIND } from "../../lib/emulator/server/frames.ts";

/** An event or a request: a method on a resource. */
export interface WireEvent {
  method: string;
  /** The resource's kind: "stream/channel" for ".../stream/X/channel/Y". */
  kind: string;
  uri: string;
  // deno-lint-ignore no-explicit-any -- tests look into it and then assert on it
  content: any;
  reason?: string;
  /** Id of the connection that caused it. */
  from: string;
  transactionId: string;
}

/** Answer to a request. */
export interface WireAnswer {
  status: number;
  // deno-lint-ignore no-explicit-any -- tests look into it and then assert on it
  body: any;
}

/** What a client publishes unless the test needs something else: a camera with a microphone. */
export const CAMERA = [
  { id: "video1", type: "video", active: true, width: 640, height: 480, source: "camera" },
  { id: "audio1", type: "audio", active: true },
];

const PING_MS = 2_000;

/** Requests session information; the entry that the emulator answers with. */
export async function sessionInfo(origin: string, sessionId: string, token: string) {
  const url = `${origin}/emulator/anvil.opentok.com/session/${sessionId}?extended=true`;
  const answer = await fetch(url, { headers: { "X-OPENTOK-AUTH": token } });
  const [info] = await answer.json();
  return info;
}

/** A client. Events are acknowledged and collected until a test asks for them. */
export class WireClient {
  /** Its connection id. */
  readonly id: string = crypto.randomUUID();
  /** Answer to its join. */
  joined: WireAnswer = { status: 0, body: null };
  /** Whether it acknowledges events. */
  acknowledges = true;
  /** How often each event came, by transaction id. */
  readonly deliveries = new Map<string, number>();
  /** Events that no test has taken yet. */
  readonly events: WireEvent[] = [];
  #wake = Promise.withResolvers<void>();
  #isClosed = false;
  /** Requests without an answer, by transaction id: sent again after a reconnect. */
  readonly #open = new Map<string, { bytes: Uint8Array<ArrayBuffer>; done(a: WireAnswer): void }>();

  private constructor(
    /** The socket that is in use. */
    public socket: WebSocket,
    /** How the present socket was closed. */
    public closed: Promise<CloseEvent>,
    readonly socketUrl: URL,
    readonly sessionUri: string,
  ) {
    this.#listen();
  }

  /** Opens a socket without joining the session; `query` is added to its address. */
  static async connect(
    origin: string,
    token: string,
    query: Record<string, string> = {},
  ): Promise<WireClient> {
    const { session_id, iss } = decodeJwt(token);
    const info = await sessionInfo(origin, String(session_id), token);
    assert.ok(info.messaging_url, `Refused: ${JSON.stringify(info.error)}`);
    // As the SDK does it under `setProxyUrl`.
    const address = info.messaging_url.replace("wss://", "");
    const url = new URL(`${origin.replace(/^http/, "ws")}/emulator/${address}`);
    const all = { socketId: crypto.randomUUID(), attempt: crypto.randomUUID(), ...query };
    for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value);
    const { socket, closed } = open(url);
    return new WireClient(socket, closed, url, `/v2/partner/${iss}/session/${session_id}`);
  }

  /** Joins the session that the token is for. Throws if it is refused. */
  static async join(origin: string, token: string): Promise<WireClient> {
    const client = await WireClient.connect(origin, token);
    const { status, body } = await client.joinSession(token);
    assert.equal(status, 200, JSON.stringify(body));
    return client;
  }

  /** Sends the request that joins the session. */
  async joinSession(token: string, id = this.id): Promise<WireAnswer> {
    const content = { userAgent: "test", capabilities: [] };
    const headers = { "X-TB-TOKEN-AUTH": token };
    this.joined = await this.request("create", `/connection/${id}`, content, headers);
    return this.joined;
  }

  /** Sends a request on a resource of the session, or at a whole address; resolves with the answer. */
  async request(
    method: string,
    path: string,
    content: unknown = {},
    { transactionId = crypto.randomUUID() as string, ...headers }: Record<string, string> = {},
  ): Promise<WireAnswer> {
    const uri = path.startsWith("/v2/") ? path : this.sessionUri + path;
    const bytes = encodeFrame(KIND.message, {
      headers: {
        "TRANSACTION-ID": transactionId,
        "X-TB-FROM-ADDRESS": this.id,
        "Content-Type": "application/x-raptor+v2",
        ...headers,
      },
      body: JSON.stringify({ method, uri, content }),
    });
    const { promise, resolve } = Promise.withResolvers<WireAnswer>();
    this.#open.set(transactionId, { bytes, done: resolve });
    await this.#opened();
    this.send(bytes);
    return await promise;
  }

  /** Publishes a stream; returns its id. Throws if it is refused. */
  async publish(name = "", id: string = crypto.randomUUID(), channel = CAMERA): Promise<string> {
    const { status, body } = await this.request("create", `/stream/${id}`, { id, name, channel });
    assert.equal(status, 200, JSON.stringify(body));
    return id;
  }

  unpublish(streamId: string): Promise<WireAnswer> {
    return this.request("delete", `/stream/${streamId}`);
  }

  updateChannel(streamId: string, channel: string, content: unknown): Promise<WireAnswer> {
    return this.request("update", `/stream/${streamId}/channel/${channel}`, content);
  }

  /** Subscribes to a stream; returns the subscriber's id. Throws if it is refused. */
  async subscribe(streamId: string): Promise<string> {
    const id = crypto.randomUUID();
    const { status, body } = await this.request("create", `/stream/${streamId}/subscriber/${id}`);
    assert.equal(status, 200, JSON.stringify(body));
    return id;
  }

  signal(type: string, data: unknown, to?: string): Promise<WireAnswer> {
    const receiver = to === undefined ? "" : `/connection/${to}`;
    return this.request("signal", `${receiver}/signal/${crypto.randomUUID()}`, { type, data });
  }

  /** The next event of this method and kind that fits, now or later; others stay. */
  async next(
    method: string,
    kind: string,
    fits: (event: WireEvent) => boolean = () => true,
  ): Promise<WireEvent> {
    for (;;) {
      const at = this.events.findIndex((event) =>
        event.method === method && event.kind === kind && fits(event)
      );
      const [found] = at < 0 ? [] : this.events.splice(at, 1);
      if (found) return found;
      assert.ok(!this.#isClosed, `The socket closed before "${method} ${kind}" came`);
      await this.#wake.promise;
    }
  }

  /** Whether such an event waits to be taken, after everything that was sent to this client arrived. */
  async has(method: string, kind: string): Promise<boolean> {
    await this.ping();
    return this.events.some((event) => event.method === method && event.kind === kind);
  }

  /** Resolves at the pong, which comes after all frames that were sent before it. */
  async ping(): Promise<void> {
    await this.#opened();
    const pong = new Promise<void>((resolve) => this.#onPong = resolve);
    this.send(encodeFrame(KIND.ping));
    await pong;
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(bytes);
  }

  /** Leaves the session for good. */
  async leave(): Promise<void> {
    this.send(encodeFrame(KIND.disconnect, { headers: { reconnect: "" } }));
    await this.cut();
  }

  /** Closes the socket without leaving: it may come back. */
  async cut(): Promise<void> {
    if (this.socket.readyState < WebSocket.CLOSING) this.socket.close(1000);
    await this.closed;
  }

  /** Comes back on another socket, at `origin` if given, with changes to its query. */
  async resume(
    { origin, ...query }: { origin?: string } & Record<string, string> = {},
  ): Promise<void> {
    const url = new URL(this.socketUrl);
    if (origin !== undefined) url.host = new URL(origin).host;
    const all = { reconnect: "true", attempt: crypto.randomUUID(), ...query };
    for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value);
    const { socket, closed } = open(url);
    this.socket = socket;
    this.closed = closed;
    const firstFrame = new Promise<void>((resolve) => this.#onFrame = resolve);
    this.#listen();
    await Promise.race([firstFrame, closed]);
    if (socket.readyState !== WebSocket.OPEN) return;
    for (const { bytes } of this.#open.values()) this.send(bytes);
  }

  #onPong: () => void = () => {};
  #onFrame: () => void = () => {};

  #listen(): void {
    const { socket } = this;
    this.#isClosed = false;
    const pinging = setInterval(() => {
      if (this.socket === socket) this.send(encodeFrame(KIND.ping));
    }, PING_MS);
    socket.addEventListener("message", ({ data }) => {
      const frame = decodeFrame(data);
      assert.ok(frame, "The server sent a frame that cannot be read");
      this.#receive(frame);
    });
    socket.addEventListener("close", () => {
      clearInterval(pinging);
      if (this.socket !== socket) return;
      this.#isClosed = true;
      this.#notify();
    });
  }

  #receive({ kind, headers, body }: Frame): void {
    this.#onFrame();
    const transactionId = headers.get("TRANSACTION-ID") ?? "";
    if (kind === KIND.pong) this.#onPong();
    if (kind === KIND.status) {
      const request = this.#open.get(transactionId);
      this.#open.delete(transactionId);
      const status = Number(headers.get("STATUS"));
      return request?.done({ status, body: body === "" ? null : JSON.parse(body) });
    }
    if (kind !== KIND.message) return;
    if (this.acknowledges) {
      this.send(encodeFrame(KIND.status, { headers: { "TRANSACTION-ID": transactionId } }));
    }
    const deliveries = this.deliveries.get(transactionId) ?? 0;
    this.deliveries.set(transactionId, deliveries + 1);
    if (deliveries > 0) return;
    const { method, uri, content, reason } = JSON.parse(body);
    const from = headers.get("X-TB-FROM-ADDRESS") ?? "";
    this.events.push({ method, kind: kindOf(uri), uri, content, reason, from, transactionId });
    this.#notify();
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  async #opened(): Promise<void> {
    if (this.socket.readyState !== WebSocket.CONNECTING) return;
    await new Promise((resolve) => {
      for (const event of ["open", "close"]) this.socket.addEventListener(event, resolve);
    });
  }
}

/** The last id in a resource's address. */
export function idOf({ uri }: { uri: string }): string {
  return uri.split("/").at(-1) ?? "";
}

function open(url: URL): { socket: WebSocket; closed: Promise<CloseEvent> } {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  socket.onerror = () => {}; // `close` follows
  return { socket, closed: new Promise((resolve) => socket.onclose = resolve) };
}

/** "stream/channel" for "/v2/partner/K/session/S/stream/X/channel/Y". */
function kindOf(uri: string): string {
  return uri.split("/").slice(2).filter((_, i) => i % 2 === 0).slice(2).join("/");
}
