import assert from "node:assert/strict";
import { PlatformError, type PlatformErrorKind } from "../../lib/platform/platform.ts";
import { withApp } from "./support.ts";

Deno.test("an error nobody expected says nothing of its insides", async () => {
  await withApp({}, async (app) => {
    app.services.platform.listArchives = () => Promise.reject(new Error("secret-4711 at /srv/app"));
    const { status, headers, body } = await app.get("/history");
    assert.equal(status, 500);
    assert.match(headers.get("content-type") ?? "", /^text\/html/);
    assert.match(headers.get("content-security-policy") ?? "", /script-src/);
    assert.match(body, /Something went wrong/);
    assert.doesNotMatch(body, /secret-4711|\/srv|<script/);
  });
});

Deno.test("trouble with the video platform is told apart from trouble here", async () => {
  await withApp({}, async (app) => {
    const statuses: [PlatformErrorKind, number][] = [
      ["unavailable", 503],
      ["timeout", 504],
      ["rate-limited", 503],
      ["unexpected", 502],
    ];
    for (const [kind, expected] of statuses) {
      app.services.platform.listArchives = () =>
        Promise.reject(
          new PlatformError(kind, "list archives", "Cannot list archives"),
        );
      const { status, body } = await app.get("/history");
      assert.equal(status, expected, kind);
      assert.match(body, /The video platform does not answer/);
      assert.match(body, /Cannot list archives/);
    }
  });
});

Deno.test("in demo mode another name is answered with 421, which names PUBLIC_URL", async () => {
  await withApp({ env: { HOST: "studio.lan" } }, async (app) => {
    const page = await app.get("http://rebound.example:8000/host");
    assert.equal(page.status, 421);
    assert.match(page.body, /PUBLIC_URL=http:\/\/rebound\.example:8000/);
    const api = await app.get("http://rebound.example/api/rooms");
    assert.equal(api.status, 421);
    assert.equal(api.headers.get("content-type"), "application/problem+json");
    for (const host of ["localhost", "127.0.0.1", "192.168.7.3", "[2001:db8::1]", "studio.lan"]) {
      assert.notEqual((await app.get(`http://${host}:8000/participant`)).status, 421, host);
    }
  });
});

Deno.test("a method that a page does not know is 405", async () => {
  await withApp({}, async (app) => {
    const { status, body } = await app.post("/history");
    assert.equal(status, 405);
    assert.match(body, /That does not work here/);
  });
});
