/** The adapter with a Vonage application's id and private key: what the SDK then sends and signs. */
import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { jwtVerify } from "jose";
import { readConfig } from "../../lib/config.ts";
import { createOpenTokPlatform } from "../../lib/platform/opentok.ts";

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
    const requests: { path: string; authorization: string }[] = [];
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
      const { pathname } = new URL(request.url);
      requests.push({ path: pathname, authorization: request.headers.get("authorization") ?? "" });
      return pathname === "/session/create"
        ? Response.json([{ session_id: "s1" }])
        : Response.json({ count: 0, items: [] });
    });
    const platform = createOpenTokPlatform({
      apiKey: chosen.credentials.applicationId,
      apiSecret: chosen.credentials.privateKey,
      apiUrl: `http://127.0.0.1:${server.addr.port}`,
    });
    const sessionId = await platform.createSession();
    await platform.listArchives({ sessionId });
    await server.shutdown();

    assert.deepEqual(requests.map(({ path }) => path), [
      "/session/create",
      `/v2/project/${APPLICATION_ID}/archive`,
    ]);
    const key = createPublicKey(publicKey.export({ type: "spki", format: "pem" }));
    for (const { authorization } of requests) {
      const token = authorization.replace(/^Bearer /, "");
      const { payload } = await jwtVerify(token, key, { algorithms: ["RS256"] });
      assert.equal(payload.application_id, APPLICATION_ID);
    }
    const pass = platform.createToken(sessionId, {
      role: "moderator",
      data: '{"name":"Ada"}',
      expiresInSeconds: 3600,
    });
    const { payload } = await jwtVerify(pass, key, { algorithms: ["RS256"] });
    assert.equal(payload.role, "moderator");
    assert.equal(payload.session_id, "s1");
    assert.equal(payload.connection_data, '{"name":"Ada"}');
    assert.ok(Math.abs((payload.exp ?? 0) - Date.now() / 1000 - 3600) < 60);
  });
}
