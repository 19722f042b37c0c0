import assert from "node:assert/strict";
import { storeChain } from "../support/stored_chain.ts";
import { assertPage, assertRedirect, test } from "./support.ts";

const tokenIn = (body: string) => /value="[^"]*(\/open\/[0-9a-f]+)"/.exec(body)?.[1];

test("an admin makes a link to a recording, gives it away and withdraws it", async (app) => {
  await storeChain(app.services.store, { id: "c1", name: "Seminar" });
  assertPage(await app.admin.get("/links?chain=c1"), 200, "Watch: Seminar");
  const fields = { target: "chain c1", label: "<Ann>", hours: "24" };
  const made = await app.admin.post("/links?chain=c1", fields);
  assertPage(made, 200, "&lt;Ann");
  assert.equal(made.headers.get("cache-control"), "no-store");
  assert.doesNotMatch(made.body, /<script/);
  const path = tokenIn(made.body);
  assert.ok(path);

  const opened = await app.get(path);
  assertRedirect(opened, "/player/c1");
  const viewer = app.withCookieOf(opened);
  assertPage(await viewer.get("/player/c1"), 200);
  assertPage(await viewer.get("/player/c2"), 403);

  const list = await app.admin.get("/links");
  assert.equal(tokenIn(list.body), undefined, "its address is shown once");
  const revoke = /action="(\/links\/[^"]+\/revoke)"/.exec(list.body)?.[1] ?? "";
  assertRedirect(await app.admin.post(revoke));
  assertPage(await app.get(path), 404);
  assertPage(await viewer.get("/player/c1"), 403);
}, { env: { ACCESS: "links" } });

test("a link is made only for what is there", async (app) => {
  for (const target of ["chain nope", "room nope", "", "house main", "room"]) {
    assertRedirect(await app.admin.post("/links", { target, hours: "24" }));
  }
  assertRedirect(await app.admin.post("/links", { target: "room main", hours: "99999" }));
  assertPage(await app.admin.get("/links"), 200, "No links");
});

test("nobody signed out sees or makes links", async (app) => {
  assertRedirect(await app.get("/links"), /^\/sign-in/);
  assertRedirect(await app.post("/links", { target: "room main", hours: "1" }), /^\/sign-in/);
  assertPage(await app.admin.get("/links"), 200, "No links");
});
