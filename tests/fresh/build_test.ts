import assert from "node:assert/strict";
import { untilPrinted, writeFixture } from "./fixture.ts";

Deno.test("a production build serves pages, islands and static files with ETags, by deno serve", async () => {
  const root = await writeFixture({
    "dev.ts": `import { Builder } from "fresh/dev"; await new Builder().build();`,
    "main.ts":
      `import { App, staticFiles } from "fresh"; export const app = new App().use(staticFiles()).fsRoutes();`,
    "islands/Word.tsx": `export default ({ word }) => <b>{word}</b>;`,
    "static/a.txt": "text",
    "routes/index.tsx":
      `import Word from "../islands/Word.tsx"; import { asset } from "fresh/runtime";
      export default () => <div><Word word="built" /><a href={asset("/a.txt")}>file</a></div>;`,
  });
  const args = ["run", "-A", "dev.ts"];
  const build = new Deno.Command(Deno.execPath(), { args, cwd: root, stdout: "null" });
  assert.ok((await build.output()).success);
  const server = new Deno.Command(Deno.execPath(), {
    args: ["serve", "-A", "--port", "0", "--host", "127.0.0.1", "_fresh/server.js"],
    cwd: root,
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const printed = server.stderr.pipeThrough(new TextDecoderStream());
  try {
    const origin = await untilPrinted(printed, /http:\/\/127\.0\.0\.1:\d+/);
    const html = await (await fetch(origin)).text();
    assert.match(html, /<b>built<\/b>/);
    const modules = Array.from(html.matchAll(/from "([^"]+\.js)"/g), ([, path]) => path ?? "");
    assert.ok(modules.length >= 2);
    for (const path of modules) {
      const response = await fetch(origin + path);
      assert.equal(response.status, 200);
      assert.match(response.headers.get("cache-control") ?? "", /immutable/);
      await response.body?.cancel();
    }
    const href = /href="([^"]+)"/.exec(html)?.[1]?.replaceAll("&amp;", "&") ?? "";
    const file = await fetch(origin + href);
    assert.match(file.headers.get("cache-control") ?? "", /immutable/);
    const etag = file.headers.get("etag") ?? "";
    assert.match(etag, /^W\/"[^"]+"$/);
    assert.equal(await file.text(), "text");
    const again = await fetch(origin + href, { headers: { "if-none-match": etag } });
    assert.equal(again.status, 304);
  } finally {
    server.kill("SIGKILL");
    await server.status;
    await printed.cancel();
    await Deno.remove(root, { recursive: true });
  }
});
