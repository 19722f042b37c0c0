import assert from "node:assert/strict";
import { storeChain, withApp } from "./support.ts";

const as = "admin";
const tokenIn = (body: string) => /value="[^"]*(\/open\/[0-9a-f]+)"/.exec(body)?.[1];

Deno.test("an admin makes a link to a recording, gives it away and withdraws it", async () => {
  await withApp({ env: { ACCESS: "links" } }, async (app) => {
    await storeChain(app.services, { id: "c1", name: "Seminar" });
    const form = await app.get("/links?chain=c1", { as });
    assert.match(form.body, /Watch: Seminar/);
    const fields = { target: "chain c1", label: "<Ann>", hours: "24" };
    const made = await app.post("/links?chain=c1", fields, { as });
    assert.equal(made.status, 200);
    assert.equal(made.headers.get("cache-control"), "no-store");
    const path = tokenIn(made.body);
    assert.ok(path);
    assert.match(made.body, /&lt;Ann/);
    assert.doesNotMatch(made.body, /<script/);

    const opened = await app.get(path);
    assert.equal(opened.headers.get("location"), "/player/c1");
    const cookie = opened.headers.get("set-cookie")?.split(";")[0] ?? "";
    assert.equal((await app.get("/player/c1", { headers: { cookie } })).status, 200);
    assert.equal((await app.get("/player/c2", { headers: { cookie } })).status, 403);

    const list = await app.get("/links", { as });
    assert.equal(tokenIn(list.body), undefined, "its address is shown once");
    const revoke = /action="(\/links\/[^"]+\/revoke)"/.exec(list.body)?.[1] ?? "";
    assert.equal((await app.post(revoke, {}, { as })).status, 303);
    assert.equal((await app.get(path)).status, 404);
    assert.equal((await app.get("/player/c1", { headers: { cookie } })).status, 403);
  });
});

Deno.test("a link is made only for what is there", async () => {
  await withApp({}, async (app) => {
    for (const target of ["chain nope", "room nope", "", "house main", "room"]) {
      const { status } = await app.post("/links", { target, hours: "24" }, { as });
      assert.equal(status, 303, target);
    }
    const forever = await app.post("/links", { target: "room main", hours: "99999" }, { as });
    assert.equal(forever.status, 303);
    assert.match((await app.get("/links", { as })).body, /No links/);
  });
});

Deno.test("nobody signed out sees or makes links", async () => {
  await withApp({}, async (app) => {
    assert.equal((await app.get("/links")).status, 303);
    const { status, headers } = await app.post("/links", { target: "room main", hours: "1" });
    assert.equal(status, 303);
    assert.match(headers.get("location") ?? "", /^\/sign-in/);
    assert.match((await app.get("/links", { as })).body, /No links/);
  });
});
