/** The browsers' client of the API, against the real API. */
import assert from "node:assert/strict";
import {
  ApiError,
  joinRoom,
  readFilm,
  readRoom,
  restartRecording,
  roomEventsPath,
  startRecording,
  stopRecording,
} from "../../lib/api/client.ts";
import { enterCall, test, type TestServer } from "./server.ts";

const RECORDING = {
  name: "Hearing",
  options: { hasAudio: true, hasVideo: true, outputMode: "composed" },
} as const;

/** Runs code whose `fetch` is `answer`. */
async function withFetch(answer: typeof fetch, run: () => Promise<void>): Promise<void> {
  const { fetch } = globalThis;
  globalThis.fetch = answer;
  try {
    await run();
  } finally {
    globalThis.fetch = fetch;
  }
}

/** Runs code as in a page of this server: paths are its own, and the page's cookies go along. */
function inPageOf(
  { origin, services }: TestServer,
  cookies: Record<string, string>,
  run: () => Promise<void>,
): Promise<void> {
  const { fetch } = globalThis;
  return withFetch((path, init) => {
    // What others fetch meanwhile is none of the page's.
    if (typeof path !== "string" || !path.startsWith("/")) return fetch(path, init);
    const request = new Request(`${origin}${path}`, init);
    for (const [name, value] of Object.entries(cookies)) request.headers.set(name, value);
    return services.api(request);
  }, run);
}

async function failure(attempt: Promise<unknown>): Promise<ApiError> {
  const error = await attempt.then(() => null, (error) => error);
  assert.ok(error instanceof ApiError, String(error));
  assert.match(error.remedy, /^[A-Z].*\.$/);
  return error;
}

test("a room is joined, recorded, handed over, stopped and watched with the client", async (server) => {
  await using _ada = await enterCall(server);
  await inPageOf(server, server.asAdmin, async () => {
    assert.equal((await joinRoom("main", { name: "Eve", host: true })).role, "host");
    const started = await startRecording("main", RECORDING);
    assert.equal(started.chain?.state, "recording");
    assert.equal((await restartRecording("main")).parts.length, 3);
    assert.equal((await readRoom("main")).chain?.id, started.chain?.id);
    assert.equal((await stopRecording("main")).chain, null);
    assert.equal((await readFilm(started.chain?.id ?? "")).name, "Hearing");
  });
});

test(
  "a refusal is told in the API's words, with what to do",
  (server) =>
    inPageOf(server, {}, async () => {
      const refused = await failure(startRecording("main", RECORDING));
      assert.equal(refused.status, 401);
      assert.match(refused.message, /^Cannot start an archive/);
      assert.equal((await failure(readRoom("elsewhere"))).status, 404);
      assert.equal((await failure(readFilm("none"))).status, 404);
    }),
);

const noAnswers: [what: string, answer: () => Promise<Response>, message: RegExp][] = [
  ["no network", () => Promise.reject(new TypeError("Failed to fetch")), /could not be reached/],
  ["a proxy's page", () => Promise.resolve(new Response("<h1>502</h1>")), /could not be reached/],
  ["another shape", () => Promise.resolve(Response.json({ a: 1 })), /does not understand/],
];
Deno.test("what is no answer of the API is told in words too", async () => {
  for (const [what, answer, message] of noAnswers) {
    await withFetch(answer, async () => {
      const error = await failure(readRoom("main"));
      assert.equal(error.status, null, what);
      assert.match(error.message, message, what);
    });
  }
});

Deno.test("names become parts of paths, whatever is in them", () => {
  assert.equal(roomEventsPath("a/b?c"), "/api/rooms/a%2Fb%3Fc/events");
});
