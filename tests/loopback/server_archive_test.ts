import assert from "node:assert/strict";
import { ALL_FORMATS, BlobSource, EncodedPacketSink, Input } from "mediabunny";
import { openPlatform, sampleWebM, untilStatus } from "./server_support.ts";

const film = await sampleWebM(3);

Deno.test("an archive goes from started over stopped to available, and its file is whole", async () => {
  await using platform = await openPlatform();
  const sessionId = await platform.session();
  const client = await platform.join(sessionId);
  client.publish("s1");
  await client.next("stream-created");

  const epochMs = Date.now() + 0.25;
  const [started, recording] = await Promise.all([
    platform.sdk.start(sessionId, { name: "Talk", resolution: "1280x720" }),
    client.record(epochMs),
  ]);
  assert.equal(started.status, "started");
  assert.equal(started.name, "Talk");
  assert.equal(started.resolution, "1280x720");
  assert.equal(started.createdAt, Math.floor(epochMs / 1000) * 1000);
  assert.equal(started.url, null);
  assert.deepEqual(
    [recording.request.width, recording.request.height, recording.request.hasAudio],
    [1280, 720, true],
  );
  const seen = await client.next("archive");
  assert.deepEqual(seen.archive, { id: started.id, name: "Talk", status: "started" });

  const [stopped] = await Promise.all([platform.sdk.stop(started.id), recording.obey(film)]);
  assert.equal(stopped.status, "stopped");
  assert.equal(stopped.reason, "user initiated");
  assert.equal((await client.next("archive")).archive.status, "stopped");

  const available = await untilStatus(platform, started.id, "available");
  assert.equal(available.duration, 3);
  const response = await fetch(available.url);
  assert.equal(response.headers.get("content-type"), "video/webm");
  const blob = await response.blob();
  assert.equal(blob.size, available.size);
  using input = new Input({ source: new BlobSource(blob), formats: ALL_FORMATS });
  assert(Math.abs((await input.getDurationFromMetadata() ?? 0) - 3) < 0.05);
  assert.equal((await input.getMetadataTags()).comment, `gapless-epoch-ms=${epochMs}`);
  const track = await input.getPrimaryVideoTrack();
  assert(track);
  const packets = await Array.fromAsync(new EncodedPacketSink(track).packets());
  assert.equal(packets.length, 90);
});
