import assert from "node:assert/strict";
import { withApp } from "./support.ts";

Deno.test("/ and /participant show the main room's call and lead to every other page", async () => {
  await withApp({}, async (app) => {
    for (const path of ["/", "/participant", "/rooms/main"]) {
      const { status, headers, body } = await app.get(path);
      assert.equal(status, 200, path);
      assert.match(headers.get("content-type") ?? "", /^text\/html/);
      assert.match(headers.get("cache-control") ?? "", /private/);
      assert.match(body, /<title>Main room · Gapless<\/title>/);
      assert.match(body, /<script[^>]+type="module"/, "the call is an island");
      assert.match(body, /\/call\.css/);
      assert.match(body, /\/styles\.css/);
      for (const href of ["/host", "/participant", "/history", "/player", "/rooms"]) {
        assert.ok(body.includes(`href="${href}"`), `${path} links to ${href}`);
      }
    }
  });
});

Deno.test("the host's pages are for admins: others are led to sign in and back", async () => {
  await withApp({}, async (app) => {
    for (const path of ["/host", "/rooms/main/host"]) {
      const out = await app.get(path);
      assert.equal(out.status, 303, path);
      assert.equal(out.headers.get("location"), `/sign-in?next=${encodeURIComponent(path)}`);
      const admin = await app.get(path, { as: "admin" });
      assert.equal(admin.status, 200, path);
      assert.match(admin.body, /Sign out/);
    }
  });
});

Deno.test("the samples' addresses lead to ours", async () => {
  await withApp({}, async (app) => {
    const moved = { "/admin": "/host", "/admin.html": "/host", "/player.html": "/player" };
    for (const [from, to] of Object.entries(moved)) {
      const { status, headers } = await app.get(from);
      assert.equal(status, 308, from);
      assert.equal(headers.get("location"), to);
    }
  });
});

Deno.test("a room nobody made is a 404 page with the way out and no script", async () => {
  await withApp({}, async (app) => {
    const { status, headers, body } = await app.get("/rooms/%3Cb%3Enope");
    assert.equal(status, 404);
    assert.match(headers.get("content-type") ?? "", /^text\/html/);
    assert.match(headers.get("content-security-policy") ?? "", /script-src/);
    assert.match(body, /There is no room/);
    assert.match(body, /href="\/rooms"/);
    assert.doesNotMatch(body, /<b>nope/);
    assert.doesNotMatch(body, /<script/);
  });
});

Deno.test("an address that leads nowhere is a 404 page", async () => {
  await withApp({}, async (app) => {
    const { status, body } = await app.get("/no/such/page");
    assert.equal(status, 404);
    assert.match(body, /There is nothing here/);
  });
});

Deno.test("with ACCESS=links a stranger is asked for a link, on every page that shows something", async () => {
  await withApp({ env: { ACCESS: "links" } }, async (app) => {
    for (const path of ["/", "/rooms/main", "/rooms", "/history", "/player", "/player/x"]) {
      const { status, body } = await app.get(path);
      assert.equal(status, 403, path);
      assert.match(body, /link/);
      assert.match(body, /href="\/sign-in\?next=/);
    }
  });
});

Deno.test("a link opens its room and nothing else; a withdrawn one says so", async () => {
  await withApp({ env: { ACCESS: "links" } }, async (app) => {
    const { token } = await app.services.auth.createLink({
      label: "guests",
      scope: { kind: "room", room: "main" },
      expiresInMs: 60_000,
    });
    const opened = await app.get(`/open/${token}`);
    assert.equal(opened.status, 303);
    assert.equal(opened.headers.get("location"), "/rooms/main");
    const cookie = opened.headers.get("set-cookie")?.split(";")[0] ?? "";
    assert.equal((await app.get("/rooms/main", { headers: { cookie } })).status, 200);
    assert.equal((await app.get("/history", { headers: { cookie } })).status, 403);
    const unknown = await app.get("/open/0123456789abcdef");
    assert.equal(unknown.status, 404);
    assert.match(unknown.body, /expired or was withdrawn/);
  });
});

Deno.test("deployed without credentials every page names the variables to set", async () => {
  await withApp({}, async (app) => {
    const missing = { kind: "missing", variables: ["API_KEY", "API_SECRET"] } as const;
    const config = { ...app.services.config, platform: missing };
    Object.assign(app.services, { config });
    for (const path of ["/", "/history", "/sign-in"]) {
      const { status, body } = await app.get(path);
      assert.equal(status, 503, path);
      assert.match(body, /API_KEY/);
      assert.match(body, /API_SECRET/);
    }
  });
});
