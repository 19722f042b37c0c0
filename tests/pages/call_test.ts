import assert from "node:assert/strict";
import { assertPage, assertRedirect, test } from "./support.ts";

const LINKS = { env: { ACCESS: "links" } };

test("/ and /participant show the main room's call and lead to every other page", async (app) => {
  for (const path of ["/", "/participant", "/rooms/main"]) {
    const page = await app.get(path);
    assertPage(page, 200, /<title>Main room · Gapless<\/title>/, "/call.css", "/styles.css");
    assert.match(page.body, /<script[^>]+type="module"/, "the call is an island");
    assert.match(page.headers.get("cache-control") ?? "", /private/);
    for (const href of ["/host", "/participant", "/history", "/player", "/rooms"]) {
      assert.ok(page.body.includes(`href="${href}"`), `${path} links to ${href}`);
    }
  }
});

test("the host's pages are for admins: others are led to sign in and back", async (app) => {
  for (const path of ["/host", "/rooms/main/host"]) {
    assertRedirect(await app.get(path), `/sign-in?next=${encodeURIComponent(path)}`);
    assertPage(await app.admin.get(path), 200, "Sign out");
  }
});

test("the samples' addresses lead to ours", async (app) => {
  const moved = { "/admin": "/host", "/admin.html": "/host", "/player.html": "/player" };
  for (const [from, to] of Object.entries(moved)) assertRedirect(await app.get(from), to, 308);
});

test("a room nobody made is a 404 page with the way out and no script", async (app) => {
  const page = await app.get("/rooms/%3Cb%3Enope");
  assertPage(page, 404, "There is no room", 'href="/rooms"');
  assert.match(page.headers.get("content-security-policy") ?? "", /script-src/);
  assert.doesNotMatch(page.body, /<b>nope|<script/);
});

test("an address that leads nowhere is a 404 page", async (app) => {
  assertPage(await app.get("/no/such/page"), 404, "There is nothing here");
});

test(
  "with ACCESS=links a stranger is asked for a link, on every page that shows something",
  async (app) => {
    for (const path of ["/", "/rooms/main", "/rooms", "/history", "/player", "/player/x"]) {
      assertPage(await app.get(path), 403, "link", 'href="/sign-in?next=');
    }
  },
  LINKS,
);

test("a link opens its room and nothing else; a withdrawn one says so", async (app) => {
  const { token } = await app.services.auth.createLink({
    label: "guests",
    scope: { kind: "room", room: "main" },
    expiresInMs: 60_000,
  });
  const opened = await app.get(`/open/${token}`);
  assertRedirect(opened, "/rooms/main");
  const guest = app.withCookieOf(opened);
  assertPage(await guest.get("/rooms/main"), 200);
  assertPage(await guest.get("/history"), 403);
  assertPage(await app.get("/open/0123456789abcdef"), 404, "expired or was withdrawn");
}, LINKS);
