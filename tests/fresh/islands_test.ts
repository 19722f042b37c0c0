import assert from "node:assert/strict";
import { App, csp, staticFiles } from "fresh";
import { openFixture } from "./fixture.ts";

const FILES = {
  "islands/Counter.tsx": `import type { Signal } from "@preact/signals";
    export default function Counter({ count }: { count: Signal<number> }) {
      return <button onClick={() => count.value++}>{count}</button>;
    }`,
  "islands/Note.tsx": `export function Note({ text }: { text: string }) { return <p>{text}</p>; }`,
  "routes/index.tsx": `export default () => <h1>No island</h1>;`,
  "routes/count.tsx": `import { signal } from "@preact/signals";
    import Counter from "../islands/Counter.tsx";
    export default () => <Counter count={signal(3)} />;`,
  "routes/note.tsx": `import { Note } from "../islands/Note.tsx";
    export default () => <Note text={"</script><script>alert(1)</script><!--"} />;`,
  "routes/function.tsx": `import { Note } from "../islands/Note.tsx";
    export default () => <Note text={"x"} onSave={() => 1} />;`,
};

/** Opens the fixture's app under a strict policy. */
const openStrict = () =>
  openFixture(FILES, { app: new App().use(csp({ useNonce: true })).use(staticFiles()).fsRoutes() });

Deno.test("a page without an island ships no JavaScript", async () => {
  await using app = await openStrict();
  const response = await app.get("/");
  assert.doesNotMatch(await response.text(), /<script/);
  assert.equal(response.headers.get("link"), null);
});

Deno.test("an island is rendered on the server and its modules are served for a year", async () => {
  await using app = await openStrict();
  const html = await app.text("/count");
  assert.match(html, /<button[^>]*>3<\/button>/);
  const modules = Array.from(html.matchAll(/from "([^"]+\.js)"/g), ([, path]) => path ?? "");
  assert.ok(modules.length >= 2);
  for (const path of modules) {
    const module = await app.get(path);
    assert.equal(module.status, 200);
    assert.match(module.headers.get("content-type") ?? "", /javascript/);
    assert.match(module.headers.get("cache-control") ?? "", /immutable/);
    await module.body?.cancel();
  }
});

Deno.test("the boot script carries the nonce of the policy", async () => {
  await using app = await openStrict();
  const response = await app.get("/count");
  const nonce = /<script[^>]* nonce="([^"]+)"/.exec(await response.text())?.[1];
  assert.ok(nonce);
  const policy = response.headers.get("content-security-policy") ?? "";
  assert.ok(policy.includes(`script-src 'self' 'nonce-${nonce}'`));
});

Deno.test("props cannot end the script that carries them", async () => {
  await using app = await openStrict();
  const html = await app.text("/note");
  assert.equal(html.match(/<\/script>/g)?.length, 1);
  assert.doesNotMatch(html.slice(html.indexOf("<script")), /<!--/);
});

Deno.test("a function among the props of an island is an error", async () => {
  const app = new App().onError("*", (ctx) => new Response(String(ctx.error), { status: 500 }))
    .use(staticFiles()).fsRoutes();
  await using fixture = await openFixture(FILES, { app });
  assert.equal((await fixture.get("/function")).status, 500);
});
