/**
 * "An OpenTok" for tests of code on the real SDK: an emulator that is reached only through a proxy,
 * which breaks calls on request. Pages in its sessions record whatever they are asked to.
 */
import { FaultProxy } from "../support/fault_proxy.ts";
import { FakeRecorder, type FakeRecording } from "./fake_recorder.ts";
import { sampleFile } from "./sample_media.ts";
import { openEmulator, type TestEmulator } from "./test_emulator.ts";
import { WireClient } from "./wire_client.ts";

/** Names of REST calls, for {@link FaultProxy.fault} and {@link TestOpenTok.count}. */
export const CALLS = {
  createSession: /^POST .*\/session\/create$/,
  startArchive: /^POST .*\/archive$/,
  stopArchive: /^POST .*\/archive\/[^/]+\/stop$/,
  getArchive: /^GET .*\/archive\/[^/]+$/,
  listArchives: /^GET .*\/archive$/,
  deleteArchive: /^DELETE .*\/archive\/[^/]+$/,
  signal: /^POST .*\/signal$/,
  listStreams: /^GET .*\/stream$/,
} as const;

/** Uploads a file as long as the recording was. */
export async function finishRecording(recording: FakeRecording): Promise<void> {
  await recording.recorder.next("stop", ({ archiveId }) => archiveId === recording.archiveId);
  await recording.upload(sampleFile((Date.now() - recording.startedAtMs) / 1000));
  recording.finish();
}

/** A platform behind a proxy. */
export class TestOpenTok implements AsyncDisposable {
  readonly #opened = new AsyncDisposableStack();
  readonly #recording: Promise<void>[] = [];

  private constructor(
    /** The platform, past the proxy. */
    readonly emulator: TestEmulator,
    readonly proxy: FaultProxy,
  ) {
    this.#opened.use(emulator);
    this.#opened.use(proxy);
    this.#opened.defer(async () => void await Promise.all(this.#recording));
  }

  static async open(): Promise<TestOpenTok> {
    const emulator = await openEmulator();
    return new TestOpenTok(emulator, await FaultProxy.start(() => emulator.origin));
  }

  get credentials() {
    const { apiKey, apiSecret } = this.emulator.emulator;
    return { apiKey, apiSecret, apiUrl: `${this.proxy.origin}/emulator/api.opentok.com` };
  }

  /** The same as `readConfig` takes them. */
  get env(): Record<string, string> {
    const { apiKey, apiSecret, apiUrl } = this.credentials;
    return { API_KEY: apiKey, API_SECRET: apiSecret, OPENTOK_API_URL: apiUrl };
  }

  /** How many calls of this name came so far. */
  count(call: RegExp): number {
    return this.proxy.journal.filter((entry) => call.test(entry.call)).length;
  }

  /** A participant of the session that `token` is for, who publishes and whose page records. */
  async enter(token: string, name = "Ada"): Promise<WireClient> {
    const { origin } = this.emulator;
    const client = await WireClient.join(origin, token);
    await client.publish(name);
    const recorder = await FakeRecorder.connect(origin, token);
    this.#opened.defer(async () => void await Promise.all([client.cut(), recorder.close()]));
    this.#recording.push(this.#recordAll(recorder));
    return client;
  }

  /** Archives that record now. */
  async running(): Promise<{ id: string; sessionId: string }[]> {
    const { archives } = await this.emulator.sdk.list();
    return archives.filter(({ status }) => status === "started");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync();
  }

  async #recordAll(recorder: FakeRecorder): Promise<void> {
    try {
      for (;;) {
        const finishing = finishRecording(await recorder.record());
        this.#recording.push(finishing.catch(() => {}));
      }
    } catch {
      // The page has left.
    }
  }
}
