import assert from "node:assert/strict";
import { archive, assertPage, assertRedirect, test } from "./support.ts";

const rowsOf = (body: string) =>
  [...body.matchAll(/Archive (\d+)<\/a>/g)].map(([, n]) => Number(n));

test(
  "/history shows five archives a page, newest first, with the ways to the others",
  async (app) => {
    const first = await app.get("/history");
    assertPage(first, 200, /href="\/history\?page=2"[^>]*>Older →</);
    assert.deepEqual(rowsOf(first.body), [12, 11, 10, 9, 8]);
    assert.doesNotMatch(first.body, /← Newer|<script/);

    const second = await app.get("/history?page=2");
    assertPage(second, 200, /href="\/history\?page=1"[^>]*>← Newer</);
    assertPage(second, 200, /href="\/history\?page=3"[^>]*>Older →</);
    assert.deepEqual(rowsOf(second.body), [7, 6, 5, 4, 3]);

    const last = await app.get("/history?page=3");
    assert.deepEqual(rowsOf(last.body), [2, 1]);
    assert.doesNotMatch(last.body, /Older →/);
  },
  { archives: Array.from({ length: 12 }, (_, i) => archive(i + 1)) },
);

test("a page number that is none leads to the first page; one too far says so", async (app) => {
  for (const page of ["0", "-1", "abc", "1.5", "1e3", "99999999", ""]) {
    assertRedirect(await app.get(`/history?page=${page}`), "/history");
  }
  assertPage(await app.get("/history?page=9"), 404, "There is no page 9");
}, { archives: [archive(1)] });

test("without archives the history says how to make one", async (app) => {
  assertPage(await app.get("/history"), 200, "Nothing recorded yet", 'href="/host"');
});

test("a row tells name, time, duration and status; only a finished file is a link", async (app) => {
  const page = await app.admin.get("/history", { "accept-language": "de" });
  assertPage(
    page,
    200,
    /<a href="\/download\/archive-1">&lt;i(&gt;|>)One/,
    "1:02:03",
    "Untitled",
  );
  assertPage(page, 200, /<time datetime="2026-05-03T10:01:00\.000Z">[^<]*Mai/);
  assert.doesNotMatch(page.body, /<i>One|href="\/download\/archive-[23]"/);
  assert.equal(page.body.match(/>Delete<\/button>/g)?.length, 2, "what runs cannot be deleted");
}, {
  archives: [
    archive(1, { name: "<i>One</i> & only", durationSeconds: 3_723 }),
    archive(2, { status: "started", name: "Running", url: null, durationSeconds: 0 }),
    archive(3, { status: "stopped", name: "", url: null }),
  ],
});

test("deleting asks first, deletes once and returns to the first page", async (app) => {
  const path = "/history/archive-1/delete";
  assertPage(await app.admin.get(path), 200, "Delete “Archive 1”?");
  for (let i = 0; i < 2; i++) assertRedirect(await app.admin.post(path), "/history");
  assert.deepEqual(rowsOf((await app.get("/history")).body), [2]);
}, { archives: [archive(1), archive(2)] });

test("what the platform will not delete yet is said on the page", async (app) => {
  assertPage(await app.admin.post("/history/archive-1/delete"), 409, 'role="alert"');
}, { archives: [archive(1, { status: "stopped" })] });

test("nobody signed out deletes, nor sees the button", async (app) => {
  assertRedirect(await app.post("/history/archive-1/delete"), /^\/sign-in/);
  const { body } = await app.get("/history");
  assert.deepEqual(rowsOf(body), [1]);
  assert.doesNotMatch(body, /Delete/);
}, { archives: [archive(1)] });

test(
  "/download leads to the file, which is never kept; without a file it says why",
  async (app) => {
    const file = await app.get("/download/archive-1");
    assertRedirect(file, "https://files.example/archive-1.mp4", 302);
    assert.equal(file.headers.get("cache-control"), "no-store");
    assertPage(await app.get("/download/archive-2"), 409);
    assertPage(await app.get("/download/archive-3"), 410);
    assertPage(await app.get("/download/nope"), 404);
    assertPage(await app.get("/download/..%2F..%2Fsession"), 404);
  },
  {
    archives: [
      archive(1),
      archive(2, { status: "stopped", url: null }),
      archive(3, { status: "expired", url: null }),
    ],
  },
);
