import assert from "node:assert/strict";
import { openFixture } from "./fixture.ts";

const PAGES = {
  "routes/_app.tsx": `import type { PageProps } from "fresh";
    export default ({ Component, state }: PageProps<unknown, { title?: string }>) => (
      <html lang="en"><head><meta name="description" content="app" /><title>{state.title ?? "App"}</title></head>
      <body><Component /></body></html>
    );`,
  "routes/_layout.tsx": `export default ({ Component }) => <main><Component /></main>;`,
  "routes/_error.tsx": `import { HttpError } from "fresh";
    export default ({ error }) => <p>Error {error instanceof HttpError ? error.status : "unknown"}</p>;`,
  "routes/index.tsx": `export default () => <h1>Home</h1>;`,
  "routes/boom.tsx": `export default () => { throw new Error("boom"); };`,
  "routes/forbidden.ts": `import { HttpError } from "fresh";
    export const handler = () => { throw new HttpError(403); };`,
};

Deno.test("a page is rendered inside its layout and the app wrapper", async () => {
  await using app = await openFixture(PAGES);
  const response = await app.get("/");
  assert.equal(response.status, 200);
  const html = await response.text();
  assert.match(html, /^<!DOCTYPE html><html lang="en">/);
  assert.match(html, /<body><main><h1>Home<\/h1><\/main><\/body>/);
});

Deno.test("errors of every kind are shown by _error, with their status", async () => {
  await using app = await openFixture(PAGES);
  const errors = {
    "/nowhere": [404, "404"],
    "/forbidden": [403, "403"],
    "/boom": [500, "unknown"],
  };
  for (const [path, [status, shown]] of Object.entries(errors)) {
    const response = await app.get(path);
    assert.equal(response.status, status, path);
    assert.match(await response.text(), new RegExp(`<main><p>Error ${shown}</p></main>`));
  }
});

Deno.test("_404 is shown instead of _error when there is one", async () => {
  const files = { ...PAGES, "routes/_404.tsx": `export default () => <p>Lost</p>;` };
  await using app = await openFixture(files);
  assert.match(await app.text("/nowhere"), /<p>Lost<\/p>/);
  assert.match(await app.text("/forbidden"), /<p>Error 403<\/p>/);
});

Deno.test("the nearest _error answers for its folder", async () => {
  await using app = await openFixture({
    ...PAGES,
    "routes/api/_error.ts":
      `export const handler = (ctx) => Response.json({ problem: ctx.error.message }, { status: 422 });`,
    "routes/api/x.ts": `export const handler = { GET() { throw new Error("bad input"); } };`,
  });
  const response = await app.get("/api/x");
  assert.equal(response.status, 422);
  assert.deepEqual(await response.json(), { problem: "bad input" });
});

Deno.test("file names become patterns, the more specific first", async () => {
  const show = (name: string) =>
    `export const handler = (ctx) => Response.json(["${name}", ctx.params]);`;
  await using app = await openFixture({
    "routes/(group)/about.ts": show("about"),
    "routes/blog/[slug].ts": show("slug"),
    "routes/blog/index.ts": show("blog"),
    "routes/blog/new.ts": show("new"),
    "routes/blog/[slug]/comments.ts": show("comments"),
    "routes/docs/[[version]]/index.ts": show("docs"),
    "routes/old/[...path].ts": show("old"),
    "routes/old/page.html.ts": show("page"),
    "routes/over.ts": `export const config = { routeOverride: "/x/:id" };` + show("over"),
  });
  const found = [
    ["/about", "about", {}],
    ["/blog", "blog", {}],
    ["/blog/new", "new", {}],
    ["/blog/one", "slug", { slug: "one" }],
    ["/blog/one/comments", "comments", { slug: "one" }],
    ["/docs/latest", "docs", { version: "latest" }],
    ["/old/a/b", "old", { path: "a/b" }],
    ["/old/page.html", "page", {}],
    ["/x/7", "over", { id: "7" }],
  ] as const;
  for (const [path, name, params] of found) {
    assert.deepEqual(await app.json(path), [name, params], path);
  }
  assert.match(await app.text("/docs"), /^\["docs",/);
  assert.equal((await app.get("/over")).status, 404);
});

Deno.test("middlewares of folders and groups apply to what is in them, outermost first", async () => {
  const note = (name: string) =>
    `export default async (ctx) => { ctx.state.seen = [...ctx.state.seen ?? [], "${name}"]; return await ctx.next(); };`;
  const show = `export const handler = (ctx) => Response.json(ctx.state.seen);`;
  await using app = await openFixture({
    "routes/_middleware.ts": note("root"),
    "routes/(inside)/_middleware.ts": note("group"),
    "routes/(inside)/a.ts": show,
    "routes/rooms/[id]/_middleware.ts": `const a = ${note("x").slice(15)}
      const b = ${note("y").slice(15)}
      export default [a, b];`,
    "routes/rooms/[id]/index.ts": show,
    "routes/outside.ts": show,
  });
  assert.deepEqual(await app.json("/a"), ["root", "group"]);
  assert.deepEqual(await app.json("/rooms/1"), ["root", "x", "y"]);
  assert.deepEqual(await app.json("/outside"), ["root"]);
});

Deno.test("layouts follow the folders and can be skipped", async () => {
  await using app = await openFixture({
    ...PAGES,
    "routes/admin/_layout.tsx":
      `export default async ({ Component, state }) => <section><Component /></section>;`,
    "routes/admin/index.tsx": `export default () => <p>admin</p>;`,
    "routes/admin/alone.tsx":
      `export const config = { skipInheritedLayouts: true }; export default () => <p>alone</p>;`,
    "routes/admin/embed.tsx":
      `export const config = { skipAppWrapper: true, skipInheritedLayouts: true };
       export default () => <html><body><p>embed</p></body></html>;`,
  });
  assert.match(
    await app.text("/admin"),
    /<body><main><section><p>admin<\/p><\/section><\/main><\/body>/,
  );
  assert.match(await app.text("/admin/alone"), /<body><p>alone<\/p><\/body>/);
  assert.match(
    await app.text("/admin/embed"),
    /<html><body><p>embed<\/p><\/body><\/html>/,
  );
});

Deno.test("a handler's page() reaches its page, which may be async", async () => {
  await using app = await openFixture({
    "define.ts": `import { createDefine } from "fresh";
      export const define = createDefine<{ name: string }>();`,
    "routes/_middleware.ts": `import { define } from "../define.ts";
      export default define.middleware((ctx) => { ctx.state.name = "Ada"; return ctx.next(); });`,
    "routes/form.tsx": `import { page } from "fresh"; import { define } from "../define.ts";
      export const handler = define.handlers({
        GET: () => page({ error: "" }),
        POST: async (ctx) => page({ error: String((await ctx.req.formData()).get("x")) }, { status: 422 }),
      });
      export default define.page<typeof handler>(({ data, state }) => <p>{state.name}: {data.error}</p>);`,
    "routes/late.tsx": `import { define } from "../define.ts";
      export default define.page(async (ctx) => <p>{await Promise.resolve(ctx.state.name)}</p>);`,
  });
  assert.match(await app.text("/form"), /<p>Ada: <\/p>/);
  const body = new URLSearchParams({ x: "<b>" });
  const response = await app.get("/form", { method: "POST", body });
  assert.equal(response.status, 422);
  assert.match(await response.text(), /<p>Ada: &lt;b>|<p>Ada: &lt;b&gt;/);
  assert.match(await app.text("/late"), /<p>Ada<\/p>/);
});

Deno.test("<Head> moves its children into the head, in place of those of the same name", async () => {
  await using app = await openFixture({
    ...PAGES,
    "routes/about.tsx": `import { Head } from "fresh/runtime";
      export default () => <div><Head><title>About</title><meta name="description" content="page" />
        <meta property="og:title" content="og" /></Head><p>text</p></div>;`,
  });
  const html = await app.text("/about");
  const head = html.slice(html.indexOf("<head>"), html.indexOf("</head>"));
  assert.equal(head.match(/<title/g)?.length, 1);
  assert.match(head, /<title>About<\/title>/);
  assert.match(head, /content="og"/);
  assert.equal(head.match(/name="description"/g)?.length, 1);
  assert.match(head, /content="page"/);
  assert.match(html, /<body><main><div><p>text<\/p><\/div><\/main><\/body>/);
});
