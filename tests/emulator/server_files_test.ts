import assert from "node:assert/strict";
import { LIMITS } from "../../lib/emulator/server/limits.ts";
import { sampleFile } from "./sample_media.ts";
import {
  download,
  openEmulator,
  startRecording,
  stopWith,
  type TestEmulator,
  untilStatus,
} from "./test_emulator.ts";

const film = sampleFile(2);

/** A finished archive. */
async function finished(platform: TestEmulator, name = "") {
  const { recording } = await startRecording(platform, { name });
  return await stopWith(platform, recording, film);
}

Deno.test("an upload that was interrupted goes on where the server is", async () => {
  await using platform = await openEmulator();
  const { archive, recorder, recording } = await startRecording(platform);
  const half = film.length >> 1;
  assert.deepEqual(await recording.patch(0, film.slice(0, half)), { status: 204, offset: half });
  assert.equal(await recording.length(), half);
  // The answer was lost, and the piece is sent again.
  assert.deepEqual(await recording.patch(0, film.slice(0, half)), { status: 409, offset: half });
  assert.equal((await recording.patch(half + 10, film.slice(half))).status, 409);
  assert.equal((await recording.patch(half, film.slice(half))).status, 204);
  await Promise.all([platform.sdk.stop(archive.id), recorder.next("stop")]);
  recording.finish();
  assert.equal((await untilStatus(platform, archive.id, "available")).duration, 2);
});

Deno.test("an upload needs the token of its archive and its segment", async () => {
  await using platform = await openEmulator();
  const { recording } = await startRecording(platform);
  const { recording: other } = await startRecording(platform);
  const bytes = film.slice(0, 10);
  for (const token of ["", "wrong", other.request.uploadToken]) {
    assert.equal((await recording.patch(0, bytes, { token })).status, 403);
  }
  recording.request.segment = 1;
  assert.equal((await recording.patch(0, bytes)).status, 403);
});

Deno.test("an upload with a name, an offset or a size that cannot be is refused", async () => {
  await using platform = await openEmulator();
  const { recording } = await startRecording(platform);
  const bytes = film.slice(0, 10);
  assert.equal((await recording.patch(0, bytes, { file: "../other" })).status, 400);
  assert.equal((await recording.patch("", bytes)).status, 204);
  assert.equal((await recording.patch("x", bytes)).status, 400);
  assert.equal((await recording.patch(-1, bytes)).status, 400);
  assert.equal((await recording.patch(LIMITS.archiveBytes, bytes)).status, 413);
  const tooBig = new Uint8Array(LIMITS.uploadBytes + 1);
  assert.equal((await recording.patch(0, tooBig)).status, 413);
});

Deno.test("a page may upload files of the archive's streams, and no others", async () => {
  await using platform = await openEmulator();
  const { recording, streamId } = await startRecording(platform);
  const bytes = film.slice(0, 10);
  assert.equal((await recording.patch(0, bytes, { file: streamId })).status, 204);
  assert.equal((await recording.patch(0, bytes, { file: "another" })).status, 404);
});

Deno.test("an upload after the archive is finished answers 404, which ends the uploading", async () => {
  await using platform = await openEmulator();
  const { recording } = await startRecording(platform);
  await stopWith(platform, recording, film);
  assert.equal((await recording.patch(film.length, film)).status, 404);
});

Deno.test("an upload that is a playlist makes only its own archive fail", async () => {
  await using platform = await openEmulator();
  const { origin } = platform;
  const playlist =
    `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2\n${origin}/secret\n#EXT-X-ENDLIST\n`;
  const { archive, recording } = await startRecording(platform);
  const bytes = new TextEncoder().encode(playlist);
  await Promise.all([platform.sdk.stop(archive.id), recording.stopWith(bytes)]);
  const failed = await untilStatus(platform, archive.id, "failed");
  assert.deepEqual([failed.reason, failed.url], ["failure", null]);
  assert.equal((await finished(platform)).status, "available");
});

Deno.test("nothing is left of the uploads of a failed archive", async () => {
  await using platform = await openEmulator();
  const { archive, recording } = await startRecording(platform);
  const garbage = new Uint8Array(5_000).fill(7);
  await Promise.all([platform.sdk.stop(archive.id), recording.stopWith(garbage)]);
  await untilStatus(platform, archive.id, "failed");
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${platform.dataDir}/archives`)), []);
});

Deno.test("an error inside the server has no path in its answer", async () => {
  await using platform = await openEmulator();
  const { archive, recording } = await startRecording(platform);
  await Deno.remove(`${platform.dataDir}/archives/${archive.id}`, { recursive: true });
  const { recorder: { origin }, request: { uploadToken } } = recording;
  const response = await fetch(`${origin}/emulator/upload/${archive.id}/0/composed`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${uploadToken}`, "upload-offset": "0" },
    body: film,
  });
  const text = await response.text();
  assert.equal(response.status, 500);
  assert.equal(JSON.parse(text).message, "The emulator failed; its log says why");
});

Deno.test("a file is sent whole, to pages of any origin", async () => {
  await using platform = await openEmulator();
  const { url, size } = await finished(platform);
  const response = await fetch(url);
  assert.equal(response.status, 200);
  assert.equal((await response.arrayBuffer()).byteLength, size);
  const header = (name: string) => response.headers.get(name) ?? "";
  assert.equal(header("content-type"), "video/webm");
  assert.equal(header("accept-ranges"), "bytes");
  assert.equal(header("access-control-allow-origin"), "*");
  assert.match(header("access-control-expose-headers"), /content-range/);
});

Deno.test("a range of a file is sent", async () => {
  await using platform = await openEmulator();
  const archive = await finished(platform);
  const { url, size } = archive;
  const bytes = await download(archive);
  const ranges: [range: string, from: number, to: number][] = [
    ["bytes=0-0", 0, 0],
    ["bytes=10-99", 10, 99],
    ["bytes=100-", 100, size - 1],
    ["bytes=-50", size - 50, size - 1],
    [`bytes=0-${size * 2}`, 0, size - 1],
    [`bytes=-${size * 2}`, 0, size - 1],
  ];
  for (const [range, from, to] of ranges) {
    const part = await fetch(url, { headers: { range } });
    assert.equal(part.status, 206, range);
    assert.equal(part.headers.get("content-range"), `bytes ${from}-${to}/${size}`);
    assert.deepEqual(new Uint8Array(await part.arrayBuffer()), bytes.slice(from, to + 1));
  }
});

Deno.test("a range that cannot be met answers 416, one that is none is ignored", async () => {
  await using platform = await openEmulator();
  const { url, size } = await finished(platform);
  const statuses: [range: string, status: number][] = [
    [`bytes=${size}-`, 416],
    ["bytes=-0", 416],
    ["bytes=5-2", 200],
    ["bytes=-", 200],
    ["bytes=0-1,3-4", 200],
    ["frames=0-1", 200],
  ];
  for (const [range, status] of statuses) {
    const response = await fetch(url, { headers: { range } });
    await response.body?.cancel();
    assert.equal(response.status, status, range);
  }
});

Deno.test("HEAD and OPTIONS answer without a body", async () => {
  await using platform = await openEmulator();
  const { url, size } = await finished(platform);
  const head = await fetch(url, { method: "HEAD" });
  assert.equal(head.headers.get("content-length"), String(size));
  assert.equal((await fetch(url, { method: "OPTIONS" })).status, 204);
});

Deno.test("an address that was changed answers 403", async () => {
  await using platform = await openEmulator();
  const { url } = await finished(platform);
  const other = await finished(platform);
  const longer = new URL(url);
  longer.searchParams.set("expires", String(Number(longer.searchParams.get("expires")) + 1));
  const bare = new URL(url);
  bare.search = "";
  const swapped = new URL(url);
  swapped.pathname = new URL(other.url).pathname;
  for (const wrong of [longer, bare, swapped]) {
    const response = await fetch(wrong);
    assert.equal(response.status, 403);
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
    await response.body?.cancel();
  }
});

Deno.test("an address expires, and another request gives a new one", async () => {
  await using platform = await openEmulator({ timings: { mediaUrlMs: 0 } });
  const { id, url } = await finished(platform);
  const response = await fetch(url);
  assert.equal(response.status, 403);
  assert.match((await response.json()).message, /expired/);
  assert.notEqual((await platform.sdk.get(id)).url, url);
});

Deno.test("a file is named after its archive, whatever characters the name has", async () => {
  await using platform = await openEmulator();
  for (
    const [name, expected] of [["Täglich 1", "T%C3%A4glich%201"], [
      "half \ud83d",
      "half%20%EF%BF%BD",
    ]]
  ) {
    const response = await fetch((await finished(platform, name)).url);
    await response.body?.cancel();
    assert.equal(response.status, 200);
    assert.match(
      response.headers.get("content-disposition") ?? "",
      new RegExp(`${expected}\\.webm$`),
    );
  }
});

Deno.test("a reader that leaves in the middle does no harm", async () => {
  await using platform = await openEmulator();
  const { recording } = await startRecording(platform);
  const { url } = await stopWith(platform, recording, sampleFile(60));
  const stop = new AbortController();
  const response = await fetch(url, { signal: stop.signal });
  await response.body?.getReader().read();
  stop.abort();
  assert.equal((await fetch(url, { method: "HEAD" })).status, 200);
});
