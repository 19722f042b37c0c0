import assert from "node:assert/strict";
import { openFixture } from "./fixture.ts";

const FILES = {
  "static/styles.css": "body { margin: 0 }",
  "static/deep/a.txt": "deep",
  "routes/index.tsx": `import { asset } from "fresh/runtime";
    export default () => <div><a href={asset("/styles.css")}>css</a><img src="/deep/x.png" /></div>;`,
};

/** The style sheet's address that is locked to the build. */
const lockedIn = (html: string) => /href="(\/styles\.css\?[^"]+)"/.exec(html)?.[1] ?? "";

Deno.test("static files are served with their type and length", async () => {
  await using app = await openFixture(FILES);
  const response = await app.get("/styles.css");
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type") ?? "", /^text\/css/);
  assert.equal(response.headers.get("content-length"), "18");
  assert.equal(await response.text(), "body { margin: 0 }");
  assert.equal(await app.text("/deep/a.txt"), "deep");
});

Deno.test("HEAD of a file has headers and no body; other methods are refused", async () => {
  await using app = await openFixture(FILES);
  const head = await app.get("/styles.css", { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-length")], [200, "18"]);
  assert.equal(await head.text(), "");
  const post = await app.get("/styles.css", { method: "POST" });
  assert.equal(post.status, 405);
  await post.body?.cancel();
});

Deno.test("asset() and image sources are locked to the build and kept for a year", async () => {
  await using app = await openFixture(FILES);
  const html = await app.text("/");
  assert.match(html, /src="\/deep\/x\.png\?[^"]+"/);
  const response = await app.get(lockedIn(html));
  await response.body?.cancel();
  assert.equal(response.headers.get("cache-control"), "public, max-age=31536000, immutable");
  const plain = await app.get("/styles.css");
  await plain.body?.cancel();
  assert.doesNotMatch(plain.headers.get("cache-control") ?? "", /immutable/);
});

Deno.test("an address locked to another build leads to the plain one", async () => {
  await using app = await openFixture(FILES);
  const locked = lockedIn(await app.text("/"));
  const response = await app.get(locked.replace(/=.*/, "=another"));
  assert.equal(response.status, 307);
  assert.equal(response.headers.get("location"), "/styles.css");
});

Deno.test("nothing outside the static folder is served", async () => {
  await using app = await openFixture({ ...FILES, "secret.txt": "secret" });
  const outside = ["/../secret.txt", "/%2e%2e/secret.txt", "/deep/..%2f..%2fsecret.txt", "/%00"];
  for (const path of outside) {
    const response = await app.get(path);
    assert.ok(response.status >= 400, path);
    assert.notEqual(await response.text(), "secret");
  }
});

Deno.test("the first of several static folders wins", async () => {
  const files = { "one/a.txt": "one", "two/a.txt": "two", "two/b.txt": "b" };
  await using app = await openFixture(files, { staticDir: ["one", "two"] });
  assert.deepEqual([await app.text("/a.txt"), await app.text("/b.txt")], ["one", "b"]);
});
