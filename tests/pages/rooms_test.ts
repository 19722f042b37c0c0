import assert from "node:assert/strict";
import { assertPage, assertRedirect, test } from "./support.ts";

test("an admin makes a room, renames it and deletes it after being asked", async (app) => {
  const { rooms } = app.services.store;
  assertRedirect(await app.admin.post("/rooms", { name: "court-4", title: "Court <4>" }));
  const list = await app.admin.get("/rooms");
  assertPage(list, 200, 'href="/rooms/court-4"', /Court &lt;4(&gt;|>)/);
  assert.doesNotMatch(list.body, /<script/);
  assertPage(await app.get("/rooms/court-4"), 200);

  assertRedirect(await app.admin.post("/rooms/court-4/edit", { title: "Court 5" }));
  assert.equal((await rooms.get("court-4"))?.title, "Court 5");
  assert.equal((await rooms.get("court-4"))?.strategy, "dual-session");

  assertPage(await app.admin.get("/rooms/court-4/delete"), 200, "Delete “Court 5”?");
  assertRedirect(await app.admin.post("/rooms/court-4/delete"));
  assertPage(await app.get("/rooms/court-4"), 404);
});

test("what cannot be a room is refused in words, and the form keeps what was typed", async ({ admin }) => {
  const bad = await admin.post("/rooms", { name: "No Spaces", title: "Mine" });
  assertPage(bad, 400, "lower-case letters", 'value="Mine"');
  assertPage(await admin.post("/rooms", { name: "a", title: "" }), 400);
  await admin.post("/rooms", { name: "a", title: "A" });
  assertPage(await admin.post("/rooms", { name: "a", title: "B" }), 409, "already");
  assertPage(await admin.post("/rooms/a/edit", { title: " " }), 400);
  assertPage(await admin.post("/rooms/none/edit", { title: "x" }), 404);
});

test("nobody signed out changes a room", async (app) => {
  const { rooms } = app.services.store;
  await app.admin.post("/rooms", { name: "a", title: "A" });
  for (const path of ["/rooms", "/rooms/a/edit", "/rooms/a/delete"]) {
    assertRedirect(await app.post(path, { name: "b", title: "B" }), /^\/sign-in\?next=/);
  }
  assert.equal((await rooms.get("a"))?.title, "A");
  assert.equal(await rooms.get("b"), null);
  assert.doesNotMatch((await app.get("/rooms")).body, /Create room|Edit|Delete/);
});

test("an admin chooses how a room hands over; the host page and the list say so", async (app) => {
  const { admin, services: { store: { rooms } } } = app;
  const fields = { name: "a", title: "A", strategy: "simultaneous" };
  assertRedirect(await admin.post("/rooms", fields));
  assert.equal((await rooms.get("a"))?.strategy, "simultaneous");
  assertPage(await app.get("/rooms"), 200, "on the call’s own session");
  assertPage(await admin.get("/rooms/a/host"), 200, "hand over on the call’s own");

  assertPage(await admin.get("/host"), 200, "hand over through the secondary session");
  const main = { title: "Main room", strategy: "simultaneous" };
  assertRedirect(await admin.post("/rooms/main/edit", main));
  assertPage(await admin.get("/host"), 200, "hand over on the call’s own session");
  const edit = await admin.get("/rooms/main/edit");
  assertPage(edit, 200, /<option [^>]*selected[^>]*>on the call/);

  await admin.post("/rooms/main/edit", { title: "Main room", strategy: "nonsense" });
  assert.equal((await rooms.get("main"))?.strategy, "simultaneous");
  await admin.post("/rooms", { ...fields, name: "b", strategy: "nonsense" });
  assert.equal((await rooms.get("b"))?.strategy, "dual-session");
});
