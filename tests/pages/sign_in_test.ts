import assert from "node:assert/strict";
import { PASSWORD } from "../support/test_services.ts";
import { assertPage, assertRedirect, test } from "./support.ts";

test("the sign-in form works without JavaScript and keeps where to go", async (app) => {
  const form = await app.get("/sign-in?next=%2Frooms%3Fa%3D%22b");
  assertPage(form, 200, '<label for="password">Password</label>', 'type="password"');
  assertPage(form, 200, ">Sign in</button>");
  assert.doesNotMatch(form.body, /<script/);
  const done = await app.post("/sign-in", { password: PASSWORD, next: "/rooms?a=1" });
  assertRedirect(done, "/rooms?a=1");
  assert.match(done.headers.get("set-cookie") ?? "", /HttpOnly; SameSite=Lax/);
});

test("signing in never leads to another site", async (app) => {
  for (const next of ["https://evil.example/", "//evil.example", "/\\evil.example", "x"]) {
    const done = await app.post("/sign-in", { password: PASSWORD, next });
    assertRedirect(done, /^\/(?![/\\])/);
    assert.doesNotMatch(done.headers.get("location") ?? "", /evil/);
  }
});

test("a wrong password is refused in words, and not shown again", async (app) => {
  const wrong = await app.post("/sign-in", { password: "not-this-one", next: "/host" });
  assertPage(wrong, 401, "That is not the password");
  assert.doesNotMatch(wrong.body, /not-this-one/);
  assert.equal(wrong.headers.get("set-cookie"), null);
  assertPage(await app.post("/sign-in", {}), 400);
  assertPage(await app.post("/sign-in", { password: "x".repeat(5000) }), 400);
});

test("guessing on and on is stopped, and says for how long", async (app) => {
  let answer = await app.post("/sign-in", { password: "guess-0" });
  for (let i = 1; i < 20 && answer.status === 401; i++) {
    answer = await app.post("/sign-in", { password: `guess-${i}` });
  }
  assertPage(answer, 429, "Too many attempts");
  assert.match(answer.headers.get("retry-after") ?? "", /^\d+$/);
});

test("signing out forgets the admin", async (app) => {
  const done = await app.admin.post("/sign-out");
  assertRedirect(done);
  assert.match(done.headers.get("set-cookie") ?? "", /Max-Age=0/);
});

test("a form from another site changes nothing", async (app) => {
  const room = { name: "court", title: "Court" };
  assertPage(await app.admin.post("/rooms", room, { "sec-fetch-site": "cross-site" }), 403);
  assert.equal(await app.services.store.rooms.get("court"), null);
});

test("what is no form, or far too much of one, is refused as such", async (app) => {
  assertPage(await app.post("/sign-in", {}, { "content-type": "application/json" }), 400);
  const huge = await app.post("/sign-in", { password: "x".repeat(100_000) });
  assertPage(huge, 413, "That is too much");
});
