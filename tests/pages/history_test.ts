import assert from "node:assert/strict";
import { archive, withApp } from "./support.ts";

const rowsOf = (body: string) =>
  [...body.matchAll(/Archive (\d+)<\/a>/g)].map(([, n]) => Number(n));

Deno.test("/history shows five archives a page, newest first, with the ways to the others", async () => {
  const archives = Array.from({ length: 12 }, (_, i) => archive(i + 1));
  await withApp({ archives }, async (app) => {
    const first = await app.get("/history");
    assert.equal(first.status, 200);
    assert.deepEqual(rowsOf(first.body), [12, 11, 10, 9, 8]);
    assert.match(first.body, /href="\/history\?page=2"[^>]*>Older →</);
    assert.doesNotMatch(first.body, /← Newer/);
    assert.doesNotMatch(first.body, /<script/);

    const second = await app.get("/history?page=2");
    assert.deepEqual(rowsOf(second.body), [7, 6, 5, 4, 3]);
    assert.match(second.body, /href="\/history\?page=1"[^>]*>← Newer</);
    assert.match(second.body, /href="\/history\?page=3"[^>]*>Older →</);

    const last = await app.get("/history?page=3");
    assert.deepEqual(rowsOf(last.body), [2, 1]);
    assert.doesNotMatch(last.body, /Older →/);
  });
});

Deno.test("a page number that is none leads to the first page; one too far says so", async () => {
  await withApp({ archives: [archive(1)] }, async (app) => {
    for (const page of ["0", "-1", "abc", "1.5", "1e3", "99999999", ""]) {
      const { status, headers } = await app.get(`/history?page=${page}`);
      assert.equal(status, 303, page);
      assert.equal(headers.get("location"), "/history");
    }
    const far = await app.get("/history?page=9");
    assert.equal(far.status, 404);
    assert.match(far.body, /There is no page 9/);
  });
});

Deno.test("without archives the history says how to make one", async () => {
  await withApp({}, async (app) => {
    const { status, body } = await app.get("/history");
    assert.equal(status, 200);
    assert.match(body, /Nothing recorded yet/);
    assert.match(body, /href="\/host"/);
  });
});

Deno.test("a row tells name, time, duration and status; only a finished file is a link", async () => {
  const archives = [
    archive(1, { name: "<i>One</i> & only", durationSeconds: 3_723 }),
    archive(2, { status: "started", name: "Running", url: null, durationSeconds: 0 }),
    archive(3, { status: "stopped", name: "", url: null }),
  ];
  await withApp({ archives }, async (app) => {
    const { body } = await app.get("/history", {
      as: "admin",
      headers: { "accept-language": "de" },
    });
    assert.match(body, /<a href="\/download\/archive-1">&lt;i(&gt;|>)One/);
    assert.doesNotMatch(body, /<i>One/);
    assert.match(body, /1:02:03/);
    assert.match(body, /<time datetime="2026-05-03T10:01:00\.000Z">[^<]*Mai/);
    assert.doesNotMatch(body, /href="\/download\/archive-[23]"/);
    assert.match(body, /Untitled/);
    assert.equal(body.match(/>Delete<\/button>/g)?.length, 2, "what runs cannot be deleted");
  });
});

Deno.test("deleting asks first, deletes once and returns to the first page", async () => {
  await withApp({ archives: [archive(1), archive(2)] }, async (app) => {
    const as = "admin";
    const asked = await app.get("/history/archive-1/delete", { as });
    assert.equal(asked.status, 200);
    assert.match(asked.body, /Delete “Archive 1”\?/);
    for (let i = 0; i < 2; i++) {
      const done = await app.post("/history/archive-1/delete", {}, { as });
      assert.equal(done.status, 303);
      assert.equal(done.headers.get("location"), "/history");
    }
    assert.deepEqual(rowsOf((await app.get("/history")).body), [2]);
  });
});

Deno.test("what the platform will not delete yet is said on the page", async () => {
  await withApp({ archives: [archive(1, { status: "stopped" })] }, async (app) => {
    const { status, body } = await app.post("/history/archive-1/delete", {}, { as: "admin" });
    assert.equal(status, 409);
    assert.match(body, /role="alert"/);
  });
});

Deno.test("nobody signed out deletes, nor sees the button", async () => {
  await withApp({ archives: [archive(1)] }, async (app) => {
    const refused = await app.post("/history/archive-1/delete");
    assert.equal(refused.status, 303);
    assert.match(refused.headers.get("location") ?? "", /^\/sign-in/);
    const { body } = await app.get("/history");
    assert.deepEqual(rowsOf(body), [1]);
    assert.doesNotMatch(body, /Delete/);
  });
});

Deno.test("/download leads to the file, which is never kept; without a file it says why", async () => {
  const archives = [
    archive(1),
    archive(2, { status: "stopped", url: null }),
    archive(3, { status: "expired", url: null }),
  ];
  await withApp({ archives }, async (app) => {
    const file = await app.get("/download/archive-1");
    assert.equal(file.status, 302);
    assert.equal(file.headers.get("location"), "https://files.example/archive-1.mp4");
    assert.equal(file.headers.get("cache-control"), "no-store");
    assert.equal((await app.get("/download/archive-2")).status, 409);
    assert.equal((await app.get("/download/archive-3")).status, 410);
    assert.equal((await app.get("/download/nope")).status, 404);
    const odd = await app.get("/download/..%2F..%2Fsession");
    assert.equal(odd.status, 404);
    assert.match(odd.headers.get("content-type") ?? "", /^text\/html/);
  });
});
