/** The API on a real store and the emulator, served on a free port. */
import assert from "node:assert/strict";
import { joinSchema, type RoomView, roomViewSchema } from "../../lib/recording/views.ts";
import type { Services } from "../../lib/services.ts";
import { FakeRecorder } from "../emulator/fake_recorder.ts";
import { finishRecording } from "../emulator/test_opentok.ts";
import { WireClient } from "../emulator/wire_client.ts";
import { openTestServices } from "../support/test_services.ts";

/** Quick overlaps: handovers take a second, not ten. */
const ENV = {
  SESSION_JOIN_DELAY: "3",
  SESSION_STOP_DELAY_PRIMARY: "0.2",
  SESSION_STOP_DELAY_SECONDARY: "0.2",
};

/** Environment of a real project, at an address where nobody answers. */
export const UNREACHABLE = { API_KEY: "1", API_SECRET: "s", OPENTOK_API_URL: "http://127.0.0.1:1" };

/** Sends a request. A body is sent as JSON, a string as it is. */
type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>;

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
  /** The headers of a signed-in admin. */
  asAdmin: { cookie: string };
  /** Asks as a caller who has no cookie. */
  ask: Ask;
  /** Asks as a signed-in admin. */
  admin: Ask;
  /** Asks with these headers. */
  askWith(headers: Record<string, string>): Ask;
  /** Records in the main room, as an admin; returns what came of it. */
  command(verb: "start" | "restart" | "stop", body?: unknown): Promise<RoomView>;
}

/** Defines a test on a server of its own. */
export function test(
  name: string,
  run: (server: TestServer) => Promise<void>,
  env: Record<string, string> = {},
): void {
  Deno.test(name, async () => {
    await using server = await openServer(env);
    await run(server);
  });
}

/** Serves the API with these environment variables. */
export async function openServer(
  env: Record<string, string> = {},
): Promise<TestServer & AsyncDisposable> {
  const opened = Promise.withResolvers<Services>();
  const http = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { emulator, api } = await opened.promise;
    const isForEmulator = new URL(request.url).pathname.startsWith("/emulator/");
    return await (isForEmulator && emulator ? emulator.fetch(request) : api(request));
  });
  const origin = `http://127.0.0.1:${http.addr.port}`;
  const own = await openTestServices({ ...ENV, ...env }, origin);
  const { services, asAdmin } = own;
  opened.resolve(services);

  const askWith = (given: Record<string, string>): Ask => async (method, path, body) => {
    const request = new Request(origin + path, {
      method,
      headers: { ...(body !== undefined && { "content-type": "application/json" }), ...given },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    const { status, headers, body: stream } = await services.api(request);
    const text = await new Response(stream).text();
    const type = headers.get("content-type")?.split(";")[0] ?? "";
    return { status, type, headers, text, json: type.endsWith("json") ? JSON.parse(text) : null };
  };
  const admin = askWith(asAdmin);
  return {
    origin,
    services,
    asAdmin,
    ask: askWith({}),
    admin,
    askWith,
    command: async (verb, body) =>
      roomViewSchema.parse(assertJson(await admin("POST", `/api/rooms/main/${verb}`, body))),
    async [Symbol.asyncDispose]() {
      await own.services.close();
      await http.shutdown();
      await own[Symbol.asyncDispose]();
    },
  };
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

/** Enters the main room's call with a page that records whatever the platform asks it to. */
export async function enterCall({ ask, origin }: TestServer): Promise<AsyncDisposable> {
  const joined = await ask("POST", "/api/rooms/main/join", { name: "Ada" });
  const { primary, secondary } = joinSchema.parse(assertJson(joined));
  const clients: WireClient[] = [];
  const work: Promise<void>[] = [];

  async function connect(token: string): Promise<WireClient> {
    const client = await WireClient.join(origin, token);
    clients.push(client);
    await client.publish();
    await client.next("created", "stream");
    return client;
  }
  /** Publishes to the secondary session from `join` to `leave`. */
  async function followSignals(client: WireClient): Promise<void> {
    const signal = (type: string) =>
      client.next("signal", "signal", ({ content }) => content.type === type);
    for (;;) {
      await signal("join");
      const guest = await connect(secondary.token);
      await signal("leave");
      await guest.leave();
    }
  }
  async function recordAll(recorder: FakeRecorder): Promise<void> {
    for (;;) work.push(finishRecording(await recorder.record()).catch(ignoreEnd));
  }

  const client = await connect(primary.token);
  const recorder = await FakeRecorder.connect(origin, primary.token);
  work.push(followSignals(client).catch(ignoreEnd), recordAll(recorder).catch(ignoreEnd));
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.leave()));
      await recorder.close();
      await Promise.all(work);
    },
  };
}

/** The call is over: nothing more comes on its sockets. */
function ignoreEnd(error: unknown): void {
  if (!(error instanceof assert.AssertionError)) throw error;
}
