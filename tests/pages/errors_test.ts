import assert from "node:assert/strict";
import { PlatformError, type PlatformErrorKind } from "../../lib/platform/platform.ts";
import { assertPage, test } from "./support.ts";

test("an error nobody expected says nothing of its insides", async (app) => {
  app.services.platform.listArchives = () => Promise.reject(new Error("secret-4711 at /srv/app"));
  const page = await app.get("/history");
  assertPage(page, 500, "Something went wrong");
  assert.match(page.headers.get("content-security-policy") ?? "", /script-src/);
  assert.doesNotMatch(page.body, /secret-4711|\/srv|<script/);
});

test("trouble with the video platform is told apart from trouble here", async (app) => {
  const statuses: [PlatformErrorKind, number][] = [
    ["unavailable", 503],
    ["timeout", 504],
    ["rate-limited", 503],
    ["unexpected", 502],
  ];
  for (const [kind, status] of statuses) {
    const error = new PlatformError(kind, "list archives", "Cannot list archives");
    app.services.platform.listArchives = () => Promise.reject(error);
    const page = await app.get("/history");
    assertPage(page, status, "The video platform does not answer", "Cannot list archives");
  }
});

test("in demo mode another name is answered with 421, which names PUBLIC_URL", async (app) => {
  const page = await app.get("http://rebound.example:8000/host");
  assertPage(page, 421, "PUBLIC_URL=http://rebound.example:8000");
  const api = await app.get("http://rebound.example/api/rooms");
  assert.equal(api.status, 421);
  assert.equal(api.headers.get("content-type"), "application/problem+json");
  for (const host of ["localhost", "127.0.0.1", "192.168.7.3", "[2001:db8::1]", "studio.lan"]) {
    assert.notEqual((await app.get(`http://${host}:8000/participant`)).status, 421, host);
  }
}, { env: { HOST: "studio.lan" } });

test("a method that a page does not know is 405", async (app) => {
  assertPage(await app.post("/history"), 405, "That does not work here");
});
