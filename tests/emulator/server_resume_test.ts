import assert from "node:assert/strict";
import { encodeFrame, KIND } from "../../lib/emulator/server/frames.ts";
import { FaultProxy } from "../support/fault_proxy.ts";
import { openEmulator } from "./test_emulator.ts";
import { WireClient } from "./wire_client.ts";

/** A session with two clients, the second of which may be cut. */
async function pair(timings = {}) {
  const platform = await openEmulator({ timings });
  const sessionId = await platform.sdk.createSession();
  const [watching, client] = [await platform.join(sessionId), await platform.join(sessionId)];
  return {
    ...{ platform, sessionId, watching, client },
    [Symbol.asyncDispose]: () => platform[Symbol.asyncDispose](),
  };
}

Deno.test("a client that leaves is reported with its streams", async () => {
  await using c = await pair();
  await c.client.publish();
  await c.client.leave();
  for (const kind of ["stream", "connection"]) {
    assert.equal((await c.watching.next("deleted", kind)).reason, "clientDisconnected");
  }
});

Deno.test("a closed socket, or a disconnect that announces a return, is not a leave", async () => {
  await using c = await pair();
  await c.client.publish();
  c.client.send(encodeFrame(KIND.disconnect, { headers: { reconnect: "1" } }));
  await c.client.cut();
  assert.equal(await c.watching.has("deleted", "connection"), false);
  assert.equal((await c.platform.sdk.streams(c.sessionId)).length, 1);
});

Deno.test("a client that is back is the same connection, and no one notices", async () => {
  await using c = await pair();
  const streamId = await c.client.publish();
  await c.client.cut();
  await c.client.resume();
  assert.equal((await c.client.updateChannel(streamId, "audio1", { active: false })).status, 200);
  assert.equal(await c.watching.has("deleted", "stream"), false);
});

Deno.test("a client that does not return in time is reported as networkDisconnected", async () => {
  await using c = await pair({ clientGraceMs: 100 });
  await c.client.publish();
  await c.client.cut();
  for (const kind of ["stream", "connection"]) {
    assert.equal((await c.watching.next("deleted", kind)).reason, "networkDisconnected");
  }
});

Deno.test("a client that returns too late is closed with 1011 before any frame", async () => {
  await using c = await pair({ clientGraceMs: 50 });
  await c.client.cut();
  await c.watching.next("deleted", "connection");
  await c.client.resume();
  assert.equal((await c.client.closed).code, 1011);
});

Deno.test("a return with another client's socket id is refused", async () => {
  await using c = await pair();
  const socketId = c.watching.socketUrl.searchParams.get("socketId") ?? "";
  await c.client.cut();
  await c.client.resume({ socketId });
  assert.equal((await c.client.closed).code, 1011);
  await c.watching.ping();
});

Deno.test("events that a client missed come when it is back, once and in order", async () => {
  await using c = await pair();
  await c.client.cut();
  for (const data of ["one", "two"]) await c.watching.signal("chat", data);
  await c.client.resume();
  for (const data of ["one", "two"]) {
    const event = await c.client.next("signal", "signal");
    assert.equal(event.content.data, data);
    assert.equal(c.client.deliveries.get(event.transactionId), 1);
  }
});

Deno.test("only events that were not acknowledged are sent again", async () => {
  await using c = await pair();
  await c.watching.signal("chat", "acknowledged");
  const acknowledged = await c.client.next("signal", "signal");
  await c.client.ping();
  c.client.acknowledges = false;
  await c.watching.signal("chat", "not acknowledged");
  const other = await c.client.next("signal", "signal");
  await c.client.cut();
  await c.client.resume();
  await c.client.ping();
  assert.equal(c.client.deliveries.get(acknowledged.transactionId), 1);
  assert.equal(c.client.deliveries.get(other.transactionId), 2);
});

Deno.test("a request whose answer was lost takes effect once and is answered after the return", async () => {
  await using platform = await openEmulator();
  await using proxy = await FaultProxy.start(() => platform.origin);
  const sessionId = await platform.sdk.createSession();
  const watching = await platform.join(sessionId);
  const client = await WireClient.join(proxy.origin, platform.sdk.token(sessionId));
  proxy.fault({ match: /^create stream$/, mode: "drop", after: true });
  const publishing = client.publish();
  await client.closed;
  await client.resume();
  const streamId = await publishing;
  assert.equal((await watching.next("created", "stream")).content.id, streamId);
  assert.equal(await watching.has("created", "stream"), false);
  await client.leave();
});

Deno.test("a second socket of a client replaces the first", async () => {
  await using c = await pair();
  const first = c.client.closed;
  await c.client.resume();
  assert.equal((await first).code, 4000);
  await c.client.signal("chat", "");
  await c.watching.next("signal", "signal");
});

Deno.test("a client can join after its connection is over, with the same token", async () => {
  await using platform = await openEmulator({ timings: { clientGraceMs: 50 } });
  const sessionId = await platform.sdk.createSession();
  const token = platform.sdk.token(sessionId);
  const watching = await platform.join(sessionId);
  const first = await WireClient.join(platform.origin, token);
  await first.cut();
  await watching.next("deleted", "connection");
  const second = await WireClient.join(platform.origin, token);
  assert.equal(second.joined.body.connection.length, 2);
  await second.leave();
});
