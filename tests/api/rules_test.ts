import assert from "node:assert/strict";
import { MAX_BODY_BYTES } from "../../lib/api/mod.ts";
import { PAGE_VERSION } from "../../lib/recording/views.ts";
import { assertJson, assertProblem, type TestServer, withServer } from "./server.ts";

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

Deno.test("every changing endpoint refuses who is not signed in as admin", () =>
  withServer(async ({ ask }) => {
    for (const [method, path, body] of changes) {
      const answer = await ask(method, path, { body });
      assertProblem(answer, 401, /^Cannot .*sign in as admin/);
      assert.equal(answer.json.instance, path);
    }
  }));

Deno.test("every changing endpoint refuses what another site's page sends, an admin's too", () =>
  withServer(async ({ ask }) => {
    const joins: typeof changes = [
      ["POST", "/api/rooms/main/join", { name: "x" }],
      ["POST", "/api/rooms/main/hint"],
    ];
    const elsewhere: Record<string, string>[] = [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { origin: "https://evil.example" },
    ];
    for (const [method, path, body] of [...changes, ...joins]) {
      for (const headers of elsewhere) {
        assertProblem(await ask(method, path, { as: "admin", body, headers }), 403, /another site/);
      }
    }
  }));

Deno.test("access by link closes everything to who has none", () =>
  withServer(async ({ ask }) => {
    for (const [method, path, body] of [...changes, ...closed]) {
      assertProblem(await ask(method, path, { body }), 401);
    }
  }, { ACCESS: "links" }));

Deno.test("hosting is for admins", () =>
  withServer(async ({ ask }) => {
    const body = { name: "Ada", host: true };
    assertProblem(await ask("POST", "/api/rooms/main/join", { body }), 401, /host the room "main"/);
    const join = assertJson(await ask("POST", "/api/rooms/main/join", { body, as: "admin" }));
    assert.equal(join.role, "host");
  }));

/** [what, method, path, body, field, words] */
const bad: [string, string, string, unknown, string, RegExp][] = [
  ["a missing name", "POST", "/api/rooms/main/join", {}, "name", /./],
  ["an empty name", "POST", "/api/rooms/main/join", { name: "  " }, "name", /Enter your name/],
  ["a long name", "POST", "/api/rooms/main/join", { name: "x".repeat(81) }, "name", /./],
  ["a room that cannot be", "GET", "/api/rooms/No%20Room", undefined, "room", /lower-case/],
  ["a new room's wrong name", "POST", "/api/rooms", { name: "-x" }, "name", /lower-case/],
  ["an unnamed archive", "POST", "/api/rooms/main/start", { name: "" }, "name", /Give the archive/],
  [
    "an archive of nothing",
    "POST",
    "/api/rooms/main/start",
    { name: "x", options: { hasAudio: false, hasVideo: false } },
    "options",
    /audio, video or both/,
  ],
  [
    "a resolution that is none",
    "POST",
    "/api/rooms/main/start",
    { name: "x", options: { resolution: "1x1" } },
    "options.resolution",
    /./,
  ],
  ["a cursor before the first", "GET", "/api/archives?limit=5&cursor=-1", undefined, "cursor", /./],
  ["a limit that is too large", "GET", "/api/chains?limit=1000", undefined, "limit", /./],
  [
    "a link to nothing",
    "POST",
    "/api/links",
    { scope: { kind: "house" } },
    "scope.kind",
    /./,
  ],
];
for (const [what, method, path, body, field, words] of bad) {
  Deno.test(`the API names the field of ${what}`, () =>
    withServer(async ({ ask }) => {
      const answer = await ask(method, path, { as: "admin", body });
      assertProblem(answer, 400);
      const [error] = answer.json.errors;
      assert.equal(error.field, field);
      assert.match(error.message, words);
    }));
}

Deno.test("the API refuses a body that is not JSON", () =>
  withServer(async ({ ask }) => {
    const answer = await ask("POST", "/api/rooms/main/join", { body: "{" });
    assertProblem(answer, 400, /JSON/);
  }));

Deno.test("the API refuses a body that is too large", () =>
  withServer(async ({ ask }) => {
    const body = { name: "x".repeat(MAX_BODY_BYTES) };
    assertProblem(await ask("POST", "/api/rooms/main/join", { body }), 413);
  }));

Deno.test("the API answers unknown addresses and methods with a problem", () =>
  withServer(async ({ ask }) => {
    assertProblem(await ask("GET", "/api/nothing"), 404, /there is nothing there/);
    assertProblem(await ask("PUT", "/api/rooms"), 404);
  }));

Deno.test("the API says what is not there", () =>
  withServer(async ({ ask }) => {
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
      assertProblem(await ask(method, path, { as: "admin", body }), 404);
    }
  }));

Deno.test("no answer may be kept by a cache", () =>
  withServer(async ({ ask }) => {
    for (const path of ["/api/rooms", "/apiKey", "/healthz", "/api/nothing"]) {
      assert.equal((await ask("GET", path)).headers.get("cache-control"), "no-store", path);
    }
  }));

Deno.test("healthz answers 200 while store and platform answer, and 503 when one does not", async () => {
  await withServer(async ({ ask }) => {
    const healthy = assertJson(await ask("GET", "/healthz"));
    assert.deepEqual(healthy, { status: "ok", store: "ok", platform: "ok" });
  });
  await withServer(async ({ ask }) => {
    const sick = assertJson(await ask("GET", "/healthz"), 503);
    assert.deepEqual(sick, { status: "unavailable", store: "ok", platform: "unavailable" });
  }, { API_KEY: "1", API_SECRET: "s", OPENTOK_API_URL: "http://127.0.0.1:1" });
});

Deno.test("a deployment without credentials says which variables to set", async () => {
  const env = { DENO_DEPLOYMENT_ID: "d1", ADMIN_PASSWORD: "" };
  await withServer(async ({ ask, services }) => {
    assert.equal(services.emulator, null);
    for (const path of ["/api/rooms", "/apiKey", "/healthz"]) {
      assertProblem(await ask("GET", path), 503, /API_KEY, API_SECRET, ADMIN_PASSWORD/);
    }
  }, env);
});

Deno.test("a link lets its holder join its room until it is revoked", () =>
  withServer(async (server) => {
    const { ask } = server;
    const made = assertJson(
      await ask("POST", "/api/links", {
        as: "admin",
        body: { label: "Guests", scope: { kind: "room", room: "main" } },
      }),
      201,
    );
    assert.ok(made.url.startsWith(`${server.origin}/open/`));
    const cookie = await cookieOf(server, made.url.split("/open/")[1]);
    const join = () =>
      ask("POST", "/api/rooms/main/join", { body: { name: "Ada" }, headers: { cookie } });
    assert.equal(assertJson(await join()).role, "participant");
    assertProblem(await ask("GET", "/api/archives", { headers: { cookie } }), 401);
    const list = assertJson(await ask("GET", "/api/links", { as: "admin" }));
    assert.deepEqual(list, { items: [made.link], cursor: null });
    assert.equal((await ask("DELETE", `/api/links/${made.link.id}`, { as: "admin" })).status, 204);
    assertProblem(await join(), 401);
  }, { ACCESS: "links" }));

async function cookieOf({ services, origin }: TestServer, token: string): Promise<string> {
  const opened = await services.auth.openLink(new Request(origin), token);
  assert.ok(opened);
  return opened.cookie.split(";")[0] ?? "";
}

Deno.test("lists are read on with a cursor, and show everything once", () =>
  withServer(async ({ ask }) => {
    const names = ["a", "b", "c", "d", "e"];
    for (const name of names) {
      await ask("POST", "/api/rooms", { as: "admin", body: { name } });
      const body = { label: name, scope: { kind: "room", room: name } };
      await ask("POST", "/api/links", { as: "admin", body });
    }
    for (const [path, key] of [["/api/rooms", "name"], ["/api/links", "label"]] as const) {
      const seen: string[] = [];
      let query = "limit=2";
      for (let pages = 0; query !== ""; pages++) {
        assert.ok(pages < 3, path);
        const { items, cursor } = assertJson(await ask("GET", `${path}?${query}`, { as: "admin" }));
        seen.push(...items.map((item: Record<string, string>) => item[key]));
        query = cursor === null ? "" : `limit=2&${new URLSearchParams({ cursor })}`;
      }
      assert.deepEqual(seen.sort(), names, path);
      const nonsense = await ask("GET", `${path}?cursor=%00nonsense`, { as: "admin" });
      assertProblem(nonsense, 400);
    }
  }));

Deno.test("a join by a page of another version is refused with 410, one without a version is not", () =>
  withServer(async ({ ask }) => {
    const join = (version?: number) =>
      ask("POST", "/api/rooms/main/join", { body: { name: "Ada", version } });
    assertProblem(await join(PAGE_VERSION - 1), 410, /another version of Gapless/);
    assertJson(await join(PAGE_VERSION));
    assertJson(await join());
  }));
