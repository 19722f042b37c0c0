/** The adapter with a Vonage application's id and private key: what the SDK then sends and signs. */
import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { jwtVerify } from "jose";
import { readConfig } from "../../lib/config.ts";
import { documentedAnswer, openFake } from "./support.ts";

const APPLICATION_ID = "1b4f0e98-51b2-4d2c-9b3a-6f0b6f6f2a11";
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

for (const form of ["pkcs8", "pkcs1"] as const) {
  Deno.test(`requests and tokens are signed with a private key given as ${form}`, async () => {
    const pem = String(privateKey.export({ type: form, format: "pem" }));
    const { platform: chosen } = readConfig({
      APPLICATION_ID,
      PRIVATE_KEY: pem.replaceAll("\n", "\\n"),
      ADMIN_PASSWORD: "correct horse battery",
    });
    assert.ok(chosen.kind === "opentok" && chosen.credentials.kind === "application");
    const authorizations: string[] = [];
    await using fake = await openFake((request) => {
      authorizations.push(request.headers.get("authorization") ?? "");
      return documentedAnswer(request);
    });
    const { applicationId: apiKey, privateKey: apiSecret } = chosen.credentials;
    const platform = fake.platform({ apiKey, apiSecret });
    const sessionId = await platform.createSession();
    await platform.listArchives({ sessionId });

    assert.deepEqual(fake.proxy.journal.map(({ call }) => call), [
      "POST /session/create",
      `GET /v2/project/${APPLICATION_ID}/archive`,
    ]);
    const key = createPublicKey(publicKey.export({ type: "spki", format: "pem" }));
    for (const authorization of authorizations) {
      const token = authorization.replace(/^Bearer /, "");
      const { payload } = await jwtVerify(token, key, { algorithms: ["RS256"] });
      assert.equal(payload.application_id, APPLICATION_ID);
    }
    const token = platform.createToken(sessionId, {
      role: "moderator",
      data: '{"name":"Ada"}',
      expiresInSeconds: 3600,
    });
    const { payload } = await jwtVerify(token, key, { algorithms: ["RS256"] });
    assert.equal(payload.role, "moderator");
    assert.equal(payload.session_id, "s1");
    assert.equal(payload.connection_data, '{"name":"Ada"}');
    assert.ok(Math.abs((payload.exp ?? 0) - Date.now() / 1000 - 3600) < 60);
  });
}
