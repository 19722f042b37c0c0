import assert from "node:assert/strict";
import { openEmulator } from "./test_emulator.ts";
import { idOf, WireClient } from "./wire_client.ts";

/** A session with these clients in it. */
async function call(...roles: ("subscriber" | "publisher" | "moderator")[]) {
  const platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const clients: WireClient[] = [];
  for (const [i, role] of roles.entries()) {
    clients.push(await platform.join(sessionId, { role, data: `client ${i}` }));
  }
  const [first = assert.fail(), second = first, third = first] = clients;
  return {
    ...{ platform, sessionId, first, second, third },
    [Symbol.asyncDispose]: () => platform[Symbol.asyncDispose](),
  };
}

Deno.test("the answer to a join lists every client, stream and running archive", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const { client, recorder, streamId } = await platform.enter(sessionId, { data: "Ada" });
  const [archive] = await Promise.all([
    platform.sdk.start(sessionId, { name: "Talk" }),
    recorder.record(),
  ]);
  const { joined: { body }, id } = await platform.join(sessionId, { data: "Bo" });
  assert.deepEqual(body.connection.map((each: { id: string }) => each.id), [client.id, id]);
  assert.deepEqual(body.stream.map((each: { id: string }) => each.id), [streamId]);
  assert.deepEqual(body.archive, [{ id: archive.id, name: "Talk", status: "started" }]);
});

Deno.test("a join is reported to everyone, the client itself included", async () => {
  await using c = await call("publisher", "publisher");
  for (const client of [c.first, c.second]) {
    const { content, uri } = await client.next(
      "created",
      "connection",
      (e) => idOf(e) === c.second.id,
    );
    assert.equal(uri, `${client.sessionUri}/connection/${c.second.id}`);
    assert.equal(typeof content.creationTime, "number");
    assert.deepEqual([content.id, content.data], [c.second.id, "client 1"]);
    assert.deepEqual(content.permissions, ["publish", "subscribe", "signal"]);
  }
});

Deno.test("a connection id that is in use is refused", async () => {
  await using c = await call("publisher");
  const token = c.platform.sdk.token(c.sessionId, { data: "other" });
  const other = await WireClient.connect(c.platform.origin, token);
  assert.equal((await other.joinSession(token, c.first.id)).status, 409);
  await other.cut();
});

Deno.test("a stream is reported to everyone, the publisher included, and listed by REST", async () => {
  await using c = await call("publisher", "subscriber");
  const id = await c.first.publish("Ada's camera");
  for (const client of [c.first, c.second]) {
    const { content } = await client.next("created", "stream");
    assert.deepEqual(
      [content.id, content.name, content.connectionId, content.connection.data],
      [id, "Ada's camera", c.first.id, "client 0"],
    );
    assert.equal(content.channel.length, 2);
  }
  const [listed] = await c.platform.sdk.streams(c.sessionId);
  const one = await c.platform.rest("GET", `/session/${c.sessionId}/stream/${listed?.id}`);
  assert.deepEqual(one.body, { ...listed });
  assert.deepEqual([listed?.id, listed?.name, listed?.videoType], [id, "Ada's camera", "camera"]);
});

Deno.test("the end of a stream is reported with its reason", async () => {
  await using c = await call("publisher", "publisher");
  const id = await c.first.publish();
  await c.first.unpublish(id);
  for (const client of [c.first, c.second]) {
    const ended = await client.next("deleted", "stream");
    assert.deepEqual([idOf(ended), ended.reason], [id, "clientDisconnected"]);
  }
  assert.deepEqual(await c.platform.sdk.streams(c.sessionId), []);
});

Deno.test("a stream id that is in use is refused", async () => {
  await using c = await call("publisher", "publisher");
  const id = await c.first.publish();
  const content = { id, name: "", channel: [] };
  assert.equal((await c.second.request("create", `/stream/${id}`, content)).status, 409);
});

Deno.test("a subscriber may neither publish nor signal", async () => {
  await using c = await call("subscriber");
  const publish = await c.first.request("create", "/stream/x", { name: "", channel: [] });
  assert.equal(publish.status, 403);
  assert.match(publish.body.reason, /the token's role does not permit it/);
  assert.equal((await c.first.signal("chat", "")).status, 403);
});

Deno.test("a subscription makes the publisher offer", async () => {
  await using c = await call("publisher", "subscriber");
  const streamId = await c.first.publish();
  const subscriberId = await c.second.subscribe(streamId);
  const { uri, content, from } = await c.first.next("generateoffer", "stream/subscriber");
  assert.equal(uri, `${c.first.sessionUri}/stream/${streamId}/subscriber/${subscriberId}`);
  assert.equal(from, c.second.id);
  assert.deepEqual([content.sourceStreamId, content.simulcastEnabled], ["P2P", false]);
});

Deno.test("a subscription to an unknown stream answers 404", async () => {
  await using c = await call("subscriber");
  assert.equal((await c.first.request("create", "/stream/x/subscriber/y")).status, 404);
});

Deno.test("the end of a subscription is reported to the publisher", async () => {
  await using c = await call("publisher", "subscriber");
  const streamId = await c.first.publish();
  const subscriberId = await c.second.subscribe(streamId);
  await c.second.request("delete", `/stream/${streamId}/subscriber/${subscriberId}`);
  assert.equal(idOf(await c.first.next("deleted", "stream/subscriber")), subscriberId);
});

Deno.test("negotiation passes between publisher and subscriber in both directions, in order", async () => {
  await using c = await call("publisher", "subscriber");
  const streamId = await c.first.publish();
  const path = `/stream/${streamId}/subscriber/${await c.second.subscribe(streamId)}`;
  await c.first.request("offer", path, { sdp: "an offer" });
  await c.second.request("answer", path, { sdp: "an answer" });
  await c.second.request("candidate", path, { candidate: 1 });
  await c.second.request("candidate", path, { candidate: 2 });
  const offer = await c.second.next("offer", "stream/subscriber");
  assert.deepEqual([offer.content, offer.from], [{ sdp: "an offer" }, c.first.id]);
  assert.deepEqual((await c.first.next("answer", "stream/subscriber")).content, {
    sdp: "an answer",
  });
  for (const candidate of [1, 2]) {
    const event = await c.first.next("candidate", "stream/subscriber");
    assert.deepEqual(event.content, { candidate });
  }
});

Deno.test("negotiation of others is refused and reaches no one", async () => {
  await using c = await call("publisher", "subscriber", "publisher");
  const streamId = await c.first.publish();
  const path = `/stream/${streamId}/subscriber/${await c.second.subscribe(streamId)}`;
  for (const address of [path, `${path}x`]) {
    assert.equal((await c.third.request("offer", address, { sdp: "forged" })).status, 404);
  }
  assert.equal(await c.second.has("offer", "stream/subscriber"), false);
});

Deno.test("a channel update is reported to everyone with only what changed", async () => {
  await using c = await call("publisher", "subscriber");
  const streamId = await c.first.publish();
  await c.first.updateChannel(streamId, "video1", { active: true, width: 320, height: 480 });
  for (const client of [c.first, c.second]) {
    const { uri, content } = await client.next("updated", "stream/channel");
    assert.equal(uri, `${client.sessionUri}/stream/${streamId}/channel/video1`);
    assert.deepEqual(content, { width: 320 });
  }
});

Deno.test("a channel update that changes nothing is not reported", async () => {
  await using c = await call("publisher", "subscriber");
  const streamId = await c.first.publish();
  const { status } = await c.first.updateChannel(streamId, "audio1", { active: true });
  assert.equal(status, 200);
  assert.equal(await c.second.has("updated", "stream/channel"), false);
});

Deno.test("a channel of another client's stream cannot be updated", async () => {
  await using c = await call("publisher", "moderator");
  const streamId = await c.first.publish();
  assert.equal((await c.second.updateChannel(streamId, "audio1", { active: false })).status, 403);
});

Deno.test("who joins later learns the present state of channels", async () => {
  await using c = await call("publisher");
  const streamId = await c.first.publish();
  await c.first.updateChannel(streamId, "audio1", { active: false });
  const { joined: { body } } = await c.platform.join(c.sessionId);
  const audio = body.stream[0].channel.find(({ id }: { id: string }) => id === "audio1");
  assert.equal(audio.active, false);
});

Deno.test("preferences of subscribers are accepted and reported to no one", async () => {
  await using c = await call("publisher", "subscriber");
  const streamId = await c.first.publish();
  const path = `/stream/${streamId}/subscriber/${await c.second.subscribe(streamId)}`;
  const { status } = await c.second.request("update", `${path}/channel/audio1`, { active: false });
  assert.equal(status, 200);
  assert.equal(await c.first.has("update", "stream/subscriber/channel"), false);
});

Deno.test("a signal reaches everyone, the sender included, whatever JSON it carries", async () => {
  await using c = await call("publisher", "publisher");
  const data = { text: "Hello", list: [1, null] };
  assert.equal((await c.first.signal("chat", data)).status, 200);
  for (const client of [c.first, c.second]) {
    const { content, from } = await client.next("signal", "signal");
    assert.deepEqual([content, from], [{ type: "chat", data }, c.first.id]);
  }
});

Deno.test("a signal to one client reaches only that one", async () => {
  await using c = await call("publisher", "publisher", "publisher");
  await c.first.signal("chat", "Hello", c.second.id);
  assert.equal((await c.second.next("signal", "connection/signal")).content.data, "Hello");
  assert.equal(await c.third.has("signal", "connection/signal"), false);
});

Deno.test("a signal to a client that is not there answers 404", async () => {
  await using c = await call("publisher");
  assert.equal((await c.first.signal("chat", "", "unknown")).status, 404);
});

Deno.test("the server's signals reach everyone or one client, without a sender", async () => {
  await using c = await call("publisher", "publisher");
  await c.platform.sdk.signal(c.sessionId, null, { type: "join", data: "now" });
  for (const client of [c.first, c.second]) {
    const { content, from } = await client.next("signal", "signal");
    assert.deepEqual([content, from], [{ type: "join", data: "now" }, ""]);
  }
  await c.platform.sdk.signal(c.sessionId, c.second.id, { type: "one", data: "" });
  await c.second.next("signal", "connection/signal");
  assert.equal(await c.first.has("signal", "connection/signal"), false);
});

Deno.test("signals beyond OpenTok's limits are refused, from clients and from the server", async () => {
  await using c = await call("publisher");
  const refused: [type: string, data: string, status: number][] = [
    ["t".repeat(129), "", 413],
    ["chat", "x".repeat(8_193), 413],
    ["no spaces", "", 400],
  ];
  for (const [type, data, status] of refused) {
    assert.equal((await c.first.signal(type, data)).status, status);
    const path = `/session/${c.sessionId}/signal`;
    assert.equal((await c.platform.rest("POST", path, { type, data })).status, status);
  }
  assert.equal((await c.first.signal("chat", "x".repeat(8_192))).status, 200);
});

Deno.test("a moderator disconnects a client: it is notified first, then its socket is closed", async () => {
  await using c = await call("moderator", "publisher", "publisher");
  const streamId = await c.second.publish();
  assert.equal((await c.first.request("delete", `/connection/${c.second.id}`)).status, 200);
  for (const client of [c.second, c.third]) {
    const { reason } = await client.next("deleted", "connection");
    assert.equal(reason, "forceDisconnected");
  }
  const { reason, uri } = await c.third.next("deleted", "stream");
  assert.deepEqual([idOf({ uri }), reason], [streamId, "forceDisconnected"]);
  assert.equal((await c.second.closed).code, 1000);
});

Deno.test("the server disconnects a client", async () => {
  await using c = await call("publisher", "publisher");
  await c.platform.sdk.disconnect(c.sessionId, c.first.id);
  assert.equal((await c.second.next("deleted", "connection")).reason, "forceDisconnected");
  await assert.rejects(c.platform.sdk.disconnect(c.sessionId, c.first.id));
});

Deno.test("a moderator ends a stream, and the publisher's own delete afterwards is no event", async () => {
  await using c = await call("moderator", "publisher");
  const streamId = await c.second.publish();
  await c.first.unpublish(streamId);
  for (const client of [c.first, c.second]) {
    assert.equal((await client.next("deleted", "stream")).reason, "forceUnpublished");
  }
  assert.equal((await c.second.unpublish(streamId)).status, 404);
  assert.equal(await c.first.has("deleted", "stream"), false);
});

Deno.test("a moderator mutes everyone but the excluded streams and itself", async () => {
  await using c = await call("moderator", "publisher", "publisher");
  const [own, muted, excluded] = [
    await c.first.publish(),
    await c.second.publish(),
    await c.third.publish(),
  ];
  const content = { reason: "mute", channels: ["audio"], active: true, exclusion: [excluded] };
  await c.first.request("update", "", content);
  const event = await c.second.next("update", "stream");
  assert.deepEqual([idOf(event), event.content], [
    muted,
    { reason: "mute", channels: ["audio"], active: true },
  ]);
  assert.equal((await c.third.next("update", "")).content.active, true);
  assert.equal(await c.third.has("update", "stream"), false);
  assert.equal(await c.first.has("update", "stream"), false, own);
});

Deno.test("a moderator mutes one stream", async () => {
  await using c = await call("moderator", "publisher");
  const streamId = await c.second.publish();
  await c.first.request("update", `/stream/${streamId}`, { reason: "mute", channels: ["audio"] });
  assert.equal(idOf(await c.second.next("update", "stream")), streamId);
});

Deno.test("the server mutes one stream, or all but the excluded ones", async () => {
  await using c = await call("publisher", "publisher");
  const [first, second] = [await c.first.publish(), await c.second.publish()];
  const path = `/session/${c.sessionId}`;
  const one = await c.platform.rest("POST", `${path}/stream/${first}/mute`);
  assert.equal(one.body.applicationId, c.platform.emulator.apiKey);
  await c.first.next("update", "stream");
  await c.platform.rest("POST", `${path}/mute`, { active: true, excludedStreamIds: [first] });
  assert.equal(idOf(await c.second.next("update", "stream")), second);
  assert.equal(await c.first.has("update", "stream"), false);
});

Deno.test("a publisher may not moderate", async () => {
  await using c = await call("publisher", "publisher");
  const streamId = await c.second.publish();
  for (
    const [method, path] of [
      ["delete", `/connection/${c.second.id}`],
      ["delete", `/stream/${streamId}`],
      ["update", ""],
      ["update", `/stream/${streamId}`],
    ] as const
  ) {
    assert.equal((await c.first.request(method, path)).status, 403, `${method} ${path}`);
  }
  assert.deepEqual((await c.platform.sdk.streams(c.sessionId)).length, 1);
});

Deno.test("a request on another session's resource is refused", async () => {
  await using c = await call("moderator");
  const other = await c.platform.join(await c.platform.sdk.createSession());
  const address = `${other.sessionUri}/connection/${other.id}`;
  assert.equal((await c.first.request("delete", address)).status, 403);
  await other.ping();
});

Deno.test("a repeated request gets the same answer and takes effect once", async () => {
  await using c = await call("publisher", "publisher");
  const headers = { transactionId: crypto.randomUUID() };
  const content = { type: "chat", data: "once" };
  for (const _ of [1, 2]) {
    assert.equal((await c.first.request("signal", "/signal/x", content, headers)).status, 200);
  }
  await c.second.next("signal", "signal");
  assert.equal(await c.second.has("signal", "signal"), false);
});

Deno.test("a repeated publish is not refused as a stream id that is in use", async () => {
  await using c = await call("publisher");
  const headers = { transactionId: crypto.randomUUID() };
  for (const _ of [1, 2]) {
    const { status } = await c.first.request("create", "/stream/x", { channel: [] }, headers);
    assert.equal(status, 200);
  }
});

Deno.test("a request that is malformed answers 400 and breaks nothing", async () => {
  await using c = await call("publisher");
  const malformed: [method: string, path: string, content: unknown][] = [
    ["create", "/stream/no space", { name: "", channel: [] }],
    ["create", "/stream/x", { name: "", channel: "video" }],
    ["create", "/stream/x", null],
  ];
  for (const [method, path, content] of malformed) {
    assert.equal((await c.first.request(method, path, content)).status, 400);
  }
  await c.first.publish();
});
