import assert from "node:assert/strict";
import { openEmulator } from "../emulator/test_emulator.ts";
import { WireClient } from "../emulator/wire_client.ts";
import { type Fault, FaultProxy } from "./fault_proxy.ts";

/** A client of an emulator behind a proxy, and another one past it. */
async function openCall() {
  const opened = new AsyncDisposableStack();
  const platform = opened.use(await openEmulator());
  const proxy = opened.use(await FaultProxy.start(() => platform.origin));
  const sessionId = await platform.sdk.createSession();
  const watching = await platform.join(sessionId);
  const client = await WireClient.join(proxy.origin, platform.sdk.token(sessionId));
  opened.defer(() => client.cut());
  return {
    ...{ proxy, watching, client, sessionId, platform },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const SIGNAL = /^signal signal$/;

Deno.test("FaultProxy passes HTTP and WebSockets, and keeps a journal of both", async () => {
  await using c = await openCall();
  await c.client.signal("chat", "x".repeat(8_000));
  assert.equal((await c.watching.next("signal", "signal")).content.data.length, 8_000);
  const calls = c.proxy.journal.map(({ call, status }) => `${call} ${status}`);
  assert.deepEqual(calls, [
    `GET /emulator/anvil.opentok.com/session/${c.sessionId} 200`,
    "SOCKET /emulator/messaging.emulator/socket 101",
    "create connection 200",
    "signal signal 200",
  ]);
});

const faults: [fault: Omit<Fault, "match">, took: boolean, end: number | "closed" | "open"][] = [
  [{ mode: "status", status: 503 }, false, 503],
  [{ mode: "status", status: 503, after: true }, true, 503],
  [{ mode: "drop" }, false, "closed"],
  [{ mode: "drop", after: true }, true, "closed"],
  [{ mode: "truncate", after: true }, true, "closed"],
  [{ mode: "hang" }, false, "open"],
  [{ mode: "hang", after: true }, true, "open"],
  [{ mode: "latency", ms: 50 }, true, 200],
];
for (const [fault, took, end] of faults) {
  const text = JSON.stringify(fault);
  Deno.test(`FaultProxy breaks a request on a socket as ${text} says`, async () => {
    await using c = await openCall();
    c.proxy.fault({ match: SIGNAL, ...fault });
    const answer = c.client.signal("chat", "broken");
    if (end === "closed") await c.client.closed;
    else if (end !== "open") assert.equal((await answer).status, end);
    else await c.client.ping();
    await c.watching.signal("chat", "afterwards");
    const { content } = await c.watching.next("signal", "signal");
    assert.equal(content.data, took ? "broken" : "afterwards");
  });
}

Deno.test("FaultProxy.sockets() blackholes a socket and restores it with everything that waited", async () => {
  await using c = await openCall();
  c.proxy.sockets("blackhole", /socket$/);
  const answer = c.client.signal("chat", "late");
  assert.equal(await c.watching.has("signal", "signal"), false);
  c.proxy.sockets("restore");
  assert.equal((await answer).status, 200);
  await c.watching.next("signal", "signal");
});

Deno.test("FaultProxy.sockets() drops a socket without a close frame", async () => {
  await using c = await openCall();
  c.proxy.sockets("drop");
  assert.equal((await c.client.closed).wasClean, false);
  await c.client.resume();
  await c.client.ping();
});

Deno.test("FaultProxy breaks a handshake", async () => {
  await using c = await openCall();
  c.proxy.fault({ match: /^SOCKET /, mode: "drop" });
  const token = c.platform.sdk.token(c.sessionId);
  const broken = await WireClient.connect(c.proxy.origin, token);
  await broken.closed;
  await (await WireClient.join(c.proxy.origin, token)).leave();
});
