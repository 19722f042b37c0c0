import assert from "node:assert/strict";
import { joinUploads } from "../../lib/emulator/server/remux.ts";
import {
  joined,
  longestPauseMs,
  type MediaContent,
  packetsIn,
  readMedia,
  sampleFile,
  samplePackets,
} from "./sample_media.ts";

type Upload = [bytes: Uint8Array<ArrayBuffer>, offsetSeconds: number];

/** Joins uploads; what the file then has, and the gaps that were reported. */
async function join(...uploads: Upload[]): Promise<MediaContent & { gaps: number[][] }> {
  const folder = await Deno.makeTempDir({ prefix: "remux-" });
  try {
    const written = await Promise.all(uploads.map(async ([bytes, offsetSeconds], i) => {
      const path = `${folder}/${i}.packets`;
      await Deno.writeFile(path, bytes);
      return { path, offsetSeconds };
    }));
    let gaps: number[][] = [];
    await joinUploads(written, `${folder}/joined`, {
      codecs: { video: "vp8", audio: "opus" },
      describe(found) {
        gaps = found.map(({ fromSeconds, toSeconds }) => [fromSeconds, toSeconds]);
        return "a comment";
      },
      signal: new AbortController().signal,
    });
    return { ...await readMedia(await Deno.readFile(`${folder}/joined`)), gaps };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const tracks of ["both", "audio", "video"] as const) {
  Deno.test(`joinUploads() keeps every packet at its time when an upload has ${tracks}`, async () => {
    const bytes = sampleFile(5, { fromSeconds: 0.42, tracks });
    const { packets } = await join([bytes, 0]);
    assert.deepEqual(packets, packetsIn(bytes));
    assert.equal(Object.keys(packets).length, tracks === "both" ? 2 : 1);
  });
}

Deno.test("joinUploads() keeps every packet of an upload that has no end", async () => {
  const writes = samplePackets(5);
  for (const share of [0.3, 0.5, 0.9]) {
    const bytes = joined(writes.slice(0, writes.length * share));
    const { packets, seconds } = await join([bytes, 0]);
    assert.deepEqual(packets, packetsIn(bytes));
    assert.ok(Math.abs(seconds - 5 * share) < 0.2, `${share}`);
  }
});

Deno.test("joinUploads() keeps every whole packet of an upload that ends anywhere", async () => {
  const writes = samplePackets(5);
  const whole = joined(writes.slice(0, 200));
  const packets = packetsIn(whole);
  const next = writes[200] ?? assert.fail();
  for (const bytes of [1, 2, 5, 50]) {
    const torn = await join([joined([whole, next.slice(0, bytes)]), 0]);
    assert.deepEqual(torn.packets, packets, `${bytes}`);
  }
});

Deno.test("joinUploads() writes the comment, the length and an index", async () => {
  const bytes = sampleFile(10);
  const { comment, seconds, format } = await join([bytes, 0]);
  assert.deepEqual([comment, format], ["a comment", "WebM"]);
  assert.ok(Math.abs(seconds - 10) < 0.05);
});

Deno.test("joinUploads() puts uploads at their places and reports the gap between them", async () => {
  const film = sampleFile(2);
  const { packets, gaps, seconds } = await join([film, 0], [film, 5]);
  assert.ok(Math.abs(seconds - 7) < 0.05);
  assert.equal(packets.video?.length, 120);
  assert.equal(packets.video?.[60], "key 5000 3000");
  const [[fromSeconds = 0, toSeconds] = []] = gaps;
  assert.ok(Math.abs(fromSeconds - 2) < 0.05);
  assert.deepEqual([gaps.length, toSeconds], [1, 5]);
});

Deno.test("joinUploads() fills missing audio with silence", async () => {
  const film = sampleFile(2);
  const { packets } = await join([film, 0], [film, 5]);
  assert.ok(longestPauseMs(packets.audio) <= 40, `${longestPauseMs(packets.audio)}`);
});

Deno.test("joinUploads() takes the later upload where two overlap, from its first frame on", async () => {
  const film = sampleFile(3);
  const { packets, gaps } = await join([film, 0], [film, 2]);
  assert.deepEqual(gaps, []);
  assert.equal(packets.video?.length, 150);
  assert.equal(packets.video?.[60], "key 2000 3000");
  const times = packets.audio?.map((packet) => Number(packet.split(" ")[1])) ?? [];
  assert.deepEqual(times, times.toSorted((a, b) => a - b));
});

Deno.test("joinUploads() leaves out uploads in which nothing is playable", async () => {
  const film = sampleFile(2);
  const { packets } = await join([new Uint8Array(500).fill(7), 0], [film, 3]);
  assert.equal(packets.video?.[0], "key 3000 3000");
});

Deno.test("joinUploads() throws when nothing is playable", async () => {
  await assert.rejects(join([new TextEncoder().encode("#EXTM3U\n"), 0]), /Nothing playable/);
});
