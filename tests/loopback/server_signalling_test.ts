import assert from "node:assert/strict";
import { openPlatform, TestClient } from "./server_support.ts";

Deno.test("everybody in a session hears who comes, publishes and leaves", async () => {
  await using platform = await openPlatform();
  const sessionId = await platform.session();
  const ann = await platform.join(sessionId, { data: "Ann" });
  assert.deepEqual((await ann.next("welcome")).connections, []);
  ann.publish("a", "Ann's camera");
  await ann.next("stream-created");

  const bob = await platform.join(sessionId, { data: "Bob" });
  const welcome = await bob.next("welcome");
  assert.deepEqual(welcome.connections.map(({ data }) => data), ["Ann"]);
  assert.deepEqual(welcome.streams.map(({ id, name }) => [id, name]), [["a", "Ann's camera"]]);
  assert.equal((await ann.next("connection-created")).connection.data, "Bob");
  const [stream] = await platform.sdk.streams(sessionId);
  assert.deepEqual([stream?.id, stream?.name, stream?.videoType], ["a", "Ann's camera", "camera"]);

  ann.send({
    type: "stream-changed",
    streamId: "a",
    hasAudio: false,
    hasVideo: true,
    width: 1,
    height: 2,
  });
  const { stream: changed } = await bob.next("stream-changed");
  assert.deepEqual([changed.hasAudio, changed.width, changed.name], [false, 1, "Ann's camera"]);

  await ann.leave();
  assert.equal((await bob.next("stream-destroyed")).reason, "clientDisconnected");
  assert.equal((await bob.next("connection-destroyed")).connectionId, ann.id);
  assert.deepEqual(await platform.sdk.streams(sessionId), []);
});

Deno.test("signals reach everybody or one, from pages and from the server", async () => {
  await using platform = await openPlatform();
  const sessionId = await platform.session();
  const [ann, bob] = [await platform.join(sessionId), await platform.join(sessionId)];
  ann.send({ type: "signal", id: 1, signalType: "chat", data: "Hello", to: null });
  for (const client of [ann, bob]) {
    const { from, signalType, data } = await client.next("signal");
    assert.deepEqual([from, signalType, data], [ann.id, "chat", "Hello"]);
  }
  assert.deepEqual(await ann.next("signal-result"), { type: "signal-result", id: 1, error: null });
  ann.send({ type: "signal", id: 2, signalType: "", data: "", to: bob.id });
  await bob.next("signal");
  ann.send({ type: "signal", id: 3, signalType: "", data: "", to: "nobody" });
  assert.match((await ann.next("signal-result", (m) => m.id === 3)).error ?? "", /no client/);

  await platform.sdk.signal(sessionId, null, { type: "join", data: "now" });
  for (const client of [ann, bob]) assert.equal((await client.next("signal")).from, null);
  await platform.sdk.signal(sessionId, ann.id, { type: "one", data: "" });
  assert.equal((await ann.next("signal")).signalType, "one");
  assert.equal(bob.has("signal"), false);
  await assert.rejects(
    platform.sdk.signal(sessionId, "nobody", { type: "one", data: "" }),
    /Session or Connection not found/,
  );
  await assert.rejects(platform.sdk.signal(sessionId, null, { type: "b", data: "x".repeat(8193) }));
  await assert.rejects(platform.sdk.signal(sessionId, null, { type: "no spaces", data: "" }));
});

Deno.test("a subscriber may neither publish nor signal", async () => {
  await using platform = await openPlatform();
  const sessionId = await platform.session();
  const client = await platform.join(sessionId, { role: "subscriber" });
  client.publish("s");
  assert.match((await client.next("error")).message, /role is subscriber/);
  client.send({ type: "signal", id: 1, signalType: "", data: "", to: null });
  assert.match((await client.next("signal-result")).error ?? "", /role is subscriber/);
  assert.deepEqual(await platform.sdk.streams(sessionId), []);
});

Deno.test("negotiation is relayed only between a stream's publisher and somebody in its session", async () => {
  await using platform = await openPlatform();
  const sessionId = await platform.session();
  const [ann, bob, eve] = await Promise.all([1, 2, 3].map(() => platform.join(sessionId)));
  assert(ann && bob && eve);
  ann.publish("a");
  await bob.next("stream-created");
  const say = (from: TestClient, to: TestClient, sdp: string) =>
    from.send({
      type: "rtc",
      to: to.id,
      streamId: "a",
      subscription: "x",
      rtc: { kind: "offer", sdp },
    });
  say(eve, bob, "forged");
  eve.send({ type: "ping" });
  await eve.next("pong");
  say(bob, ann, "asked");
  say(ann, bob, "answered");
  assert.deepEqual((await ann.next("rtc")).rtc, { kind: "offer", sdp: "asked" });
  const { from, rtc } = await bob.next("rtc");
  assert.deepEqual([from, rtc], [ann.id, { kind: "offer", sdp: "answered" }]);
});

Deno.test("a page that is back takes its stream over, another page cannot", async () => {
  await using platform = await openPlatform();
  const sessionId = await platform.session();
  const token = platform.sdk.token(sessionId);
  const watching = await platform.join(sessionId);
  const lost = await TestClient.connect(platform.base, token);
  lost.publish("mine");
  await watching.next("stream-created");
  watching.publish("mine");
  assert.match((await watching.next("error")).message, /cannot be used/);

  const back = await TestClient.connect(platform.base, token);
  back.publish("mine");
  assert.equal((await watching.next("stream-destroyed")).streamId, "mine");
  assert.equal((await watching.next("stream-created")).stream.connectionId, back.id);
  await lost.leave();
  assert.equal((await watching.next("connection-destroyed")).connectionId, lost.id);
  assert.equal((await platform.sdk.streams(sessionId)).length, 1);
  await back.leave();
});

Deno.test("a client can be thrown out by REST", async () => {
  await using platform = await openPlatform();
  const sessionId = await platform.session();
  const [ann, bob] = [await platform.join(sessionId), await platform.join(sessionId)];
  await platform.sdk.disconnect(sessionId, ann.id);
  const { code, reason } = await ann.closed;
  assert.deepEqual([code, reason], [4403, "forceDisconnected"]);
  assert.equal((await bob.next("connection-destroyed")).reason, "forceDisconnected");
  await assert.rejects(platform.sdk.disconnect(sessionId, ann.id), /not found/);
});

Deno.test("malformed messages are answered with an error, many of them end the connection", async () => {
  await using platform = await openPlatform();
  const client = await platform.join(await platform.session());
  const malformed = ["", "{", "null", "[]", '{"type":"nothing"}', '{"type":"publish"}'];
  for (const text of malformed) {
    client.socket.send(text);
    assert.match((await client.next("error")).message, /not of a known form/);
  }
  client.send({ type: "ping" });
  await client.next("pong");
  // The connection ends with the next one too many: no frame is on its way that could hide the code.
  for (let i = 0; i < 14; i++) client.socket.send("{");
  for (let i = 0; i < 14; i++) await client.next("error");
  client.socket.send("{");
  assert.equal((await client.closed).code, 1008);
});

Deno.test("messages that are too big, binary or too many end the connection, not the platform", async () => {
  await using platform = await openPlatform();
  const sessionId = await platform.session();
  const watching = await platform.join(sessionId);
  const attacks: [number | null, (client: TestClient) => void][] = [
    [1009, ({ socket }) => socket.send("x".repeat(300 * 1024))],
    [1009, ({ socket }) => socket.send(new Uint8Array(10))],
    [null, (client) => {
      for (let i = 0; i < 1000; i++) client.send({ type: "ping" });
    }],
  ];
  for (const [code, attack] of attacks) {
    const client = await platform.join(sessionId);
    attack(client);
    const closed = await client.closed;
    if (code !== null) assert.equal(closed.code, code);
    await watching.next("connection-destroyed", (m) => m.connectionId === client.id);
  }
  const many = await platform.join(sessionId);
  for (let i = 0; i < 9; i++) many.publish(`stream-${i}`);
  assert.match((await many.next("error")).message, /may have 8 streams/);
});

Deno.test("a session takes so many clients and no more", async () => {
  await using platform = await openPlatform();
  const sessionId = await platform.session();
  const token = platform.sdk.token(sessionId);
  await Promise.all(Array.from({ length: 32 }, () => platform.join(sessionId)));
  assert.equal((await TestClient.open(platform.base, token).closed).code, 4429);
});

Deno.test("a peer that no longer answers is dropped", async () => {
  await using platform = await openPlatform({ timings: { socketIdleSeconds: 3 } });
  const sessionId = await platform.session();
  const watching = await platform.join(sessionId);
  // A hand-made WebSocket that reads nothing, and so never answers a ping.
  const { hostname, port } = new URL(platform.base);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const path = `/loopback/socket?token=${platform.sdk.token(sessionId)}`;
  const handshake = `GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\n` +
    `Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${
      btoa("0123456789abcdef")
    }\r\n\r\n`;
  await connection.write(new TextEncoder().encode(handshake));
  const { connection: dead } = await watching.next("connection-created");
  const gone = await watching.next("connection-destroyed");
  assert.deepEqual([gone.connectionId, gone.reason], [dead.id, "networkDisconnected"]);
});
