import assert from "node:assert/strict";
import { SignJWT } from "jose";
import { MAX_AGE_SECONDS } from "../../lib/api/callbacks.ts";
import { sha256 } from "../../lib/auth/password.ts";
import { type Answer, assertProblem, openServer, test, UNREACHABLE } from "./server.ts";

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

/** Opens a server that notes which archives and sessions callbacks make it look at. */
async function openCallbacks(env: Record<string, string>, kind: "archive" | "session" = "archive") {
  const server = await openServer(env);
  const { chains } = server.services;
  const hints: string[] = [];
  chains.hint = chains.hintSession = (id) => Promise.resolve(void hints.push(id));
  return {
    hints,
    send(body: string, token?: string): Promise<Answer> {
      const ask = server.askWith(token ? { authorization: `Bearer ${token}` } : {});
      return ask("POST", `/api/callbacks/${kind}`, body);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

Deno.test("a signed callback makes the app look at its archive, once", async () => {
  await using signed = await openCallbacks({ SIGNATURE_SECRET: SECRET });
  const token = await signature();
  assert.equal((await signed.send(BODY, token)).status, 204);
  assert.equal((await signed.send(BODY, token)).status, 204);
  assert.deepEqual(signed.hints, ["a1"]);
  assert.equal((await signed.send(BODY, await signature())).status, 204);
  assert.deepEqual(signed.hints, ["a1", "a1"]);
});

Deno.test("a callback that is not rightly signed is refused", async () => {
  await using signed = await openCallbacks({ SIGNATURE_SECRET: SECRET });
  const wrong: Signing[] = [
    { secret: "another-signature-secret-altogether" },
    { body: BODY.replace("a1", "a2") },
    { ageSeconds: MAX_AGE_SECONDS + 120 },
    { ageSeconds: -600 },
  ];
  for (const signing of wrong) {
    assertProblem(await signed.send(BODY, await signature(signing)), 401, /signature/);
  }
  assertProblem(await signed.send(BODY, "not.a.token"), 401);
  assertProblem(await signed.send(BODY), 503, /unsigned/);
  assert.deepEqual(signed.hints, []);
});

Deno.test("unsigned callbacks are taken as hints only where no secret is set", async () => {
  await using unsigned = await openCallbacks(UNREACHABLE);
  assert.equal((await unsigned.send(BODY)).status, 204);
  assert.deepEqual(unsigned.hints, ["a1"]);
  assertProblem(await unsigned.send("{"), 400, /not JSON/);
  assertProblem(await unsigned.send("{}"), 400, /id/);
  await using emulated = await openCallbacks({});
  assertProblem(await emulated.send(BODY), 503);
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
  await using signed = await openCallbacks({ SIGNATURE_SECRET: SECRET }, "session");
  const token = await signature({ body: SESSION_BODY });
  assert.equal((await signed.send(SESSION_BODY, token)).status, 204);
  assert.equal((await signed.send(SESSION_BODY, token)).status, 204);
  assert.deepEqual(signed.hints, ["s1"]);
  assertProblem(await signed.send(SESSION_BODY, await signature()), 401, /signature/);
  const old = await signature({ body: SESSION_BODY, ageSeconds: MAX_AGE_SECONDS + 120 });
  assertProblem(await signed.send(SESSION_BODY, old), 401, /signature/);
  assertProblem(await signed.send(SESSION_BODY), 503, /unsigned/);
  assert.deepEqual(signed.hints, ["s1"]);

  await using unsigned = await openCallbacks(UNREACHABLE, "session");
  assert.equal((await unsigned.send(SESSION_BODY)).status, 204);
  assert.deepEqual(unsigned.hints, ["s1"]);
  assertProblem(await unsigned.send("{}"), 400, /sessionId/);
});

test("what is told of a session nobody records changes nothing", async ({ ask }) => {
  const answer = await ask("POST", "/api/callbacks/session", SESSION_BODY);
  assert.equal(answer.status, 204, answer.text);
}, UNREACHABLE);
