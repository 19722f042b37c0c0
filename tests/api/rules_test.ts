import assert from "node:assert/strict";
import { MAX_BODY_BYTES } from "../../lib/api/mod.ts";
import { PAGE_VERSION } from "../../lib/recording/views.ts";
import { cookieHeader } from "../support/test_services.ts";
import { assertJson, assertProblem, openServer, test, UNREACHABLE } from "./server.ts";

/** Every endpoint that changes something; only an admin may. */
const changes: [string, string, unknown?][] = [
  ["POST", "/api/rooms", { name: "x" }],
  ["POST", "/api/rooms/main", { title: "X" }],
  ["POST", "/api/rooms/main", { strategy: "simultaneous" }],
  ["DELETE", "/api/rooms/main"],
  ["POST", "/api/rooms/main/start", { name: "x" }],
  ["POST", "/api/rooms/main/restart"],
  ["POST", "/api/rooms/main/stop"],
  ["DELETE", "/api/chains/c1"],
  ["DELETE", "/api/archives/a1"],
  ["POST", "/api/orphans/a1/stop"],
  ["POST", "/api/orphans/a1/adopt"],
  ["POST", "/api/links", { scope: { kind: "room", room: "main" } }],
  ["DELETE", "/api/links/l1"],
  ...["", "/api"].flatMap((base): [string, string, unknown?][] => [
    ["POST", `${base}/archives`, { sessionName: "x" }],
    ["POST", `${base}/archives/a1/stop`],
    ["POST", `${base}/archives/a1/restart`, { sessionName: "x" }],
  ]),
];

/** What only those may see who were let in, when access is by link. */
const closed: [string, string, unknown?][] = [
  ["GET", "/api/rooms"],
  ["GET", "/api/rooms/main"],
  ["GET", "/api/rooms/main/events"],
  ["POST", "/api/rooms/main/join", { name: "x" }],
  ["POST", "/api/rooms/main/hint"],
  ["GET", "/api/chains"],
  ["GET", "/api/chains/c1"],
  ["GET", "/api/archives/a1"],
  ["GET", "/api/archives/a1/media"],
  ["GET", "/api/orphans"],
  ["GET", "/api/links"],
  ...["", "/api"].flatMap((base): [string, string][] => [
    ["GET", `${base}/archives`],
    ["GET", `${base}/archives?limit=5`],
    ["GET", `${base}/sessionIds`],
    ["GET", `${base}/tokens`],
  ]),
];

test("every changing endpoint refuses who is not signed in as admin", async ({ ask }) => {
  for (const [method, path, body] of changes) {
    const answer = await ask(method, path, body);
    assertProblem(answer, 401, /^Cannot .*sign in as admin/);
    assert.equal(answer.json.instance, path);
  }
});

test("every changing endpoint refuses what another site's page sends, an admin's too", async (server) => {
  const joins: typeof changes = [
    ["POST", "/api/rooms/main/join", { name: "x" }],
    ["POST", "/api/rooms/main/hint"],
  ];
  const elsewhere: Record<string, string>[] = [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { origin: "https://evil.example" },
  ];
  for (const headers of elsewhere) {
    const ask = server.askWith({ ...server.asAdmin, ...headers });
    for (const [method, path, body] of [...changes, ...joins]) {
      assertProblem(await ask(method, path, body), 403, /another site/);
    }
  }
});

test("access by link closes everything to who has none", async ({ ask }) => {
  for (const [method, path, body] of [...changes, ...closed]) {
    assertProblem(await ask(method, path, body), 401);
  }
}, { ACCESS: "links" });

test("hosting is for admins", async ({ ask, admin }) => {
  const body = { name: "Ada", host: true };
  assertProblem(await ask("POST", "/api/rooms/main/join", body), 401, /host the room "main"/);
  assert.equal(assertJson(await admin("POST", "/api/rooms/main/join", body)).role, "host");
});

/** Requests, sent by POST if they have a body, and the field and the message they are refused for. */
const bad: [what: string, path: string, field: string, message: RegExp, body?: unknown][] = [
  ["a missing name", "/api/rooms/main/join", "name", /./, {}],
  ["an empty name", "/api/rooms/main/join", "name", /Enter your name/, { name: "  " }],
  ["a long name", "/api/rooms/main/join", "name", /./, { name: "x".repeat(81) }],
  ["a room that cannot be", "/api/rooms/No%20Room", "room", /lower-case/],
  ["a new room's wrong name", "/api/rooms", "name", /lower-case/, { name: "-x" }],
  ["an unnamed archive", "/api/rooms/main/start", "name", /Give the archive/, { name: "" }],
  ["an archive of nothing", "/api/rooms/main/start", "options", /audio, video or both/, {
    name: "x",
    options: { hasAudio: false, hasVideo: false },
  }],
  ["a resolution that is none", "/api/rooms/main/start", "options.resolution", /./, {
    name: "x",
    options: { resolution: "1x1" },
  }],
  ["a cursor before the first", "/api/archives?limit=5&cursor=-1", "cursor", /./],
  ["a limit that is too large", "/api/chains?limit=1000", "limit", /./],
  ["a link to nothing", "/api/links", "scope.kind", /./, { scope: { kind: "house" } }],
];
for (const [what, path, field, message, body] of bad) {
  test(`the API names the field of ${what}`, async ({ admin }) => {
    const answer = await admin(body === undefined ? "GET" : "POST", path, body);
    assertProblem(answer, 400);
    const [error] = answer.json.errors;
    assert.equal(error.field, field);
    assert.match(error.message, message);
  });
}

test("the API refuses a body that is not JSON", async ({ ask }) => {
  assertProblem(await ask("POST", "/api/rooms/main/join", "{"), 400, /JSON/);
});

test("the API refuses a body that is too large", async ({ ask }) => {
  const body = { name: "x".repeat(MAX_BODY_BYTES) };
  assertProblem(await ask("POST", "/api/rooms/main/join", body), 413);
});

test("the API answers unknown addresses and methods with a problem", async ({ ask }) => {
  assertProblem(await ask("GET", "/api/nothing"), 404, /there is nothing there/);
  assertProblem(await ask("PUT", "/api/rooms"), 404);
});

test("the API says what is not there", async ({ admin }) => {
  const missing: [string, string, unknown?][] = [
    ["GET", "/api/rooms/elsewhere"],
    ["POST", "/api/rooms/elsewhere", { title: "X" }],
    ["POST", "/api/rooms/elsewhere/join", { name: "x" }],
    ["POST", "/api/rooms/elsewhere/start", { name: "x" }],
    ["GET", "/api/chains/c1"],
    ["DELETE", "/api/chains/c1"],
    ["GET", "/api/archives/a1"],
    ["GET", "/api/archives/a1/media"],
    ["POST", "/archives/a1/stop"],
    ["POST", "/archives/a1/restart", {}],
    ["DELETE", "/api/links/l1"],
    ["POST", "/api/links", { scope: { kind: "chain", chainId: "c1" } }],
  ];
  for (const [method, path, body] of missing) {
    assertProblem(await admin(method, path, body), 404);
  }
});

test("no answer may be kept by a cache", async ({ ask }) => {
  for (const path of ["/api/rooms", "/apiKey", "/healthz", "/api/nothing"]) {
    assert.equal((await ask("GET", path)).headers.get("cache-control"), "no-store", path);
  }
});

Deno.test("healthz answers 200 while store and platform answer, and 503 when one does not", async () => {
  await using well = await openServer();
  const healthy = assertJson(await well.ask("GET", "/healthz"));
  assert.deepEqual(healthy, { status: "ok", store: "ok", platform: "ok" });
  await using alone = await openServer(UNREACHABLE);
  const sick = assertJson(await alone.ask("GET", "/healthz"), 503);
  assert.deepEqual(sick, { status: "unavailable", store: "ok", platform: "unavailable" });
});

test("a deployment without credentials says which variables to set", async ({ ask, services }) => {
  assert.equal(services.emulator, null);
  for (const path of ["/api/rooms", "/apiKey", "/healthz"]) {
    assertProblem(await ask("GET", path), 503, /API_KEY, API_SECRET, ADMIN_PASSWORD/);
  }
}, { DENO_DEPLOYMENT_ID: "d1", ADMIN_PASSWORD: "" });

test("a link lets its holder join its room until it is revoked", async (server) => {
  const { admin, origin, services } = server;
  const wanted = { label: "Guests", scope: { kind: "room", room: "main" } };
  const made = assertJson(await admin("POST", "/api/links", wanted), 201);
  const [, token] = made.url.split(`${origin}/open/`);
  assert.ok(token);
  const opened = await services.auth.openLink(new Request(origin), token);
  const guest = server.askWith(cookieHeader(opened?.cookie ?? ""));
  const join = () => guest("POST", "/api/rooms/main/join", { name: "Ada" });
  assert.equal(assertJson(await join()).role, "participant");
  assertProblem(await guest("GET", "/api/archives"), 401);
  const list = assertJson(await admin("GET", "/api/links"));
  assert.deepEqual(list, { items: [made.link], cursor: null });
  assert.equal((await admin("DELETE", `/api/links/${made.link.id}`)).status, 204);
  assertProblem(await join(), 401);
}, { ACCESS: "links" });

test("lists are read on with a cursor, and show everything once", async ({ admin }) => {
  const names = ["a", "b", "c", "d", "e"];
  for (const name of names) {
    await admin("POST", "/api/rooms", { name });
    await admin("POST", "/api/links", { label: name, scope: { kind: "room", room: name } });
  }
  for (const [path, key] of [["/api/rooms", "name"], ["/api/links", "label"]] as const) {
    const seen: string[] = [];
    let query = "limit=2";
    for (let pages = 0; query !== ""; pages++) {
      assert.ok(pages < 3, path);
      const { items, cursor } = assertJson(await admin("GET", `${path}?${query}`));
      seen.push(...items.map((item: Record<string, string>) => item[key]));
      query = cursor === null ? "" : `limit=2&${new URLSearchParams({ cursor })}`;
    }
    assert.deepEqual(seen.sort(), names, path);
    assertProblem(await admin("GET", `${path}?cursor=%00nonsense`), 400);
  }
});

test("a join by a page of another version is refused with 410, one without a version is not", async ({ ask }) => {
  const join = (version?: number) => ask("POST", "/api/rooms/main/join", { name: "Ada", version });
  assertProblem(await join(PAGE_VERSION - 1), 410, /another version of Gapless/);
  assertJson(await join(PAGE_VERSION));
  assertJson(await join());
});
