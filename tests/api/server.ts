/** The API on a real store and the emulator, served on a free port. */
import assert from "node:assert/strict";
import { readConfig } from "../../lib/config.ts";
import { type Join, joinSchema } from "../../lib/recording/views.ts";
import { openServices, type Services } from "../../lib/services.ts";
import { openStore } from "../../lib/store/mod.ts";
import { FakeRecorder } from "../emulator/fake_recorder.ts";
import { finishRecording } from "../emulator/test_opentok.ts";
import { WireClient } from "../emulator/wire_client.ts";

export const PASSWORD = "correct horse battery";
/** Quick overlaps: handovers take a second, not ten. */
const ENV = {
  ADMIN_PASSWORD: PASSWORD,
  SESSION_JOIN_DELAY: "3",
  SESSION_STOP_DELAY_PRIMARY: "0.2",
  SESSION_STOP_DELAY_SECONDARY: "0.2",
};

/** How a request is sent. `as: "admin"` sends a signed-in cookie. */
export interface Ask {
  as?: "admin";
  body?: unknown;
  headers?: Record<string, string>;
}

/** An answer, read. `json` is null where the body is none. */
export interface Answer {
  status: number;
  type: string;
  headers: Headers;
  text: string;
  // deno-lint-ignore no-explicit-any -- tests look into answers that they then assert on
  json: any;
}

/** A running API. */
export interface TestServer {
  origin: string;
  services: Services;
  adminCookie: string;
  ask(method: string, path: string, options?: Ask): Promise<Answer>;
}

/** Runs `test` on a server of its own. */
export async function withServer(
  test: (server: TestServer) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "gapless-api-" });
  const opened = Promise.withResolvers<Services>();
  const http = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const services = await opened.promise;
    const isForEmulator = new URL(request.url).pathname.startsWith("/emulator/");
    return await (isForEmulator && services.emulator
      ? services.emulator.fetch(request)
      : services.api(request));
  });
  const origin = `http://127.0.0.1:${http.addr.port}`;
  const config = readConfig({ ...ENV, DATA_DIR: dataDir, ...env });
  const store = await openStore(":memory:");
  const services = await openServices(config, { store, origin: () => origin });
  opened.resolve(services);

  const signIn = await services.auth.signIn(new Request(origin), PASSWORD, "test");
  const adminCookie = signIn.ok ? signIn.cookie.split(";")[0] ?? "" : "";
  async function ask(method: string, path: string, options: Ask = {}): Promise<Answer> {
    const headers = new Headers(options.headers);
    if (options.as === "admin") headers.set("cookie", adminCookie);
    if (options.body !== undefined && !headers.has("content-type")) {
      headers.set("content-type", "application/json");
    }
    const body = options.body === undefined
      ? undefined
      : typeof options.body === "string"
      ? options.body
      : JSON.stringify(options.body);
    const response = await services.api(new Request(origin + path, { method, headers, body }));
    const text = await response.text();
    const type = response.headers.get("content-type")?.split(";")[0] ?? "";
    const json = type.endsWith("json") ? JSON.parse(text) : null;
    return { status: response.status, type, headers: response.headers, text, json };
  }
  try {
    await test({ origin, services, adminCookie, ask });
  } finally {
    await services.close();
    await http.shutdown();
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** Asserts that an answer is a problem: status, then content type, then body. */
export function assertProblem(answer: Answer, status: number, detail?: RegExp): void {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.type, "application/problem+json");
  assert.equal(answer.json.status, status);
  assert.ok(answer.json.title && answer.json.type && answer.json.instance);
  if (detail) assert.match(answer.json.detail, detail);
}

/** Asserts a JSON answer and gives its body. */
// deno-lint-ignore no-explicit-any -- the body is what the test then asserts on
export function assertJson(answer: Answer, status = 200): any {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.type, "application/json");
  return answer.json;
}

/** A participant whose page records whatever the platform asks it to. */
export class Participant implements AsyncDisposable {
  private readonly clients: WireClient[] = [];
  private readonly work: Promise<void>[] = [];
  private recorder: FakeRecorder | null = null;

  private constructor(private readonly server: TestServer, readonly join: Join) {}

  static async enter(server: TestServer, room = "main", name = "Ada"): Promise<Participant> {
    const answer = await server.ask("POST", `/api/rooms/${room}/join`, { body: { name } });
    const participant = new Participant(server, joinSchema.parse(assertJson(answer)));
    const { token } = participant.join.primary;
    const primary = await participant.connect(token);
    participant.recorder = await FakeRecorder.connect(server.origin, token);
    participant.work.push(
      participant.followSignals(primary).catch(ignoreEnd),
      participant.recordWhenAsked(participant.recorder).catch(ignoreEnd),
    );
    return participant;
  }

  /** The call's client, which receives events of the primary session. */
  get primary(): WireClient {
    return this.clients[0] ?? assert.fail("The participant is not connected");
  }

  private async connect(token: string): Promise<WireClient> {
    const client = await WireClient.join(this.server.origin, token);
    this.clients.push(client);
    await client.publish();
    await client.next("created", "stream");
    return client;
  }

  /** Publishes to the secondary session from `join` to `leave`. */
  private async followSignals(primary: WireClient): Promise<void> {
    const signal = (type: string) =>
      primary.next("signal", "signal", ({ content }) => content.type === type);
    for (;;) {
      await signal("join");
      const secondary = await this.connect(this.join.secondary.token);
      await signal("leave");
      await secondary.leave();
    }
  }

  private async recordWhenAsked(recorder: FakeRecorder): Promise<void> {
    for (;;) this.work.push(finishRecording(await recorder.record()).catch(ignoreEnd));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.clients.map((client) => client.leave()));
    await this.recorder?.close();
    await Promise.all(this.work);
  }
}

/** The call is over: nothing more comes on its sockets. */
function ignoreEnd(error: unknown): void {
  if (!(error instanceof assert.AssertionError)) throw error;
}
