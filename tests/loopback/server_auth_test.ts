import assert from "node:assert/strict";
import { SignJWT } from "jose";
import OpenTok from "opentok";
import { openPlatform, TestClient, type TestPlatform } from "./server_support.ts";

const DAY = 86_400;
const nowSeconds = () => Math.floor(Date.now() / 1000);

function sign(platform: TestPlatform, claims: Record<string, unknown>, secret?: string) {
  return new SignJWT({
    iss: platform.loopback.apiKey,
    ist: "project",
    iat: nowSeconds(),
    ...claims,
  })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(secret ?? platform.loopback.apiSecret));
}

async function list(platform: TestPlatform, headers: HeadersInit, key?: string): Promise<number> {
  const url = `${platform.base}/v2/project/${key ?? platform.loopback.apiKey}/archive`;
  const response = await fetch(url, { headers });
  await response.body?.cancel();
  return response.status;
}

Deno.test("REST takes the SDK's token in either header", async () => {
  await using platform = await openPlatform();
  const jwt = platform.sdk.jwt();
  assert.equal(await list(platform, { "x-opentok-auth": jwt }), 200);
  assert.equal(await list(platform, { authorization: `Bearer ${jwt}` }), 200);
});

Deno.test("REST answers 403 to a token that is missing, forged, expired, too long or not for REST", async () => {
  await using platform = await openPlatform();
  const exp = nowSeconds() + 60;
  const client = platform.sdk.token(await platform.session());
  const refused = {
    missing: {},
    garbage: { "x-opentok-auth": "a.b.c" },
    forged: { "x-opentok-auth": await sign(platform, { exp }, "another secret, as long as it") },
    foreign: { "x-opentok-auth": await sign(platform, { exp, iss: "123" }) },
    expired: { "x-opentok-auth": await sign(platform, { exp: nowSeconds() - 5 }) },
    endless: { "x-opentok-auth": await sign(platform, {}) },
    "too long": { "x-opentok-auth": await sign(platform, { exp: nowSeconds() + DAY }) },
    "of a client": { "x-opentok-auth": client },
    "short of a client": {
      "x-opentok-auth": await sign(platform, { exp, scope: "session.connect" }),
    },
  };
  for (const [why, headers] of Object.entries(refused)) {
    assert.equal(await list(platform, headers), 403, why);
  }
  assert.equal(await list(platform, { "x-opentok-auth": platform.sdk.jwt() }, "456"), 403);
});

Deno.test("an SDK with another secret is told that its key or secret is invalid", async () => {
  await using platform = await openPlatform();
  const wrong = new OpenTok(platform.loopback.apiKey, "wrong", platform.base);
  const error = await new Promise((resolve) => wrong.createSession({}, resolve));
  assert.match(String(error), /Invalid API key or secret/);
});

Deno.test("a client token is refused with a close code that a page can read", async () => {
  await using platform = await openPlatform();
  const sessionId = await platform.session();
  const { apiKey, apiSecret } = platform.loopback;
  const scope = "session.connect";
  const claims = { scope, session_id: sessionId, role: "publisher", exp: nowSeconds() + 60 };
  const unknown = new OpenTok(apiKey, apiSecret, platform.base)
    .generateToken(`1_${btoa(`1~${apiKey}~~1~x~~`)}`);
  const refused: [string, number][] = [
    ["", 4401],
    ["a.b.c", 4401],
    [platform.sdk.jwt(), 4401],
    [await sign(platform, { ...claims, exp: nowSeconds() - 5 }), 4401],
    [await sign(platform, { ...claims, role: "owner" }), 4401],
    [await sign(platform, claims, "another secret, as long as it"), 4401],
    [unknown, 4404],
  ];
  for (const [token, code] of refused) {
    const event = await TestClient.open(platform.base, token).closed;
    assert.equal(event.code, code, event.reason);
  }
  await (await TestClient.connect(platform.base, await sign(platform, claims))).leave();
});

Deno.test("the socket's address answers 426 to a plain request", async () => {
  await using platform = await openPlatform();
  const response = await fetch(`${platform.base}/socket?token=x`);
  assert.equal(response.status, 426);
  assert.match((await response.json()).message, /WebSockets only/);
});

Deno.test("key and secret stay the same after a restart", async () => {
  await using platform = await openPlatform();
  const { apiKey, apiSecret } = platform.loopback;
  await platform.restart();
  assert.deepEqual([platform.loopback.apiKey, platform.loopback.apiSecret], [apiKey, apiSecret]);
});
