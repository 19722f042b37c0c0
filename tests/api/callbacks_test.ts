import assert from "node:assert/strict";
import { SignJWT } from "jose";
import { MAX_AGE_SECONDS } from "../../lib/api/callbacks.ts";
import { sha256 } from "../../lib/auth/password.ts";
import { type Answer, assertProblem, test, UNREACHABLE, withServer } from "./server.ts";

const SECRET = "the-signature-secret-of-the-account";
const BODY = JSON.stringify({ id: "a1", event: "archive", status: "available" });

interface Signing {
  secret?: string;
  body?: string;
  ageSeconds?: number;
}

async function signature({ secret = SECRET, body = BODY, ageSeconds = 0 }: Signing = {}) {
  return await new SignJWT({ payload_hash: (await sha256(body)).toHex() })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuedAt(Math.floor(Date.now() / 1000) - ageSeconds)
    .setJti(crypto.randomUUID())
    .sign(new TextEncoder().encode(secret));
}

type Send = (body: string, token?: string) => Promise<Answer>;

/** Runs a test that sends callbacks and notes which archives and sessions they made the app look at. */
async function withCallbacks(
  env: Record<string, string>,
  run: (send: Send, hints: string[]) => Promise<void>,
  kind = "archive",
): Promise<void> {
  await withServer(async ({ askWith, services: { chains } }) => {
    const hints: string[] = [];
    chains.hint = chains.hintSession = (id) => Promise.resolve(void hints.push(id));
    await run((body, token) => {
      const ask = askWith(token ? { authorization: `Bearer ${token}` } : {});
      return ask("POST", `/api/callbacks/${kind}`, body);
    }, hints);
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
  await withCallbacks(UNREACHABLE, async (send, hints) => {
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
    assert.equal((await send(SESSION_BODY, token)).status, 204);
    assert.equal((await send(SESSION_BODY, token)).status, 204);
    assert.deepEqual(hints, ["s1"]);
    assertProblem(await send(SESSION_BODY, await signature()), 401, /signature/);
    const old = await signature({ body: SESSION_BODY, ageSeconds: MAX_AGE_SECONDS + 120 });
    assertProblem(await send(SESSION_BODY, old), 401, /signature/);
    assertProblem(await send(SESSION_BODY), 503, /unsigned/);
    assert.deepEqual(hints, ["s1"]);
  }, "session");
  await withCallbacks(UNREACHABLE, async (send, hints) => {
    assert.equal((await send(SESSION_BODY)).status, 204);
    assert.deepEqual(hints, ["s1"]);
    assertProblem(await send("{}"), 400, /sessionId/);
  }, "session");
});

test("what is told of a session nobody records changes nothing", async ({ ask }) => {
  const answer = await ask("POST", "/api/callbacks/session", SESSION_BODY);
  assert.equal(answer.status, 204, answer.text);
}, UNREACHABLE);
