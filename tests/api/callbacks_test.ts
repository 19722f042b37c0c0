import assert from "node:assert/strict";
import { SignJWT } from "jose";
import { MAX_AGE_SECONDS } from "../../lib/api/callbacks.ts";
import { sha256 } from "../../lib/auth/password.ts";
import { assertProblem, type TestServer, withServer } from "./server.ts";

const SECRET = "the-signature-secret-of-the-account";
/** A real project, of which nothing is called. */
const REAL = { API_KEY: "1", API_SECRET: "s", OPENTOK_API_URL: "http://127.0.0.1:1" };
const BODY = JSON.stringify({ id: "a1", event: "archive", status: "available" });

interface Signing {
  secret?: string;
  body?: string;
  ageSeconds?: number;
  jti?: string;
}

async function signature({ secret = SECRET, body = BODY, ageSeconds = 0, jti }: Signing = {}) {
  return await new SignJWT({ payload_hash: (await sha256(body)).toHex() })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuedAt(Math.floor(Date.now() / 1000) - ageSeconds)
    .setJti(jti ?? crypto.randomUUID())
    .sign(new TextEncoder().encode(secret));
}

/** Sends callbacks, and notes which archives and sessions they made the app look at. */
async function withCallbacks(
  env: Record<string, string>,
  test: (
    send: (body: string, token?: string, kind?: string) => ReturnType<TestServer["ask"]>,
    hints: string[],
  ) => Promise<void>,
): Promise<void> {
  await withServer(async ({ ask, services }) => {
    const hints: string[] = [];
    services.chains.hint = (archiveId) => Promise.resolve(void hints.push(archiveId));
    services.chains.hintSession = (sessionId) => Promise.resolve(void hints.push(sessionId));
    const send = (body: string, token?: string, kind = "archive") =>
      ask("POST", `/api/callbacks/${kind}`, {
        body,
        headers: token ? { authorization: `Bearer ${token}` } : {},
      });
    await test(send, hints);
  }, env);
}

Deno.test("a signed callback makes the app look at its archive, once", () =>
  withCallbacks({ SIGNATURE_SECRET: SECRET }, async (send, hints) => {
    const token = await signature();
    assert.equal((await send(BODY, token)).status, 204);
    assert.equal((await send(BODY, token)).status, 204);
    assert.deepEqual(hints, ["a1"]);
    assert.equal((await send(BODY, await signature())).status, 204);
    assert.deepEqual(hints, ["a1", "a1"]);
  }));

Deno.test("a callback that is not rightly signed is refused", () =>
  withCallbacks({ SIGNATURE_SECRET: SECRET }, async (send, hints) => {
    const wrong: Signing[] = [
      { secret: "another-signature-secret-altogether" },
      { body: BODY.replace("a1", "a2") },
      { ageSeconds: MAX_AGE_SECONDS + 120 },
      { ageSeconds: -600 },
    ];
    for (const signing of wrong) {
      assertProblem(await send(BODY, await signature(signing)), 401, /signature/);
    }
    assertProblem(await send(BODY, "not.a.token"), 401);
    assertProblem(await send(BODY), 503, /unsigned/);
    assert.deepEqual(hints, []);
  }));

Deno.test("unsigned callbacks are taken as hints only where no secret is set", async () => {
  await withCallbacks(REAL, async (send, hints) => {
    assert.equal((await send(BODY)).status, 204);
    assert.deepEqual(hints, ["a1"]);
    assertProblem(await send("{"), 400, /not JSON/);
    assertProblem(await send("{}"), 400, /id/);
  });
  await withCallbacks({}, async (send) => {
    assertProblem(await send(BODY), 503);
  });
});

/** As the platform documents session monitoring. */
const SESSION_BODY = JSON.stringify({
  sessionId: "s1",
  projectId: "123456",
  event: "streamDestroyed",
  reason: "clientDisconnected",
  timestamp: 1_470_258_896_953,
  stream: { id: "st1", connection: { id: "c1", createdAt: 1, data: "" }, createdAt: 2, name: "" },
});

Deno.test("session monitoring is taken like archive callbacks: signed, once, as a hint", async () => {
  await withCallbacks({ SIGNATURE_SECRET: SECRET }, async (send, hints) => {
    const token = await signature({ body: SESSION_BODY });
    assert.equal((await send(SESSION_BODY, token, "session")).status, 204);
    assert.equal((await send(SESSION_BODY, token, "session")).status, 204);
    assert.deepEqual(hints, ["s1"]);
    assertProblem(await send(SESSION_BODY, await signature(), "session"), 401, /signature/);
    const old = await signature({ body: SESSION_BODY, ageSeconds: MAX_AGE_SECONDS + 120 });
    assertProblem(await send(SESSION_BODY, old, "session"), 401, /signature/);
    assertProblem(await send(SESSION_BODY, undefined, "session"), 503, /unsigned/);
    assert.deepEqual(hints, ["s1"]);
  });
  await withCallbacks(REAL, async (send, hints) => {
    assert.equal((await send(SESSION_BODY, undefined, "session")).status, 204);
    assert.deepEqual(hints, ["s1"]);
    assertProblem(await send("{}", undefined, "session"), 400, /sessionId/);
  });
});

Deno.test("what is told of a session nobody records changes nothing", () =>
  withServer(async ({ ask }) => {
    const answer = await ask("POST", "/api/callbacks/session", { body: SESSION_BODY });
    assert.equal(answer.status, 204, answer.text);
  }, REAL));
