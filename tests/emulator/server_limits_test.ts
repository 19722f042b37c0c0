import assert from "node:assert/strict";
import { encodeFrame, KIND } from "../../lib/emulator/server/frames.ts";
import { LIMITS } from "../../lib/emulator/server/limits.ts";
import { FakeRecorder } from "./fake_recorder.ts";
import { openEmulator, type TestEmulator } from "./test_emulator.ts";
import { sessionInfo, WireClient } from "./wire_client.ts";

/** A client that is cut at the end of the test. */
async function joinWith(platform: TestEmulator, token: string) {
  const client = await WireClient.join(platform.origin, token);
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.cut() });
}

Deno.test("one token may have a few clients, so that it cannot fill a session", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const token = platform.sdk.token(sessionId);
  await using clients = new AsyncDisposableStack();
  for (let i = 0; i < LIMITS.connectionsPerToken; i++) {
    clients.use(await joinWith(platform, token));
  }
  const { error } = await sessionInfo(platform.origin, sessionId, token);
  assert.match(error.errorMessage.message, /one token may be used by 4 clients at once/);
  await platform.join(sessionId, { data: "someone else" });
});

Deno.test("a client that lost its socket does not keep its token from joining", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const token = platform.sdk.token(sessionId);
  for (let i = 0; i <= LIMITS.connectionsPerToken; i++) {
    await (await WireClient.join(platform.origin, token)).cut();
  }
  await using _client = await joinWith(platform, token);
});

Deno.test("a session takes a limited number of clients, and says so", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  for (let i = 0; i < LIMITS.connectionsPerSession; i++) {
    await platform.join(sessionId, { data: `client ${i}` });
  }
  const token = platform.sdk.token(sessionId, { data: "one too many" });
  const { error } = await sessionInfo(platform.origin, sessionId, token);
  assert.match(error.errorMessage.message, /a session may have 32 clients/);
});

Deno.test("a client may publish a limited number of streams, with short descriptions", async () => {
  await using platform = await openEmulator();
  const client = await platform.join(await platform.sdk.createSession());
  const content = { channel: [], about: "x".repeat(LIMITS.streamContentBytes) };
  assert.equal((await client.request("create", "/stream/x", content)).status, 413);
  for (let i = 0; i < LIMITS.streamsPerConnection; i++) await client.publish();
  assert.equal((await client.request("create", "/stream/x", { channel: [] })).status, 403);
});

Deno.test("a client whose channel updates make its stream's description grow is closed", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const client = await platform.join(sessionId);
  const streamId = await client.publish();
  await client.updateChannel(streamId, "audio1", { note: "x".repeat(LIMITS.streamContentBytes) });
  assert.equal((await client.closed).code, 1011);
  await platform.restart();
  assert.equal((await platform.sdk.streams(sessionId)).length, 1);
});

Deno.test("a client whose messages are too big or too many is closed, others are not", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const watching = await platform.join(sessionId);
  const ping = encodeFrame(KIND.ping);
  const attacks: ((client: WireClient) => void)[] = [
    (client) => client.send(new Uint8Array(LIMITS.messageBytes + 1)),
    (client) => client.socket.send("text"),
    (client) => {
      for (let i = 0; i < 1_000; i++) client.send(ping);
    },
    (client) => {
      for (let i = 0; i <= LIMITS.badMessages; i++) client.send(new Uint8Array(3));
    },
    (client) => {
      const frame = encodeFrame(KIND.message, { body: "not JSON" });
      for (let i = 0; i <= LIMITS.badMessages; i++) client.send(frame);
    },
  ];
  for (const attack of attacks) {
    const client = await platform.join(sessionId);
    attack(client);
    await client.closed;
  }
  await watching.ping();
});

Deno.test("a hundred signals at once all arrive, in order", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const [sender, receiver] = [await platform.join(sessionId), await platform.join(sessionId)];
  await Promise.all(Array.from({ length: 100 }, (_, i) => sender.signal("count", i)));
  for (let i = 0; i < 100; i++) {
    assert.equal((await receiver.next("signal", "signal")).content.data, i);
  }
});

Deno.test("a frame that lies about its lengths is one bad message", async () => {
  await using platform = await openEmulator();
  const client = await platform.join(await platform.sdk.createSession());
  for (
    const hex of ["", "00", "0000000800000201ffff", "00000004000002ff", "000000050000020001ffff"]
  ) {
    client.send(Uint8Array.fromHex(hex));
  }
  await client.ping();
});

Deno.test("a recorder that sends something else than its messages is closed", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const { recorder } = await platform.enter(sessionId);
  // @ts-expect-error: no such message
  recorder.send({ type: "nothing" });
  assert.equal((await recorder.closed).code, 1008);
});

Deno.test("a recorder that floods the server is closed", async () => {
  await using platform = await openEmulator();
  const { recorder } = await platform.enter(await platform.sdk.createSession());
  for (let id = 0; id < 1_000; id++) recorder.send({ type: "pong", id, atMs: 0 });
  await recorder.closed;
});

Deno.test("a recorder's id has to be one", async () => {
  await using platform = await openEmulator();
  const token = platform.sdk.token(await platform.sdk.createSession());
  const recorder = await FakeRecorder.connect(platform.origin, token, { id: "../../etc" });
  assert.equal((await recorder.closed).code, 1008);
});

Deno.test("a REST body over the limit answers 413", async () => {
  await using platform = await openEmulator();
  const body = "x".repeat(LIMITS.restBodyBytes + 1);
  assert.equal((await platform.rest("POST", "/archive", body)).status, 413);
});
