import assert from "node:assert/strict";
import { App, csp, csrf, HttpError, page } from "fresh";
import { h } from "preact";

type State = { seen: string[] };

/** Asks an app for a path. */
function ask(app: App<State>, path: string, init?: RequestInit): Promise<Response> {
  return app.handler()(new Request(new URL(path, "http://localhost"), init));
}

/** Asks an app for a path; returns the status and the text of the answer. */
async function read(app: App<State>, path: string, init?: RequestInit): Promise<[number, string]> {
  const response = await ask(app, path, init);
  return [response.status, await response.text()];
}

const answer = (text: string) => () => new Response(text);
const fail = (error: Error) => (): never => {
  throw error;
};

Deno.test("a static route wins over a dynamic one that was added before it", async () => {
  const app = new App<State>()
    .get("/rooms/:id", (ctx) => new Response(`room ${ctx.params.id}`))
    .get("/rooms/new", answer("new"));
  assert.deepEqual(await read(app, "/rooms/new"), [200, "new"]);
  assert.deepEqual(await read(app, "/rooms/main"), [200, "room main"]);
});

Deno.test("of two dynamic routes the first that fits answers", async () => {
  const app = new App<State>().get("/:a/x", answer("first")).get("/y/:b", answer("second"));
  assert.deepEqual(await read(app, "/y/x"), [200, "first"]);
});

Deno.test("params are decoded and ctx.route is the pattern", async () => {
  const app = new App<State>().get(
    "/rooms/:id/:rest*",
    (ctx) => Response.json([ctx.route, ctx.params.id, ctx.params.rest]),
  );
  const response = await ask(app, "/rooms/caf%C3%A9%20one/a/b");
  assert.deepEqual(await response.json(), ["/rooms/:id/:rest*", "café one", "a/b"]);
});

Deno.test("an address that nothing answers is a 404", async () => {
  const [status] = await read(new App<State>().get("/", answer("home")), "/none");
  assert.equal(status, 404);
});

Deno.test("a method that a route does not answer is a 405", async () => {
  const app = new App<State>().get("/", answer("home"));
  const [status] = await read(app, "/", { method: "POST" });
  assert.equal(status, 405);
});

Deno.test("HEAD is answered by the GET handler, without a body", async () => {
  const app = new App<State>().get("/", () => new Response("home", { headers: { "x-a": "1" } }));
  const response = await ask(app, "/", { method: "HEAD" });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-a"), "1");
  assert.equal(await response.text(), "");
});

Deno.test("all() answers every method", async () => {
  const app = new App<State>().all("/any", (ctx) => new Response(ctx.req.method));
  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
    assert.deepEqual(await read(app, "/any", { method }), [200, method]);
  }
});

Deno.test("middlewares run in their order, and only for what is added after them", async () => {
  const note = (name: string) => (ctx: { state: State; next(): Promise<Response> }) => {
    ctx.state.seen = [...ctx.state.seen ?? [], name];
    return ctx.next();
  };
  const app = new App<State>()
    .use(note("a"), note("b"))
    .get("/early", (ctx) => Response.json(ctx.state.seen))
    .use(note("c"))
    .use("/deep", note("d"))
    .get("/late", (ctx) => Response.json(ctx.state.seen))
    .get("/deep/late", (ctx) => Response.json(ctx.state.seen));
  assert.deepEqual(await (await ask(app, "/early")).json(), ["a", "b"]);
  assert.deepEqual(await (await ask(app, "/late")).json(), ["a", "b", "c"]);
  assert.deepEqual(await (await ask(app, "/deep/late")).json(), ["a", "b", "c", "d"]);
});

Deno.test("every request has a state of its own", async () => {
  const app = new App<State>().get("/", (ctx) => {
    ctx.state.seen = [...ctx.state.seen ?? [], "x"];
    return Response.json(ctx.state.seen);
  });
  const handler = app.handler();
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(await (await handler(new Request("http://localhost/"))).json(), ["x"]);
  }
});

Deno.test("a middleware that answers keeps the request from what is further in", async () => {
  const app = new App<State>().use(answer("closed")).get("/", answer("open"));
  assert.deepEqual(await read(app, "/"), [200, "closed"]);
});

Deno.test("redirect() answers 302 or the status given, and never leaves for //host", async () => {
  const app = new App<State>()
    .get("/a", (ctx) => ctx.redirect("/b?x=//y"))
    .get("/c", (ctx) => ctx.redirect("https://example.com/", 307))
    .get("/d", (ctx) => ctx.redirect("//evil.example/"));
  const a = await ask(app, "/a");
  assert.deepEqual([a.status, a.headers.get("location")], [302, "/b?x=//y"]);
  const c = await ask(app, "/c");
  assert.deepEqual([c.status, c.headers.get("location")], [307, "https://example.com/"]);
  assert.equal((await ask(app, "/d")).headers.get("location"), "/evil.example/");
});

Deno.test("what a handler throws reaches the nearest error handler as ctx.error", async () => {
  const app = new App<State>()
    .onError("*", (ctx) => new Response(`outer ${ctx.error}`, { status: 500 }))
    .onError("/api", (ctx) => new Response(`inner ${ctx.error}`, { status: 418 }))
    .get("/api/x", fail(new Error("one")))
    .get("/x", fail(new Error("two")));
  assert.deepEqual(await read(app, "/api/x"), [418, "inner Error: one"]);
  assert.deepEqual(await read(app, "/x"), [500, "outer Error: two"]);
});

Deno.test("notFound() answers unknown addresses and every HttpError 404", async () => {
  const app = new App<State>()
    .notFound(() => new Response("nothing here", { status: 404 }))
    .get("/gone", fail(new HttpError(404)));
  for (const path of ["/gone", "/unknown"]) {
    assert.deepEqual(await read(app, path), [404, "nothing here"]);
  }
});

Deno.test("an HttpError without an error page answers with its status and message", async () => {
  const app = new App<State>().get("/", fail(new HttpError(403, "Admins only")));
  assert.deepEqual(await read(app, "/"), [403, "Admins only"]);
});

Deno.test("a middleware can answer for what threw further in", async () => {
  const app = new App<State>()
    .use(async (ctx) => {
      try {
        return await ctx.next();
      } catch (error) {
        const status = error instanceof HttpError ? error.status : 500;
        return ctx.render(h("p", null, "Sorry"), { status });
      }
    })
    .get("/", answer("home"));
  const [status, html] = await read(app, "/unknown");
  assert.equal(status, 404);
  assert.match(html, /<p>Sorry<\/p>/);
});

Deno.test("render() writes a whole document, with the status and headers given", async () => {
  const app = new App<State>().get(
    "/",
    (ctx) => ctx.render(h("h1", null, "Tea"), { status: 418, headers: { "x-tea": "green" } }),
  );
  const response = await ask(app, "/");
  assert.equal(response.status, 418);
  assert.equal(response.headers.get("x-tea"), "green");
  assert.match(response.headers.get("content-type") ?? "", /^text\/html; *charset=utf-8$/);
  assert.match(await response.text(), /^<!DOCTYPE html><html><head>.*<h1>Tea<\/h1>.*<\/html>$/s);
});

Deno.test("route() gives the handler's data, status and headers to its component", async () => {
  const app = new App<State>().route("/about/:name", {
    handler: { GET: (ctx) => page(ctx.params.name, { status: 201, headers: { "x-b": "2" } }) },
    component: ({ data, url }) => h("h1", null, `${data} at ${url.pathname}`),
  });
  const response = await ask(app, "/about/fresh");
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("x-b"), "2");
  assert.match(await response.text(), /<h1>fresh at \/about\/fresh<\/h1>/);
});

Deno.test("layouts nest inside the app wrapper, and may skip what they inherit", async () => {
  const app = new App<State>()
    .appWrapper(({ Component }) => h("html", null, h("body", { class: "app" }, h(Component, null))))
    .layout("*", ({ Component }) => h("main", null, h(Component, null)))
    .layout("/admin", async ({ Component }) => h("section", null, await h(Component, null)))
    .layout("/bare", ({ Component }) => h("div", null, h(Component, null)), {
      skipInheritedLayouts: true,
      skipAppWrapper: true,
    })
    .get("/admin/x", (ctx) => ctx.render(h("p", null, "x")))
    .get("/bare/x", (ctx) => ctx.render(h("p", null, "x")));
  const [, nested] = await read(app, "/admin/x");
  assert.match(nested, /<body class="app"><main><section><p>x<\/p><\/section><\/main><\/body>/);
  const [, bare] = await read(app, "/bare/x");
  assert.match(bare, /<body><div><p>x<\/p><\/div><\/body>/);
});

Deno.test("a streamed response arrives as it is written", async () => {
  const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
  const app = new App<State>()
    .use((ctx) => ctx.next())
    .get("/", () => new Response(readable, { headers: { "content-type": "text/event-stream" } }));
  await using server = Deno.serve({ port: 0, onListen() {} }, app.handler());
  const response = await fetch(`http://127.0.0.1:${server.addr.port}/`);
  const reader = response.body?.getReader();
  const writer = writable.getWriter();
  for (const word of ["data: 1\n\n", "data: 2\n\n"]) {
    await writer.write(new TextEncoder().encode(word));
    assert.equal(new TextDecoder().decode((await reader?.read())?.value), word);
  }
  await writer.close();
  await reader?.cancel();
});

Deno.test("a handler can turn its request into a WebSocket, through middlewares", async () => {
  const app = new App<State>().use((ctx) => ctx.next()).get("/socket", (ctx) => {
    const { socket, response } = Deno.upgradeWebSocket(ctx.req);
    socket.onmessage = ({ data }) => socket.send(`echo ${data}`);
    return response;
  });
  await using server = Deno.serve({ port: 0, onListen() {} }, app.handler());
  const socket = new WebSocket(`ws://127.0.0.1:${server.addr.port}/socket`);
  socket.onopen = () => socket.send("hello");
  const echoed = await new Promise((resolve) => socket.onmessage = ({ data }) => resolve(data));
  assert.equal(echoed, "echo hello");
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
});

Deno.test("csp() sets a policy, whose directives can be replaced", async () => {
  const app = new App<State>()
    .use(csp({ csp: ["img-src 'self' blob:", "child-src 'none'"] }))
    .get("/", answer("home"));
  const policy = (await ask(app, "/")).headers.get("content-security-policy") ?? "";
  const directives = policy.split("; ");
  assert.ok(directives.includes("default-src 'self'"));
  assert.ok(directives.includes("img-src 'self' blob:"));
  assert.ok(directives.includes("child-src 'none'"));
  assert.equal(directives.filter((directive) => directive.startsWith("img-src")).length, 1);
});

Deno.test("csp({ useNonce }) allows a page's inline scripts and styles by a new nonce each time", async () => {
  const app = new App<State>().use(csp({ useNonce: true })).get(
    "/",
    (ctx) => ctx.render(h("div", null, h("style", null, "p{}"), h("script", null, "1"))),
  );
  const nonces = new Set<string>();
  for (let i = 0; i < 2; i++) {
    const response = await ask(app, "/");
    const html = await response.text();
    const nonce = /<style nonce="([^"]+)"/.exec(html)?.[1] ?? "";
    assert.ok(nonce);
    assert.ok(html.includes(`<script nonce="${nonce}"`));
    const policy = response.headers.get("content-security-policy") ?? "";
    assert.match(policy, new RegExp(`script-src 'self' 'nonce-${nonce}'`));
    assert.match(policy, new RegExp(`style-src 'self' 'nonce-${nonce}'`));
    nonces.add(nonce);
  }
  assert.equal(nonces.size, 2);
});

Deno.test("csrf() lets through what the app's own pages send, and rejects other sites", async () => {
  const app = new App<State>().use(csrf()).all("/", answer("done"));
  const evil = { origin: "https://evil.example" };
  const posts: [headers: Record<string, string>, status: number][] = [
    [{ "sec-fetch-site": "same-origin" }, 200],
    [{ origin: "http://localhost" }, 200],
    [{}, 200],
    [{ "sec-fetch-site": "cross-site", ...evil }, 403],
    [evil, 403],
  ];
  for (const [headers, expected] of posts) {
    const [status] = await read(app, "/", { method: "POST", headers });
    assert.equal(status, expected, JSON.stringify(headers));
  }
  assert.deepEqual(await read(app, "/", { headers: evil }), [200, "done"]);
});
