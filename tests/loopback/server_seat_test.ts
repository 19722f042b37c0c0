import assert from "node:assert/strict";
import { createLoopback } from "../../lib/loopback/mod.ts";
import { storeOn } from "../../lib/store/mod.ts";
import {
  openPlatform,
  recordingSession,
  sampleWebM,
  TestClient,
  untilStatus,
} from "./server_support.ts";

const film = await sampleWebM(2);

/** A second process on the data of `platform`: it serves on a port of its own. */
async function openSecond(platform: { dataDir: string }) {
  const kv = await Deno.openKv(`${platform.dataDir}/kv`);
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => loopback.fetch(request),
  );
  const origin = `http://127.0.0.1:${server.addr.port}`;
  const loopback = await createLoopback({
    records: storeOn(kv).loopback,
    dataDir: platform.dataDir,
    origin: () => origin,
  });
  return {
    base: `${origin}/loopback`,
    async [Symbol.asyncDispose]() {
      await loopback.close();
      await server.shutdown();
      kv.close();
    },
  };
}

/** Connects as a page does that lost its socket: again and again, for a while. */
async function comeBack(base: string, token: string): Promise<TestClient> {
  for (let tries = 1;; tries++) {
    try {
      return await TestClient.connect(base, token);
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

Deno.test("who speaks to another process on the same data is in the same session", async () => {
  await using platform = await openPlatform();
  await using second = await openSecond(platform);
  const { sessionId, client, archive, recording } = await recordingSession(platform);
  const token = platform.sdk.token(sessionId);
  const other = await TestClient.connect(second.base, token);
  assert.deepEqual((await other.next("welcome")).archives.map(({ id }) => id), [archive.id]);
  await client.next("connection-created");
  other.publish("theirs");
  assert.equal(
    (await client.next("stream-created", (m) => m.stream.id === "theirs")).stream.name,
    "camera",
  );

  const url = recording.request.uploadUrl.replace(platform.base, second.base);
  const chunk = await fetch(`${url}?sequence=0&position=0`, {
    method: "PUT",
    headers: { authorization: `Bearer ${recording.request.uploadToken}` },
    body: film,
  });
  assert.equal(chunk.status, 204);
  const stopping = platform.sdk.stop(archive.id);
  await client.next("stop-recording");
  recording.finish();
  await stopping;
  await untilStatus(platform, archive.id, "available");

  const { apiKey } = platform.loopback;
  const asked = await fetch(`${second.base}/v2/project/${apiKey}/archive/${archive.id}`, {
    headers: { "x-opentok-auth": platform.sdk.jwt() },
  });
  const found: { url: string } = await asked.json();
  // Its address is where it was asked for, so that a page of that origin may read it.
  assert.equal(new URL(found.url).origin, new URL(second.base).origin);
  const media = await fetch(found.url, { headers: { range: "bytes=0-9" } });
  assert.equal(media.status, 206);
  assert.equal((await media.bytes()).length, 10);
  await other.leave();
  assert.equal((await client.next("connection-destroyed")).reason, "clientDisconnected");
});

Deno.test("when the process that is the platform ends another takes its place, its archive goes on", async () => {
  await using platform = await openPlatform();
  await using second = await openSecond(platform);
  const sessionId = await platform.session();
  const token = platform.sdk.token(sessionId);
  const client = await TestClient.connect(second.base, token);
  client.publish("stream");
  await client.next("stream-created");
  const [archive, recording] = await Promise.all([platform.sdk.start(sessionId), client.record()]);
  assert.equal(await recording.put(0, 0, film.subarray(0, 500)), 204);

  await platform.loopback.close();
  assert.equal((await client.closed).code, 1012);
  const back = await comeBack(second.base, token);
  back.publish("stream");
  const { epochMs } = recording;
  back.send({ type: "recording-started", archiveId: archive.id, epochMs });
  assert.equal(await recording.put(1, 500, film.subarray(500)), 204, "the next process takes it");
  back.send({ type: "recording-finished", archiveId: archive.id, droppedFrames: 0 });
  const told = await back.next("archive", (m) => m.archive.status === "stopped");
  assert.equal(told.archive.id, archive.id);
  await back.leave();
});
