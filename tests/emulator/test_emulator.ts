/** An emulator on a free port, the real server SDK on it, and calls in which something is recorded. */
// It has to see the SDK's transport before the SDK does: see its description.
import "../../lib/platform/sdk_call.ts";
import OpenTok from "opentok";
import { createEmulator, type Emulator, type EmulatorOptions } from "../../lib/emulator/mod.ts";
import { storeOn } from "../../lib/store/mod.ts";
import { FakeRecorder, type FakeRecording, type RecorderOptions } from "./fake_recorder.ts";
import { WireClient } from "./wire_client.ts";

/** An emulator with its server and its SDK. Everything that was opened through it closes with it. */
export interface TestEmulator extends AsyncDisposable {
  readonly emulator: Emulator;
  readonly origin: string;
  readonly dataDir: string;
  readonly sdk: ReturnType<typeof createSdk>;
  /** Sends a REST request with the SDK's token; the SDK hides statuses and texts. */
  rest(method: string, path: string, body?: unknown): Promise<RestAnswer>;
  /** A client of a session, with a token of its own. */
  join(sessionId: string, options?: TokenOptions): Promise<WireClient>;
  /** A participant whose page can record: a client that publishes, and a recorder. */
  enter(sessionId: string, options?: TokenOptions & RecorderOptions): Promise<Page>;
  /** Closes the emulator and opens it again on the same data; the server stays. */
  restart(): Promise<void>;
  /** Closes the emulator; the server stays. */
  closeEmulator(): Promise<void>;
  /** Another process on the same data, at an origin of its own. */
  openSecond(): Promise<{ emulator: Emulator; origin: string }>;
}

/** Options of the SDK's `generateToken`. */
export interface TokenOptions {
  role?: "subscriber" | "publisher" | "moderator";
  data?: string;
}

/** Options of the SDK's `startArchive`. */
export interface ArchiveOptions {
  name?: string;
  hasAudio?: boolean;
  hasVideo?: boolean;
  outputMode?: "composed" | "individual";
  resolution?: string;
  multiArchiveTag?: string;
}

/** An archive as the SDK returns it. */
export interface Archive {
  id: string;
  sessionId: string;
  name: string;
  status: string;
  reason: string;
  createdAt: number;
  duration: number;
  size: number;
  url: string;
  multiArchiveTag?: string;
}

/** Answer to a REST request. */
export interface RestAnswer {
  status: number;
  // deno-lint-ignore no-explicit-any -- tests look into it and then assert on it
  body: any;
}

/** A page in a call, as far as the server sees it. */
export interface Page {
  client: WireClient;
  recorder: FakeRecorder;
  streamId: string;
  token: string;
}

/** Opens an emulator; times are the cloud's unless given. */
export async function openEmulator(
  options: Partial<Pick<EmulatorOptions, "timings" | "callback">> = {},
): Promise<TestEmulator> {
  const opened = new AsyncDisposableStack();
  const dataDir = await Deno.makeTempDir({ prefix: "emulator-" });
  opened.defer(() => Deno.remove(dataDir, { recursive: true }));

  /** Serves an emulator on the data; `restart` replaces it. */
  const serve = async () => {
    let kv: Deno.Kv;
    let isOpen = false;
    let emulator: Emulator;
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => emulator.fetch(request),
    );
    const origin = `http://127.0.0.1:${server.addr.port}`;
    const open = async () => {
      kv = await Deno.openKv(`${dataDir}/kv`);
      const { emulator: records } = storeOn(kv);
      emulator = await createEmulator({ records, dataDir, origin: () => origin, ...options });
      isOpen = true;
    };
    const close = async () => {
      if (!isOpen) return;
      isOpen = false;
      await emulator.close();
      kv.close();
    };
    await open();
    opened.defer(async () => {
      await close();
      await server.shutdown();
    });
    return {
      ...{ origin, close },
      current: () => emulator,
      restart: async () => {
        await close();
        await open();
      },
    };
  };

  const first = await serve();
  const { origin } = first;
  const { apiKey, apiSecret } = first.current();
  const sdk = createSdk(new OpenTok(apiKey, apiSecret, `${origin}/emulator/api.opentok.com`));
  const join = async (token: string) => {
    const client = await WireClient.join(origin, token);
    opened.defer(() => client.cut());
    return client;
  };
  return {
    get emulator() {
      return first.current();
    },
    origin,
    dataDir,
    sdk,
    async rest(method, path, body) {
      const url = `${origin}/emulator/api.opentok.com/v2/project/${apiKey}${path}`;
      const response = await fetch(url, {
        method,
        headers: { "x-opentok-auth": sdk.jwt(), "content-type": "application/json" },
        body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
      });
      const text = await response.text();
      return { status: response.status, body: text === "" ? null : JSON.parse(text) };
    },
    join: (sessionId, options) => join(sdk.token(sessionId, options)),
    async enter(sessionId, { role, data, ...recorderOptions } = {}) {
      const token = sdk.token(sessionId, { role, data: data ?? crypto.randomUUID() });
      const client = await join(token);
      const streamId = await client.publish();
      await client.next("created", "stream");
      const recorder = await FakeRecorder.connect(origin, token, recorderOptions);
      opened.defer(() => recorder.close());
      return { client, recorder, streamId, token };
    },
    restart: first.restart,
    closeEmulator: first.close,
    async openSecond() {
      const second = await serve();
      return { emulator: second.current(), origin: second.origin };
    },
    // What was opened last closes first: clients before servers.
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** A call with one participant whose page records an archive. */
export async function startRecording(
  platform: TestEmulator,
  archiveOptions: ArchiveOptions = {},
  pageOptions: TokenOptions & RecorderOptions = {},
) {
  const sessionId = await platform.sdk.createSession();
  const page = await platform.enter(sessionId, pageOptions);
  const [archive, recording] = await Promise.all([
    platform.sdk.start(sessionId, archiveOptions),
    page.recorder.record(),
  ]);
  return { sessionId, ...page, archive, recording };
}

/** Stops an archive whose recorder then uploads `bytes`; resolves when it is available. */
export async function stopWith(
  platform: TestEmulator,
  recording: FakeRecording,
  bytes: Uint8Array<ArrayBuffer>,
) {
  await Promise.all([platform.sdk.stop(recording.archiveId), recording.stopWith(bytes)]);
  return await untilStatus(platform, recording.archiveId, "available");
}

/** Polls an archive until it has this status. */
export async function untilStatus(platform: TestEmulator, id: string, status: string) {
  for (let attempts = 0; attempts < 400; attempts++) {
    const archive = await platform.sdk.get(id);
    if (archive.status === status) return archive;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`Archive "${id}" did not become ${status}`);
}

/** The bytes of a finished archive. */
export async function download({ url }: { url: string }): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await fetch(url)).arrayBuffer());
}

/** The SDK, which ships no types, with promises for callbacks. */
function createSdk(opentok: OpenTok) {
  const call = <T>(method: string, ...values: unknown[]) =>
    new Promise<T>((resolve, reject) =>
      opentok[method](
        ...values,
        (error: unknown, value: T) => error ? reject(error) : resolve(value),
      )
    );
  return {
    createSession: (options: { mediaMode?: string } = { mediaMode: "routed" }): Promise<string> =>
      call<{ sessionId: string }>("createSession", options).then(({ sessionId }) => sessionId),
    token: (sessionId: string, options: TokenOptions = {}): string =>
      opentok.generateToken(sessionId, options),
    start: (sessionId: string, options: ArchiveOptions = {}) =>
      call<Archive>("startArchive", sessionId, options),
    stop: (id: string) => call<Archive>("stopArchive", id),
    get: (id: string) => call<Archive>("getArchive", id),
    remove: (id: string) => call<void>("deleteArchive", id),
    list: (options: { offset?: number; count?: number; sessionId?: string } = {}) =>
      new Promise<{ archives: Archive[]; total: number }>((resolve, reject) =>
        opentok.listArchives(
          options,
          (error: unknown, archives: Archive[], total: number) =>
            error ? reject(error) : resolve({ archives, total }),
        )
      ),
    signal: (sessionId: string, to: string | null, payload: { type: string; data: string }) =>
      call<void>("signal", sessionId, to, payload),
    streams: (sessionId: string) =>
      call<{ id: string; name: string; videoType: string }[]>("listStreams", sessionId),
    disconnect: (sessionId: string, connection: string) =>
      call<void>("forceDisconnect", sessionId, connection),
    /** The token that the SDK itself sends. */
    jwt: (): string => opentok.generateJwt(),
  };
}
