import assert from "node:assert/strict";
import { App, staticFiles } from "fresh";
import { openFixture } from "./fixture.ts";

const FILES = {
  "routes/_app.tsx":
    `export default ({ Component }) => <html lang="en"><head><title>App</title></head><body><Component /></body></html>;`,
  "routes/_layout.tsx":
    `export default ({ Component }) => <main><Component /></main>;`,
  "routes/_middleware.ts":
    `export default async (ctx) => { ctx.state.word = "hi"; const res = await ctx.next(); res.headers.set("x-root", "1"); return res; };`,
  "routes/_error.tsx":
    `export default ({ error }) => <p>Error {error.status ?? 500}: {error.message}</p>;`,
  "routes/index.tsx": `export default ({ state }) => <h1>{state.word}</h1>;`,
  "routes/count.tsx":
    `import Counter from "../islands/Counter.tsx"; import { signal } from "@preact/signals"; export default () => <Counter count={signal(3)} at={new Date(0)} text="</script>" />;`,
  "islands/Counter.tsx":
    `export default ({ count, at }) => <button onClick={() => count.value++}>{count} {at.getTime()}</button>;`,
};

Deno.test("a page is rendered inside its layout and the app wrapper", async () => {
  await using app = await openFixture(
    FILES,
    new App().use(staticFiles()).fsRoutes(),
  );
  const response = await app.get("/");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-root"), "1");
  const html = await response.text();
  assert.match(
    html,
    /^<!DOCTYPE html><html lang="en"><head><title>App<\/title><\/head>/,
  );
  assert.match(html, /<body><main><h1>hi<\/h1><\/main><\/body>/);
});
