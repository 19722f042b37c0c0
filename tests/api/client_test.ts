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
import { Participant, type TestServer, withServer } from "./server.ts";

const RECORDING = {
  name: "Hearing",
  options: { hasAudio: true, hasVideo: true, outputMode: "composed" },
} as const;

/** As in a page of this server: paths are its own, and the admin's cookie goes along. */
async function inPageOf(server: TestServer, as: "admin" | "nobody", run: () => Promise<void>) {
  const { fetch } = globalThis;
  globalThis.fetch = (path, init) => {
    // What others fetch meanwhile is none of the page's.
    if (typeof path !== "string" || !path.startsWith("/")) return fetch(path, init);
    const request = new Request(`${server.origin}${path}`, init);
    if (as === "admin") request.headers.set("cookie", server.adminCookie);
    return server.services.api(request);
  };
  try {
    await run();
  } finally {
    globalThis.fetch = fetch;
  }
}

async function failure(attempt: Promise<unknown>): Promise<ApiError> {
  const error = await attempt.then(() => null, (error) => error);
  assert.ok(error instanceof ApiError, String(error));
  assert.match(error.remedy, /^[A-Z].*\.$/);
  return error;
}

Deno.test("a room is joined, recorded, handed over, stopped and watched with the client", () =>
  withServer(async (server) => {
    await using _ada = await Participant.enter(server);
    await inPageOf(server, "admin", async () => {
      assert.equal((await joinRoom("main", { name: "Eve", host: true })).role, "host");
      const started = await startRecording("main", RECORDING);
      assert.equal(started.chain?.state, "recording");
      assert.equal((await restartRecording("main")).parts.length, 3);
      assert.equal((await readRoom("main")).chain?.id, started.chain?.id);
      assert.equal((await stopRecording("main")).chain, null);
      const film = await readFilm(started.chain?.id ?? "");
      assert.equal(film.name, "Hearing");
    });
  }));

Deno.test("a refusal is told in the API's words, with what to do", () =>
  withServer((server) =>
    inPageOf(server, "nobody", async () => {
      const refused = await failure(startRecording("main", RECORDING));
      assert.equal(refused.status, 401);
      assert.match(refused.message, /^Cannot start an archive/);
      assert.equal((await failure(readRoom("elsewhere"))).status, 404);
      assert.equal((await failure(readFilm("none"))).status, 404);
    })
  ));

Deno.test("what is no answer of the API is told in words too", async () => {
  const { fetch } = globalThis;
  const answers: [string, () => Promise<Response>, RegExp][] = [
    ["no network", () => Promise.reject(new TypeError("Failed to fetch")), /could not be reached/],
    ["a proxy's page", () => Promise.resolve(new Response("<h1>502</h1>")), /could not be reached/],
    ["another shape", () => Promise.resolve(Response.json({ a: 1 })), /does not understand/],
  ];
  try {
    for (const [what, answer, words] of answers) {
      globalThis.fetch = answer;
      const error = await failure(readRoom("main"));
      assert.equal(error.status, null, what);
      assert.match(error.message, words, what);
    }
  } finally {
    globalThis.fetch = fetch;
  }
});

Deno.test("names become parts of paths, whatever is in them", () => {
  assert.equal(roomEventsPath("a/b?c"), "/api/rooms/a%2Fb%3Fc/events");
});
