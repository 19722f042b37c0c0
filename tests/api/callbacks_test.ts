import assert from "node:assert/strict";
import { SignJWT } from "jose";
import { MAX_AGE_SECONDS } from "../../lib/api/callbacks.ts";
import { sha256 } from "../../lib/auth/password.ts";
import { assertProblem, type TestServer, withServer } from "./server.ts";

const SECRET = "the-signature-secret-of-the-account";
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

/** Sends callbacks, and notes which archives they made the app look at. */
async function withCallbacks(
  env: Record<string, string>,
  test: (
    send: (body: string, token?: string) => ReturnType<TestServer["ask"]>,
    hints: string[],
  ) => Promise<void>,
): Promise<void> {
  await withServer(async ({ ask, services }) => {
    const hints: string[] = [];
    services.chains.hint = (archiveId) => Promise.resolve(void hints.push(archiveId));
    const send = (body: string, token?: string) =>
      ask("POST", "/api/callbacks/archive", {
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
  const real = { API_KEY: "1", API_SECRET: "s", OPENTOK_API_URL: "http://127.0.0.1:1" };
  await withCallbacks(real, async (send, hints) => {
    assert.equal((await send(BODY)).status, 204);
    assert.deepEqual(hints, ["a1"]);
    assertProblem(await send("{"), 400, /not JSON/);
    assertProblem(await send("{}"), 400, /id/);
  });
  await withCallbacks({}, async (send) => {
    assertProblem(await send(BODY), 503);
  });
});
