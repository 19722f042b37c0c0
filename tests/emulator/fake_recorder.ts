/** A page's recorder as the server sees one: its socket, its clock, its uploads. */
import assert from "node:assert/strict";
import {
  type Codecs,
  COMPOSED_FILE,
  type FromRecorder,
  type ToRecorder,
  toRecorderSchema,
  uploadPath,
} from "../../lib/emulator/protocol.ts";

type Of<T extends ToRecorder["type"]> = Extract<ToRecorder, { type: T }>;
type Hello = Extract<FromRecorder, { type: "hello" }>;

/** How a recorder differs from an ordinary one. */
export interface RecorderOptions {
  id?: string;
  /** Video codecs it can encode. */
  video?: Codecs["video"][];
  /** What its clock shows beyond `performance.now()`, ms. */
  clockOffsetMs?: number;
  recordings?: Hello["recordings"];
}

const NO_LOSSES = { framesNotDelivered: 0, framesDropped: 0 };

/** A recorder. It answers pings; everything else is up to the test. */
export class FakeRecorder {
  readonly id: string;
  /** How the present socket was closed. */
  closed: Promise<CloseEvent>;
  /** Whether it answers pings. */
  isAlive = true;
  readonly #messages: ToRecorder[] = [];
  #wake = Promise.withResolvers<void>();
  #socket: WebSocket;

  private constructor(
    public origin: string,
    private readonly token: string,
    private readonly options: RecorderOptions,
  ) {
    this.id = options.id ?? crypto.randomUUID();
    [this.#socket, this.closed] = this.#open();
  }

  /** Connects and says what it can do; resolves when the server has measured its clock. */
  static async connect(
    origin: string,
    token: string,
    options: RecorderOptions = {},
  ): Promise<FakeRecorder> {
    const recorder = new FakeRecorder(origin, token, options);
    await recorder.#hello(options.recordings ?? []);
    return recorder;
  }

  /** Comes back on another socket, at `origin` if given. */
  async reconnect(recordings: Hello["recordings"], origin = this.origin): Promise<void> {
    this.origin = origin;
    [this.#socket, this.closed] = this.#open();
    await this.#hello(recordings);
  }

  /** Its clock, ms. */
  nowMs(): number {
    return performance.now() + (this.options.clockOffsetMs ?? 0);
  }

  send(message: FromRecorder): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** The next message of this type that fits, now or later; others stay. */
  async next<T extends ToRecorder["type"]>(
    type: T,
    fits: (message: Of<T>) => boolean = () => true,
  ): Promise<Of<T>> {
    for (;;) {
      const at = this.#messages.findIndex((each) => each.type === type && fits(each as Of<T>));
      const [found] = at < 0 ? [] : this.#messages.splice(at, 1);
      if (found) return found as Of<T>;
      assert.notEqual(this.#socket.readyState, WebSocket.CLOSED, `Closed before "${type}" came`);
      await this.#wake.promise;
    }
  }

  /** Whether such a message waits to be taken. */
  has(type: ToRecorder["type"]): boolean {
    return this.#messages.some((message) => message.type === type);
  }

  /** Waits for the request to record, and starts. */
  async record(
    { startedAtMs }: { startedAtMs?: number } = {},
  ): Promise<FakeRecording> {
    const { request, streams } = await this.next("record");
    const recording = new FakeRecording(this, request, streams);
    this.send({
      type: "started",
      archiveId: request.archiveId,
      startedAtMs: startedAtMs ?? this.nowMs(),
      codecs: request.codecs ?? { video: this.options.video?.[0] ?? "vp8", audio: "opus" },
    });
    return recording;
  }

  /** Closes the socket, as a page does that is closed or loses its network. */
  async close(): Promise<void> {
    if (this.#socket.readyState < WebSocket.CLOSING) this.#socket.close(1000);
    await this.closed;
  }

  async #hello(recordings: Hello["recordings"]): Promise<void> {
    const socket = this.#socket;
    await new Promise((resolve) => {
      for (const event of ["open", "close"]) socket.addEventListener(event, resolve);
    });
    this.send({ type: "hello", video: this.options.video ?? ["vp8"], audio: ["opus"], recordings });
    // The first ping is sent once the server has read everything before it.
    await Promise.race([this.next("ping"), this.closed]);
  }

  #open(): [WebSocket, Promise<CloseEvent>] {
    const query = new URLSearchParams({ token: this.token, recorder: this.id });
    const url = `${this.origin.replace(/^http/, "ws")}/emulator/recorder?${query}`;
    const socket = new WebSocket(url);
    socket.onerror = () => {}; // `close` follows
    const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
    const notify = () => {
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    };
    void closed.then(notify);
    socket.onmessage = ({ data }) => {
      const message = toRecorderSchema.parse(JSON.parse(data));
      if (message.type === "ping" && this.isAlive) {
        this.send({ type: "pong", id: message.id, atMs: this.nowMs() });
      }
      this.#messages.push(message);
      notify();
    };
    return [socket, closed];
  }
}

/** An archive that a recorder records. */
export class FakeRecording {
  readonly archiveId: string;
  readonly startedAtMs = Date.now();

  constructor(
    readonly recorder: FakeRecorder,
    readonly request: Of<"record">["request"],
    readonly streams: Of<"record">["streams"],
  ) {
    this.archiveId = request.archiveId;
  }

  /** Sends bytes of a file; the answer's status and the length that the server has then. */
  async patch(
    offset: number | string,
    bytes: Uint8Array<ArrayBuffer>,
    { file = COMPOSED_FILE, token = this.request.uploadToken } = {},
  ): Promise<{ status: number; offset: number }> {
    const response = await fetch(this.#url(file), {
      method: "PATCH",
      headers: { authorization: `Bearer ${token}`, "upload-offset": String(offset) },
      body: bytes,
    });
    await response.body?.cancel();
    return { status: response.status, offset: Number(response.headers.get("upload-offset")) };
  }

  /** How many bytes of a file the server has. */
  async length(file = COMPOSED_FILE): Promise<number> {
    // At a wrong place nothing is appended, and the answer names the right one.
    return (await this.patch(1e9, new Uint8Array(1), { file })).offset;
  }

  /** Uploads a whole file in several pieces. */
  async upload(bytes: Uint8Array<ArrayBuffer>, file = COMPOSED_FILE, pieces = 3): Promise<void> {
    const size = Math.ceil(bytes.length / pieces);
    for (let at = 0; at < bytes.length; at += size) {
      assert.equal((await this.patch(at, bytes.slice(at, at + size), { file })).status, 204);
    }
  }

  /** Reports that everything is uploaded. */
  finish(losses = NO_LOSSES): void {
    this.recorder.send({ type: "finished", archiveId: this.archiveId, losses });
  }

  /** Waits for the stop, uploads a file, reports. */
  async stopWith(bytes: Uint8Array<ArrayBuffer>, losses = NO_LOSSES): Promise<void> {
    await this.recorder.next("stop", ({ archiveId }) => archiveId === this.archiveId);
    await this.upload(bytes);
    this.finish(losses);
  }

  #url(file: string): string {
    const { archiveId, segment } = this.request;
    return this.recorder.origin + uploadPath(archiveId, segment, file);
  }
}
