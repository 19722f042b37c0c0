import assert from "node:assert/strict";
import { SignJWT } from "jose";
import OpenTok from "opentok";
import { FakeRecorder } from "./fake_recorder.ts";
import { openEmulator, type TestEmulator } from "./test_emulator.ts";
import { sessionInfo, WireClient } from "./wire_client.ts";

const DAY = 86_400;
const nowSeconds = () => Math.floor(Date.now() / 1000);

function sign(
  { emulator: { apiKey, apiSecret } }: TestEmulator,
  claims: Record<string, unknown>,
  secret = apiSecret,
): Promise<string> {
  return new SignJWT({ iss: apiKey, ist: "project", iat: nowSeconds(), ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(secret));
}

async function listStatus(
  platform: TestEmulator,
  headers: HeadersInit,
  key = platform.emulator.apiKey,
): Promise<number> {
  const url = `${platform.origin}/emulator/api.opentok.com/v2/project/${key}/archive`;
  const response = await fetch(url, { headers });
  await response.body?.cancel();
  return response.status;
}

Deno.test("REST accepts the SDK's token in either header", async () => {
  await using platform = await openEmulator();
  const jwt = platform.sdk.jwt();
  assert.equal(await listStatus(platform, { "x-opentok-auth": jwt }), 200);
  assert.equal(await listStatus(platform, { authorization: `Bearer ${jwt}` }), 200);
});

Deno.test("REST answers 403 to a token that is missing, forged, expired, long-lived or a client's", async () => {
  await using platform = await openEmulator();
  const exp = nowSeconds() + 60;
  const refused = {
    missing: undefined,
    garbage: "a.b.c",
    forged: await sign(platform, { exp }, "another secret of the same length"),
    "of another project": await sign(platform, { exp, iss: "123" }),
    expired: await sign(platform, { exp: nowSeconds() - 5 }),
    endless: await sign(platform, {}),
    "long-lived": await sign(platform, { exp: nowSeconds() + DAY }),
    "a client's": platform.sdk.token(await platform.sdk.createSession()),
    "a client's with a short life": await sign(platform, { exp, scope: "session.connect" }),
  };
  for (const [why, token] of Object.entries(refused)) {
    const headers = token === undefined ? undefined : { "x-opentok-auth": token };
    assert.equal(await listStatus(platform, headers ?? {}), 403, why);
  }
});

Deno.test("REST answers 403 to a token for a project that the address does not name", async () => {
  await using platform = await openEmulator();
  assert.equal(await listStatus(platform, { "x-opentok-auth": platform.sdk.jwt() }, "456"), 403);
});

Deno.test("an SDK with another secret reports invalid credentials", async () => {
  await using platform = await openEmulator();
  const { emulator: { apiKey }, origin } = platform;
  const wrong = new OpenTok(apiKey, "wrong", `${origin}/emulator/api.opentok.com`);
  const error = await new Promise((resolve) => wrong.createSession({}, resolve));
  assert.match(String(error), /Invalid API key or secret/);
});

Deno.test("session information refuses a bad token with status 200 and an error that the SDK reads", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const claims = {
    scope: "session.connect",
    session_id: sessionId,
    role: "publisher",
    exp: nowSeconds() + 60,
  };
  const refused = {
    garbage: "a.b.c",
    "of REST": platform.sdk.jwt(),
    expired: await sign(platform, { ...claims, exp: nowSeconds() - 5 }),
    "of an unknown role": await sign(platform, { ...claims, role: "owner" }),
    forged: await sign(platform, claims, "another secret of the same length"),
    "of another session": platform.sdk.token(await platform.sdk.createSession()),
  };
  for (const [why, token] of Object.entries(refused)) {
    const { error } = await sessionInfo(platform.origin, sessionId, token);
    assert.equal(error.code, 403, why);
    assert.deepEqual(error.errorMessage.code, 403);
  }
  assert.ok(
    (await sessionInfo(platform.origin, sessionId, await sign(platform, claims))).session_id,
  );
});

Deno.test("session information says that a session does not exist", async () => {
  await using platform = await openEmulator();
  const { apiKey } = platform.emulator;
  const unknown = `1_${btoa(`1~${apiKey}~~1~x~~`)}`;
  const { error } = await sessionInfo(platform.origin, unknown, platform.sdk.token(unknown));
  assert.match(error.errorMessage.message, /the session does not exist/);
});

Deno.test("a socket whose ticket was changed is closed with a code that ends reconnecting", async () => {
  await using platform = await openEmulator();
  const token = platform.sdk.token(await platform.sdk.createSession());
  const client = await WireClient.connect(platform.origin, token);
  await client.cut();
  const ticket = client.socketUrl.searchParams.get("ticket") ?? "";
  const [sessionId, tokenHash, signature] = ticket.split(".");
  const other = await platform.sdk.createSession();
  for (
    const ticket of ["", "x", `${other}.${tokenHash}.${signature}`, `${sessionId}.x.${signature}`]
  ) {
    const client = await WireClient.connect(platform.origin, token, { ticket });
    assert.equal((await client.closed).code, 1011, ticket);
  }
});

Deno.test("a socket's ticket does not replace the token of the join", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const token = platform.sdk.token(sessionId);
  const client = await WireClient.connect(platform.origin, token);
  for (const wrong of ["", platform.sdk.token(sessionId, { role: "moderator" })]) {
    assert.equal((await client.joinSession(wrong)).status, 403);
  }
  await client.cut();
});

Deno.test("nothing but a join is served before the join", async () => {
  await using platform = await openEmulator();
  const token = platform.sdk.token(await platform.sdk.createSession());
  const client = await WireClient.connect(platform.origin, token);
  assert.equal((await client.signal("chat", "")).status, 403);
  await client.cut();
});

Deno.test("a recorder with a bad token is closed", async () => {
  await using platform = await openEmulator();
  const recorder = await FakeRecorder.connect(platform.origin, platform.sdk.jwt());
  assert.equal((await recorder.closed).code, 1008);
});

Deno.test("a recorder's id belongs to its token", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const { recorder } = await platform.enter(sessionId);
  const token = platform.sdk.token(sessionId, { data: "someone else" });
  const other = await FakeRecorder.connect(platform.origin, token, { id: recorder.id });
  assert.equal((await other.closed).code, 1008);
});

Deno.test("addresses of sockets answer 426 to a plain request", async () => {
  await using platform = await openEmulator();
  for (const path of ["messaging.emulator/socket", "recorder"]) {
    const response = await fetch(`${platform.origin}/emulator/${path}`);
    assert.equal(response.status, 426);
    assert.match((await response.json()).message, /WebSockets only/);
  }
});

Deno.test("key and secret stay the same after a restart", async () => {
  await using platform = await openEmulator();
  const credentials = () => [platform.emulator.apiKey, platform.emulator.apiSecret];
  const before = credentials();
  await platform.restart();
  assert.deepEqual(credentials(), before);
});
