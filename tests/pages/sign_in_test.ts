import assert from "node:assert/strict";
import { PASSWORD, withApp } from "./support.ts";

Deno.test("the sign-in form works without JavaScript and keeps where to go", async () => {
  await withApp({}, async (app) => {
    const { status, body } = await app.get("/sign-in?next=%2Frooms%3Fa%3D%22b");
    assert.equal(status, 200);
    assert.match(body, /<label for="password">Password<\/label>/);
    assert.match(body, /type="password"/);
    assert.match(body, />Sign in<\/button>/);
    assert.doesNotMatch(body, /<script/);
    const done = await app.post("/sign-in", { password: PASSWORD, next: "/rooms?a=1" });
    assert.equal(done.status, 303);
    assert.equal(done.headers.get("location"), "/rooms?a=1");
    assert.match(done.headers.get("set-cookie") ?? "", /HttpOnly; SameSite=Lax/);
  });
});

Deno.test("signing in never leads to another site", async () => {
  await withApp({}, async (app) => {
    for (const next of ["https://evil.example/", "//evil.example", "/\\evil.example", "x"]) {
      const { headers } = await app.post("/sign-in", { password: PASSWORD, next });
      assert.match(headers.get("location") ?? "", /^\/(?![/\\])/, next);
      assert.doesNotMatch(headers.get("location") ?? "", /evil/);
    }
  });
});

Deno.test("a wrong password is refused in words, and not shown again", async () => {
  await withApp({}, async (app) => {
    const wrong = await app.post("/sign-in", { password: "not-this-one", next: "/host" });
    assert.equal(wrong.status, 401);
    assert.match(wrong.body, /That is not the password/);
    assert.doesNotMatch(wrong.body, /not-this-one/);
    assert.equal(wrong.headers.get("set-cookie"), null);
    assert.equal((await app.post("/sign-in", {})).status, 400);
    assert.equal((await app.post("/sign-in", { password: "x".repeat(5000) })).status, 400);
  });
});

Deno.test("guessing on and on is stopped, and says for how long", async () => {
  await withApp({}, async (app) => {
    let answer = await app.post("/sign-in", { password: "guess-0" });
    for (let i = 1; i < 20 && answer.status === 401; i++) {
      answer = await app.post("/sign-in", { password: `guess-${i}` });
    }
    assert.equal(answer.status, 429);
    assert.match(answer.headers.get("retry-after") ?? "", /^\d+$/);
    assert.match(answer.body, /Too many attempts/);
  });
});

Deno.test("signing out forgets the admin", async () => {
  await withApp({}, async (app) => {
    const { status, headers } = await app.post("/sign-out", {}, { as: "admin" });
    assert.equal(status, 303);
    assert.match(headers.get("set-cookie") ?? "", /Max-Age=0/);
  });
});

Deno.test("a form from another site changes nothing", async () => {
  await withApp({}, async (app) => {
    const cross = { headers: { "sec-fetch-site": "cross-site" }, as: "admin" } as const;
    const { status } = await app.post("/rooms", { name: "court", title: "Court" }, cross);
    assert.equal(status, 403);
    assert.equal(await app.services.store.rooms.get("court"), null);
  });
});

Deno.test("what is no form, or far too much of one, is refused as such", async () => {
  await withApp({}, async (app) => {
    const json = await app.post("/sign-in", {}, {
      headers: { "content-type": "application/json" },
    });
    assert.equal(json.status, 400);
    const huge = await app.post("/sign-in", { password: "x".repeat(100_000) });
    assert.equal(huge.status, 413);
    assert.match(huge.body, /That is too much/);
  });
});
