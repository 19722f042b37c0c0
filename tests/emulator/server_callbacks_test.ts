import assert from "node:assert/strict";
import { jwtVerify } from "jose";
import { sampleFile } from "./sample_media.ts";
import { openEmulator, startRecording, stopWith } from "./test_emulator.ts";

const film = sampleFile(1);

interface Callback {
  authorization: string;
  text: string;
  body: { status: string; name: string; event: string; createdAt: number; url: string | null };
}

/** A receiver of callbacks, which refuses the first ones. */
function receive(refusals = 0) {
  const callbacks: Callback[] = [];
  let attempts = 0;
  const waiting = new Map<string, () => void>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const text = await request.text();
    if (attempts++ < refusals) return new Response(null, { status: 500 });
    const body = JSON.parse(text);
    const authorization = request.headers.get("authorization") ?? "";
    callbacks.push({ authorization, text, body });
    waiting.get(body.status)?.();
    return new Response();
  });
  return {
    callbacks,
    url: () => `http://127.0.0.1:${server.addr.port}/`,
    /** Resolves with the callback of this status, now or later. */
    async of(status: string): Promise<Callback> {
      const find = () => callbacks.find(({ body }) => body.status === status);
      if (!find()) await new Promise<void>((resolve) => waiting.set(status, resolve));
      return find() ?? assert.fail();
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("every change of an archive's status is reported", async () => {
  await using receiver = receive();
  await using platform = await openEmulator({ callback: { url: receiver.url } });
  const { recording } = await startRecording(platform, { name: "Talk" });
  await stopWith(platform, recording, film);
  for (const status of ["started", "stopped", "available"]) {
    const { body } = await receiver.of(status);
    assert.deepEqual([body.event, body.name], ["archive", "Talk"]);
    assert.equal(body.url !== null, status === "available");
  }
});

Deno.test("a pause is reported, too", async () => {
  await using receiver = receive();
  await using platform = await openEmulator({ callback: { url: receiver.url } });
  const { client, streamId } = await startRecording(platform);
  await client.unpublish(streamId);
  await receiver.of("paused");
});

Deno.test("callbacks are signed with the hash of their body", async () => {
  await using receiver = receive();
  const signatureSecret = "signature secret";
  await using platform = await openEmulator({ callback: { url: receiver.url, signatureSecret } });
  await startRecording(platform);
  const { authorization, text } = await receiver.of("started");
  const { payload } = await jwtVerify(
    authorization.replace("Bearer ", ""),
    new TextEncoder().encode(signatureSecret),
    { issuer: "Vonage" },
  );
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  assert.equal(payload.payload_hash, new Uint8Array(hash).toHex());
});

Deno.test("a callback that is refused is sent again", async () => {
  await using receiver = receive(2);
  await using platform = await openEmulator({
    callback: { url: receiver.url },
    timings: { callbackRetryMs: [10, 10] },
  });
  await startRecording(platform);
  await receiver.of("started");
});

Deno.test("a receiver that is away holds nothing up", async () => {
  await using platform = await openEmulator({
    callback: { url: () => "http://127.0.0.1:1/" },
    timings: { callbackRetryMs: [3_600_000] },
  });
  const { recording } = await startRecording(platform);
  assert.equal((await stopWith(platform, recording, film)).status, "available");
});
