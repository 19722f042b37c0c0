import assert from "node:assert/strict";
import { packetsIn, readMedia, sampleFile } from "./sample_media.ts";
import { download, openEmulator, startRecording, stopWith, untilStatus } from "./test_emulator.ts";

const film = sampleFile(3);

Deno.test("an archive goes from started over stopped to available, for REST and for clients", async () => {
  await using platform = await openEmulator();
  const { client, archive, recording } = await startRecording(platform, { name: "Talk" });
  assert.equal(archive.status, "started");
  const created = await client.next("created", "archive");
  assert.deepEqual(created.content, { id: archive.id, name: "Talk", status: "started" });

  const available = await stopWith(platform, recording, film);
  assert.equal((await client.next("updated", "archive")).content.status, "stopped");
  assert.deepEqual(
    [available.reason, available.duration, available.size],
    ["user initiated", 3, (await download(available)).length],
  );
});

Deno.test("the recorder is asked for what the start asks for", async () => {
  await using platform = await openEmulator();
  const { recording, streamId } = await startRecording(platform, {
    resolution: "1280x720",
    hasAudio: false,
  });
  const { width, height, hasAudio, hasVideo, outputMode, segment } = recording.request;
  assert.deepEqual(
    [width, height, hasAudio, hasVideo, outputMode, segment],
    [1280, 720, false, true, "composed", 0],
  );
  assert.deepEqual(recording.streams.map((stream) => stream.streamId), [streamId]);
});

Deno.test("streams of the same participant in another session are offered as sources of media", async () => {
  await using platform = await openEmulator();
  const [primary, secondary] = [
    await platform.sdk.createSession(),
    await platform.sdk.createSession(),
  ];
  const page = await platform.enter(primary, { data: "Ada" });
  const other = await platform.join(secondary, { data: "Ada" });
  const streamId = await other.publish();
  const [, recording] = await Promise.all([
    platform.sdk.start(secondary),
    page.recorder.record(),
  ]);
  assert.deepEqual(recording.streams.map((stream) => stream.mediaStreamIds), [
    [streamId, page.streamId],
  ]);
});

Deno.test("the recorder is notified when a stream comes, is muted, and goes", async () => {
  await using platform = await openEmulator();
  const { sessionId, recorder, streamId } = await startRecording(platform);
  const guest = await platform.join(sessionId, { data: "Bo" });
  const guestId = await guest.publish("Bo");
  const notified = (...expected: [id: string, hasAudio: boolean][]) =>
    recorder.next(
      "streams",
      ({ streams }) =>
        JSON.stringify(streams.map(({ streamId, hasAudio }) => [streamId, hasAudio])) ===
          JSON.stringify(expected),
    );
  await notified([streamId, true], [guestId, true]);
  await guest.updateChannel(guestId, "audio1", { active: false });
  await notified([streamId, true], [guestId, false]);
  await guest.leave();
  await notified([streamId, true]);
});

Deno.test("VP8 is delivered as WebM, every packet at its time", async () => {
  await using platform = await openEmulator();
  const { recording } = await startRecording(platform);
  const available = await stopWith(platform, recording, film);
  const { format, packets } = await readMedia(await download(available));
  assert.equal(format, "WebM");
  assert.deepEqual(packets, packetsIn(film));
});

Deno.test("H.264 is delivered as MP4, every packet at its time", async () => {
  await using platform = await openEmulator();
  const { recording } = await startRecording(platform, {}, { video: ["avc"] });
  const bytes = sampleFile(3, { codec: "avc" });
  const available = await stopWith(platform, recording, bytes);
  const { format, packets } = await readMedia(await download(available));
  assert.equal(format, "MP4");
  assert.deepEqual(packets, packetsIn(bytes));
});

Deno.test("an individual archive is a ZIP of a file for each stream, with a manifest", async () => {
  await using platform = await openEmulator();
  const { client, archive, recorder, recording, streamId } = await startRecording(
    platform,
    { outputMode: "individual" },
    { data: "Ada" },
  );
  for (const id of ["left-earlier", "nothing-playable"]) await client.publish("", id);
  const stopping = platform.sdk.stop(archive.id);
  await recorder.next("stop");
  await recording.upload(film, streamId);
  await recording.upload(sampleFile(2, { tracks: "audio" }), "left-earlier");
  await recording.upload(new Uint8Array(50), "nothing-playable");
  recording.finish();
  await stopping;
  const available = await untilStatus(platform, archive.id, "available");

  const files = unzip(await download(available));
  const manifest = JSON.parse(new TextDecoder().decode(files.get(`${archive.id}.json`)));
  const entry = (id: string) =>
    manifest.files.find((each: { streamId: string }) => each.streamId === id);
  assert.deepEqual(
    [...files.keys()].sort(),
    [`${archive.id}.json`, `${streamId}.webm`, "left-earlier.webm"].sort(),
  );
  const { stopTimeOffset, ...facts } = entry(streamId);
  assert.deepEqual(facts, {
    connectionData: "Ada",
    filename: `${streamId}.webm`,
    size: files.get(`${streamId}.webm`)?.length,
    startTimeOffset: 0,
    streamId,
    hasAudio: true,
    hasVideo: true,
  });
  assert.ok(Math.abs(stopTimeOffset - 3_000) < 50);
  assert.equal(entry("left-earlier").hasVideo, false);
  const { packets } = await readMedia(files.get(`${streamId}.webm`) ?? new Uint8Array());
  assert.deepEqual(packets, packetsIn(film));
});

/** The files of a ZIP whose entries are stored without compression. */
function unzip(bytes: Uint8Array<ArrayBuffer>): Map<string, Uint8Array<ArrayBuffer>> {
  const view = new DataView(bytes.buffer);
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  // The end of central directory record: its last fields are the directory's place and no comment.
  let at = view.getUint32(bytes.length - 6, true);
  while (view.getUint32(at, true) === 0x02014b50) {
    const [size, start] = [view.getUint32(at + 24, true), view.getUint32(at + 42, true)];
    const [name, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const nameEnd = at + 46 + (name ?? 0);
    // The entry's own header repeats the name; its extra field may differ.
    const data = start + 30 + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
    const text = new TextDecoder().decode(bytes.subarray(at + 46, nameEnd));
    files.set(text, bytes.slice(data, data + size));
    at = nameEnd + (extra ?? 0) + (comment ?? 0);
  }
  return files;
}
