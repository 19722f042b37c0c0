import assert from "node:assert/strict";
import { withApp } from "./support.ts";

Deno.test("an admin makes a room, renames it and deletes it after being asked", async () => {
  await withApp({}, async (app) => {
    const as = "admin";
    const made = await app.post("/rooms", { name: "court-4", title: "Court <4>" }, { as });
    assert.equal(made.status, 303);
    const list = await app.get("/rooms", { as });
    assert.match(list.body, /href="\/rooms\/court-4"/);
    assert.match(list.body, /Court &lt;4(&gt;|>)/, "names are escaped");
    assert.doesNotMatch(list.body, /<script/);
    assert.equal((await app.get("/rooms/court-4")).status, 200);

    const renamed = await app.post("/rooms/court-4/edit", { title: "Court 5" }, { as });
    assert.equal(renamed.status, 303);
    assert.equal((await app.services.store.rooms.get("court-4"))?.title, "Court 5");
    assert.equal((await app.services.store.rooms.get("court-4"))?.strategy, "dual-session");

    const asked = await app.get("/rooms/court-4/delete", { as });
    assert.equal(asked.status, 200);
    assert.match(asked.body, /Delete “Court 5”\?/);
    assert.equal((await app.post("/rooms/court-4/delete", {}, { as })).status, 303);
    assert.equal((await app.get("/rooms/court-4")).status, 404);
  });
});

Deno.test("what cannot be a room is refused in words, and the form keeps what was typed", async () => {
  await withApp({}, async (app) => {
    const as = "admin";
    const bad = await app.post("/rooms", { name: "No Spaces", title: "Mine" }, { as });
    assert.equal(bad.status, 400);
    assert.match(bad.body, /lower-case letters/);
    assert.match(bad.body, /value="Mine"/);
    assert.equal((await app.post("/rooms", { name: "a", title: "" }, { as })).status, 400);
    await app.post("/rooms", { name: "a", title: "A" }, { as });
    const twice = await app.post("/rooms", { name: "a", title: "B" }, { as });
    assert.equal(twice.status, 409);
    assert.match(twice.body, /already/);
    assert.equal((await app.post("/rooms/a/edit", { title: " " }, { as })).status, 400);
    assert.equal((await app.post("/rooms/none/edit", { title: "x" }, { as })).status, 404);
  });
});

Deno.test("nobody signed out changes a room", async () => {
  await withApp({}, async (app) => {
    await app.post("/rooms", { name: "a", title: "A" }, { as: "admin" });
    for (const path of ["/rooms", "/rooms/a/edit", "/rooms/a/delete"]) {
      const { status, headers } = await app.post(path, { name: "b", title: "B" });
      assert.equal(status, 303, path);
      assert.match(headers.get("location") ?? "", /^\/sign-in\?next=/);
    }
    assert.equal((await app.services.store.rooms.get("a"))?.title, "A");
    assert.equal(await app.services.store.rooms.get("b"), null);
    assert.doesNotMatch((await app.get("/rooms")).body, /Create room|Edit|Delete/);
  });
});

Deno.test("an admin chooses how a room hands over; the host page and the list say so", async () => {
  await withApp({}, async (app) => {
    const as = "admin";
    const { store } = app.services;
    const fields = { name: "a", title: "A", strategy: "simultaneous" };
    assert.equal((await app.post("/rooms", fields, { as })).status, 303);
    assert.equal((await store.rooms.get("a"))?.strategy, "simultaneous");
    assert.match((await app.get("/rooms")).body, /on the call’s own session/);
    assert.match((await app.get("/rooms/a/host", { as })).body, /hand over on the call’s own/);

    assert.match((await app.get("/host", { as })).body, /hand over through the secondary session/);
    const main = { title: "Main room", strategy: "simultaneous" };
    assert.equal((await app.post("/rooms/main/edit", main, { as })).status, 303);
    assert.match((await app.get("/host", { as })).body, /hand over on the call’s own session/);
    const edit = await app.get("/rooms/main/edit", { as });
    assert.match(edit.body, /<option [^>]*selected[^>]*>on the call/);

    await app.post("/rooms/main/edit", { title: "Main room", strategy: "nonsense" }, { as });
    assert.equal((await store.rooms.get("main"))?.strategy, "simultaneous");
    await app.post("/rooms", { ...fields, name: "b", strategy: "nonsense" }, { as });
    assert.equal((await store.rooms.get("b"))?.strategy, "dual-session");
  });
});
