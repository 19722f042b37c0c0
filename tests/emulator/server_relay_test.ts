import assert from "node:assert/strict";
import { FaultProxy } from "../support/fault_proxy.ts";
import { FakeRecorder } from "./fake_recorder.ts";
import { sampleFile } from "./sample_media.ts";
import { openEmulator, startRecording, stopWith, type TestEmulator } from "./test_emulator.ts";
import { WireClient } from "./wire_client.ts";

const film = sampleFile(2);

/** Runs an attempt until it succeeds: the next process needs a moment to take over. */
async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (let attempts = 1;; attempts++) {
    try {
      return await attempt();
    } catch (error) {
      if (attempts === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Lists archives at another origin. */
async function listAt(platform: TestEmulator, origin: string) {
  const { apiKey } = platform.emulator;
  const url = `${origin}/emulator/api.opentok.com/v2/project/${apiKey}/archive`;
  const response = await fetch(url, { headers: { "x-opentok-auth": platform.sdk.jwt() } });
  const body = await response.json();
  return { status: response.status, items: body.items };
}

Deno.test("clients of two processes on the same data are in the same session", async () => {
  await using platform = await openEmulator();
  const second = await platform.openSecond();
  const sessionId = await platform.sdk.createSession();
  const near = await platform.join(sessionId);
  const far = await WireClient.join(second.origin, platform.sdk.token(sessionId));
  await far.signal("chat", "Hello");
  assert.equal((await near.next("signal", "signal")).from, far.id);
  await near.signal("chat", "Hello");
  await far.next("signal", "signal", ({ from }) => from === near.id);
  await far.leave();
  assert.equal((await near.next("deleted", "connection")).reason, "clientDisconnected");
});

Deno.test("a client that is refused is refused with the same code through another process", async () => {
  await using platform = await openEmulator();
  const second = await platform.openSecond();
  const token = platform.sdk.token(await platform.sdk.createSession());
  const query = { reconnect: "true", socketId: "unknown" };
  const client = await WireClient.connect(second.origin, token, query);
  assert.equal((await client.closed).code, 1011);
});

Deno.test("a client that loses its connection to another process comes back through it", async () => {
  await using platform = await openEmulator();
  const second = await platform.openSecond();
  await using proxy = await FaultProxy.start(() => second.origin);
  const token = platform.sdk.token(await platform.sdk.createSession());
  const client = await WireClient.join(proxy.origin, token);
  proxy.sockets("drop");
  await client.closed;
  await client.resume();
  await client.ping();
  await client.leave();
});

Deno.test("a page of another process records", async () => {
  await using platform = await openEmulator();
  const second = await platform.openSecond();
  const sessionId = await platform.sdk.createSession();
  const token = platform.sdk.token(sessionId);
  const client = await WireClient.join(second.origin, token);
  await client.publish();
  const recorder = await FakeRecorder.connect(second.origin, token);
  const [, recording] = await Promise.all([platform.sdk.start(sessionId), recorder.record()]);
  assert.equal((await stopWith(platform, recording, film)).duration, 2);
  await Promise.all([client.leave(), recorder.close()]);
});

Deno.test("a file has its address at the process that was asked", async () => {
  await using platform = await openEmulator();
  const second = await platform.openSecond();
  const { recording } = await startRecording(platform);
  await stopWith(platform, recording, film);
  const { items: [{ url }] } = await listAt(platform, second.origin);
  assert.equal(new URL(url).origin, second.origin);
  const response = await fetch(url, { headers: { range: "bytes=0-9" } });
  assert.deepEqual([response.status, (await response.arrayBuffer()).byteLength], [206, 10]);
});

Deno.test("when the process that is the platform ends, another takes its place and the archive goes on", async () => {
  await using platform = await openEmulator();
  const second = await platform.openSecond();
  const { client, archive, recorder, recording } = await startRecording(platform);
  assert.equal((await recording.patch(0, film.slice(0, 500))).status, 204);
  await platform.closeEmulator();
  assert.equal((await client.closed).code, 1012);
  await retried(async () => assert.equal((await listAt(platform, second.origin)).status, 200));
  await client.resume({ origin: second.origin });
  await client.ping();
  await recorder.reconnect([{ archiveId: archive.id, segment: 0 }], second.origin);
  await recorder.next("streams");
  assert.equal((await recording.patch(500, film.slice(500))).status, 204);
  const { items: [{ status }] } = await listAt(platform, second.origin);
  assert.equal(status, "started");
});

Deno.test("while no process is the platform, requests answer 503 and sockets close for a return", async () => {
  await using platform = await openEmulator();
  const sessionId = await platform.sdk.createSession();
  const client = await platform.join(sessionId);
  await platform.closeEmulator();
  const response = await fetch(
    `${platform.origin}/emulator/config.opentok.com/project/1/config.json`,
  );
  await response.body?.cancel();
  assert.deepEqual([response.status, response.headers.get("retry-after")], [503, "1"]);
  assert.notEqual((await client.closed).code, 1011);
});
