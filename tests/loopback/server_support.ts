/** A loopback platform on a free port, the real SDK, and pages made of WebSockets that record. */
import assert from "node:assert/strict";
import {
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedVideoPacketSource,
  Output,
  StreamTarget,
  WebMOutputFormat,
} from "mediabunny";
import OpenTok from "opentok";
import { createLoopback, type Loopback, type LoopbackOptions } from "../../lib/loopback/mod.ts";
import { storeOn } from "../../lib/store/mod.ts";
import {
  type ClientMessage,
  type ServerMessage,
  serverMessageSchema,
} from "../../lib/loopback/protocol.ts";

/** A platform with its server, its SDK and a place for its data. */
export interface TestPlatform extends AsyncDisposable {
  loopback: Loopback;
  base: string;
  dataDir: string;
  sdk: ReturnType<typeof promisedSdk>;
  /** A routed session with the SDK. */
  session(): Promise<string>;
  /** Connects a page. */
  join(sessionId: string, options?: { role?: OpenTok.Role; data?: string }): Promise<TestClient>;
  /** Ends this process's platform and opens another on the same data. */
  restart(): Promise<void>;
}

/** Opens a platform; times are the cloud's unless given. */
export async function openPlatform(
  options: Partial<Pick<LoopbackOptions, "timings" | "callback">> = {},
): Promise<TestPlatform> {
  const dataDir = await Deno.makeTempDir({ prefix: "loopback-" });
  let kv = await Deno.openKv(`${dataDir}/kv`);
  const open = () =>
    createLoopback({
      records: storeOn(kv).loopback,
      dataDir,
      origin: () => base.slice(0, -9),
      ...options,
    });
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => platform.loopback.fetch(request),
  );
  const base = `http://127.0.0.1:${server.addr.port}/loopback`;
  const clients: TestClient[] = [];
  const loopback = await open();
  const sdk = promisedSdk(new OpenTok(loopback.apiKey, loopback.apiSecret, base));
  const platform: TestPlatform = {
    loopback,
    base,
    dataDir,
    sdk,
    session: () => sdk.createSession(),
    async join(sessionId, { role = "publisher", data = "" } = {}) {
      const client = await TestClient.connect(base, sdk.token(sessionId, { role, data }));
      clients.push(client);
      return client;
    },
    async restart() {
      await platform.loopback.close();
      kv.close();
      kv = await Deno.openKv(`${dataDir}/kv`);
      platform.loopback = await open();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.leave()));
      await platform.loopback.close();
      await server.shutdown();
      kv.close();
      await Deno.remove(dataDir, { recursive: true });
    },
  };
  return platform;
}

/** The SDK with promises for callbacks. */
function promisedSdk(opentok: OpenTok) {
  const promised = <T>(call: (done: (error: Error | null, value?: T) => void) => void) =>
    new Promise<T>((resolve, reject) =>
      call((error, value) => error ? reject(error) : resolve(value as T))
    );
  return {
    createSession: (options: OpenTok.SessionOptions = { mediaMode: "routed" }) =>
      promised<OpenTok.Session>((done) => opentok.createSession(options, done))
        .then(({ sessionId }) => sessionId),
    token: (sessionId: string, options: OpenTok.TokenOptions = {}) =>
      opentok.generateToken(sessionId, options),
    start: (sessionId: string, options: OpenTok.ArchiveOptions = {}) =>
      promised<OpenTok.Archive>((done) => opentok.startArchive(sessionId, options, done)),
    stop: (id: string) => promised<OpenTok.Archive>((done) => opentok.stopArchive(id, done)),
    get: (id: string) => promised<OpenTok.Archive>((done) => opentok.getArchive(id, done)),
    remove: (id: string) => promised<void>((done) => opentok.deleteArchive(id, done)),
    list: (options: OpenTok.ListArchivesOptions = {}) =>
      new Promise<{ archives: OpenTok.Archive[]; total: number }>((resolve, reject) =>
        opentok.listArchives(
          options,
          (error: Error | null, archives: OpenTok.Archive[] = [], total = 0) =>
            error ? reject(error) : resolve({ archives, total }),
        )
      ),
    signal: (sessionId: string, to: string | null, payload: OpenTok.SignalPayload) =>
      promised<void>((done) => opentok.signal(sessionId, to, payload, done)),
    streams: (sessionId: string) =>
      promised<OpenTok.Stream[]>((done) => opentok.listStreams(sessionId, done)),
    disconnect: (sessionId: string, connection: string) =>
      promised<void>((done) => opentok.forceDisconnect(sessionId, connection, done)),
    /** The header that the SDK itself would send. */
    jwt: () => opentok.generateJwt(),
  };
}

type Of<T extends ServerMessage["type"]> = Extract<ServerMessage, { type: T }>;

/** A page as far as the platform can tell: a WebSocket that may record when asked. */
export class TestClient {
  /** Messages that nobody has asked for yet. */
  private readonly inbox: ServerMessage[] = [];
  private wake = Promise.withResolvers<void>();
  readonly closed: Promise<CloseEvent>;
  id = "";

  private constructor(readonly socket: WebSocket, readonly base: string) {
    this.closed = new Promise((resolve) => socket.onclose = resolve);
    void this.closed.then(() => this.wake.resolve());
    socket.onerror = () => {};
    socket.onmessage = ({ data }) => {
      this.inbox.push(serverMessageSchema.parse(JSON.parse(data)));
      this.wake.resolve();
      this.wake = Promise.withResolvers();
    };
  }

  /** Opens a socket without waiting for a welcome. */
  static open(base: string, token: string, had: Record<string, string> = {}): TestClient {
    const query = new URLSearchParams({ token, ...had });
    return new TestClient(new WebSocket(`${base.replace("http", "ws")}/socket?${query}`), base);
  }

  /** Connects and waits for the welcome, which it puts back for the test. */
  static async connect(
    base: string,
    token: string,
    had?: { connection: string; ticket: string },
  ): Promise<TestClient> {
    const client = TestClient.open(base, token, had);
    const welcome = await client.next("welcome");
    client.id = welcome.connection.id;
    client.inbox.unshift(welcome);
    return client;
  }

  send(message: ClientMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The next message of a type that fits, now or later; the others stay. */
  async next<T extends ServerMessage["type"]>(
    type: T,
    fits: (message: Of<T>) => boolean = () => true,
  ): Promise<Of<T>> {
    for (;;) {
      const at = this.inbox.findIndex((m) => m.type === type && fits(m as Of<T>));
      const [found] = at < 0 ? [] : this.inbox.splice(at, 1);
      if (found) return found as Of<T>;
      assert.notEqual(this.socket.readyState, WebSocket.CLOSED, `closed while waiting for ${type}`);
      await this.wake.promise;
    }
  }

  /** Whether a message of this type is waiting. */
  has(type: ServerMessage["type"]): boolean {
    return this.inbox.some((message) => message.type === type);
  }

  publish(id: string, name = "camera"): void {
    this.send({
      type: "publish",
      stream: {
        id,
        name,
        hasAudio: true,
        hasVideo: true,
        videoType: "camera",
        width: 640,
        height: 480,
        source: "",
      },
    });
  }

  /** Waits to be asked to record, and says that it does. */
  async record(epochMs = Date.now()): Promise<TestRecording> {
    const request = await this.next("record");
    this.send({ type: "recording-started", archiveId: request.archiveId, epochMs });
    return new TestRecording(this, request, epochMs);
  }

  async leave(): Promise<void> {
    this.socket.close(1000);
    await this.closed;
  }
}

/** What a recording page does with chunks. */
export class TestRecording {
  constructor(
    readonly client: TestClient,
    readonly request: Of<"record">,
    readonly epochMs: number,
  ) {}

  async put(
    sequence: number | string,
    position: number,
    bytes: Uint8Array<ArrayBuffer>,
    token = this.request.uploadToken,
  ): Promise<number> {
    const response = await fetch(
      `${this.request.uploadUrl}?sequence=${sequence}&position=${position}`,
      { method: "PUT", headers: { authorization: `Bearer ${token}` }, body: bytes },
    );
    await response.body?.cancel();
    return response.status;
  }

  /** Uploads a file in `count` chunks. */
  async upload(bytes: Uint8Array<ArrayBuffer>, count = 4): Promise<void> {
    const size = Math.ceil(bytes.length / count);
    for (let i = 0; i < count; i++) {
      assert.equal(await this.put(i, i * size, bytes.subarray(i * size, (i + 1) * size)), 204);
    }
  }

  finish(): void {
    const { archiveId } = this.request;
    this.client.send({ type: "recording-finished", archiveId, droppedFrames: 0 });
  }

  /** Does as told: waits for the stop, uploads, says so. */
  async obey(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.client.next("stop-recording");
    await this.upload(bytes);
    this.finish();
  }
}

/** A whole WebM of {@link sampleWrites}. */
export async function sampleWebM(
  seconds: number,
  options?: SampleOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  return joined(await sampleWrites(seconds, options));
}

/** What a sample has, and from when. */
export interface SampleOptions {
  fromSeconds?: number;
  tracks?: "both" | "audio" | "video";
}

/** Bytes one after the other. */
export function joined(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * A WebM as a recorder streams it, write by write: made-up VP8 (30 fps, a key frame every 2 s) and
 * Opus (20 ms) packets, no index, no duration.
 */
export async function sampleWrites(
  seconds: number,
  { fromSeconds = 0, tracks = "both" }: SampleOptions = {},
): Promise<Uint8Array<ArrayBuffer>[]> {
  const writes: Uint8Array<ArrayBuffer>[] = [];
  const target = new StreamTarget(
    new WritableStream({ write: ({ data }) => void writes.push(data.slice()) }),
  );
  const output = new Output({ format: new WebMOutputFormat({ appendOnly: true }), target });
  const video = new EncodedVideoPacketSource("vp8");
  const audio = new EncodedAudioPacketSource("opus");
  if (tracks !== "audio") output.addVideoTrack(video);
  if (tracks !== "video") output.addAudioTrack(audio);
  await output.start();
  const config = { codec: "vp8", codedWidth: 640, codedHeight: 480 };
  const sound = { codec: "opus", numberOfChannels: 2, sampleRate: 48000 };
  // Five packets of sound take as long as three frames.
  for (let i = 0; i < seconds * 50; i++) {
    if (tracks !== "video") {
      const at = fromSeconds + i / 50;
      const packet = new EncodedPacket(new Uint8Array(80).fill(0xfc), "key", at, 0.02);
      await audio.add(packet, { decoderConfig: sound });
    }
    if (i % 5 > 2 || tracks === "audio") continue;
    const frame = Math.floor(i / 5) * 3 + i % 5;
    const type = frame % 60 === 0 ? "key" : "delta";
    const data = new Uint8Array(type === "key" ? 3000 : 600).fill(frame % 256);
    // The header of a VP8 frame: bit 0 clear for a key frame, then the start code and the size.
    const header = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01];
    data.set(type === "key" ? header : [0x11, 0, 0]);
    const packet = new EncodedPacket(data, type, fromSeconds + frame / 30, 1 / 30);
    await video.add(packet, { decoderConfig: config });
  }
  await output.finalize();
  return writes;
}

/** A session in which one page publishes and records an archive. */
export async function recordingSession(
  platform: TestPlatform,
  options: OpenTok.ArchiveOptions = {},
) {
  const sessionId = await platform.session();
  const client = await platform.join(sessionId, { data: "recorder" });
  client.publish("stream");
  await client.next("stream-created");
  const [archive, recording] = await Promise.all([
    platform.sdk.start(sessionId, options),
    client.record(),
  ]);
  await client.next("archive");
  return { sessionId, client, archive, recording };
}

/** An archive that is finished. */
export async function finishedArchive(
  platform: TestPlatform,
  bytes: Uint8Array<ArrayBuffer>,
  options: OpenTok.ArchiveOptions = {},
) {
  const { archive, recording } = await recordingSession(platform, options);
  await Promise.all([platform.sdk.stop(archive.id), recording.obey(bytes)]);
  return await untilStatus(platform, archive.id, "available");
}

/** Polls an archive by REST until it has this status. */
export async function untilStatus(platform: TestPlatform, id: string, status: string) {
  for (let tries = 0; tries < 400; tries++) {
    const archive = await platform.sdk.get(id);
    if (archive.status === status) return archive;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`Archive "${id}" did not become ${status}`);
}
