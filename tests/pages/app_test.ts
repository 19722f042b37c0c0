/** The whole app as `Deno.serve` would run it: its headers, its doors, its refusals. */
import assert from "node:assert/strict";
import { PASSWORD } from "../support/test_services.ts";
import { type Answer, assertPage, assertRedirect, test } from "./support.ts";

/** The sources of each directive of an answer's content security policy. */
function policyOf({ headers }: Answer): Map<string, string[]> {
  const policy = headers.get("content-security-policy");
  assert.ok(policy, "there is a content security policy");
  return new Map(
    policy.split("; ").map((directive) => {
      const [name = "", ...sources] = directive.split(" ");
      return [name, sources];
    }),
  );
}

test("every answer carries the security headers, errors and machines' answers too", async (app) => {
  const statuses = {
    "/participant": 200,
    "/sign-in": 200,
    "/nothing-here": 404,
    "/player/none": 404,
    "/api/rooms": 200,
    "/api/nothing": 404,
    "/apiKey": 200,
    "/healthz": 503,
    "/styles.css": 200,
    "/admin.html": 308,
  };
  for (const [path, status] of Object.entries(statuses)) {
    const answer = await app.get(path);
    assert.equal(answer.status, status, path);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff", path);
    assert.ok(answer.headers.get("referrer-policy"), path);
    assert.match(answer.headers.get("permissions-policy") ?? "", /camera=\(self\)/);
    assert.equal(answer.headers.get("strict-transport-security"), null);
    const policy = policyOf(answer);
    assert.deepEqual(policy.get("default-src"), ["'self'"], path);
    assert.deepEqual(policy.get("object-src"), ["'none'"], path);
    assert.deepEqual(policy.get("connect-src"), ["'self'"], "no real platform's address");
    assert.deepEqual(policy.get("frame-ancestors"), ["'none'"], path);
    assert.ok(!policy.get("script-src")?.includes("'unsafe-inline'"), path);
    assert.ok(!policy.has("upgrade-insecure-requests"), path);
  }
});

test("inline scripts run only by the nonce of their answer", async (app) => {
  const nonces = new Set<string>();
  for (const path of ["/participant", "/participant", "/nothing-here"]) {
    const page = await app.get(path);
    const [nonce] = (policyOf(page).get("script-src") ?? [])
      .flatMap((source) => source.match(/^'nonce-(.+)'$/)?.[1] ?? []);
    for (const [, attributes = ""] of page.body.matchAll(/<script([^>]*)>/g)) {
      if (/\ssrc=/.test(attributes)) continue;
      assert.ok(nonce && attributes.includes(`nonce="${nonce}"`), path + attributes);
    }
    if (nonce) nonces.add(nonce);
  }
  assert.ok(nonces.size >= 2);
});

test("only pages whose libraries need it allow styles without a nonce", async (app) => {
  const isInlineAllowed = async (path: string) =>
    policyOf(await app.get(path)).get("style-src")?.includes("'unsafe-inline'");
  const calls = ["/", "/participant", "/host", "/rooms/main", "/rooms/main/host"];
  for (const path of ["/player/some-chain", ...calls]) {
    assert.equal(await isInlineAllowed(path), true, path);
  }
  for (const path of ["/player", "/history", "/sign-in"]) {
    assert.equal(await isInlineAllowed(path), false, path);
  }
});

test("the real platform's addresses are allowed where it is the platform", async (app) => {
  const policy = policyOf(await app.get("/sign-in"));
  const sources = policy.get("connect-src") ?? [];
  for (const domain of ["opentok.com", "tokbox.com", "vonage.com"]) {
    assert.ok(sources.includes(`https://*.${domain}`), domain);
    assert.ok(sources.includes(`wss://*.${domain}`), domain);
  }
  for (const directive of ["connect-src", "media-src"]) {
    assert.ok(policy.get(directive)?.includes("http://127.0.0.1:1"), directive);
  }
}, { env: { API_KEY: "1", API_SECRET: "s", OPENTOK_API_URL: "http://127.0.0.1:1" } });

test("https is kept https", async (app) => {
  const page = await app.get("/sign-in");
  assert.ok(page.headers.get("strict-transport-security"));
  assert.ok(policyOf(page).has("upgrade-insecure-requests"));
}, { env: { PUBLIC_URL: "https://gapless.example" } });

test("signing in by the form opens what is for admins, from the site's own pages only", async (app) => {
  const form = { password: PASSWORD, next: "/host" };
  const foreign = await app.post("/sign-in", form, { "sec-fetch-site": "cross-site" });
  assertPage(foreign, 403);
  assert.equal(foreign.headers.get("set-cookie"), null);
  const own = await app.post("/sign-in", form);
  assertRedirect(own, "/host");
  assert.equal((await app.withCookieOf(own).get("/api/links")).status, 200);
});

test("an API refusal of another site is a problem, not a page", async (app) => {
  for (const path of ["/api/archives", "/archives"]) {
    const headers = { origin: "https://evil.example" };
    const answer = await app.ask(path, { method: "POST", headers });
    assert.equal(answer.status, 403);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
  }
});

test("a deployment without credentials shows on every page which variables to set", async (app) => {
  for (const path of ["/", "/host", "/history", "/player", "/sign-in"]) {
    assertPage(await app.get(path), 503, "API_KEY", "API_SECRET", "ADMIN_PASSWORD");
  }
}, { env: { DENO_DEPLOYMENT_ID: "d1", ADMIN_PASSWORD: "" } });
