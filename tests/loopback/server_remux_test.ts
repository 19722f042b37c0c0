import assert from "node:assert/strict";
import { ALL_FORMATS, EncodedPacketSink, FilePathSource, Input } from "mediabunny";
import { lengthSeconds, remux } from "../../lib/loopback/remux.ts";
import { joined, sampleWebM, sampleWrites } from "./server_support.ts";

/** The tracks of a file, packet by packet: type, time in ms, bytes. */
async function packetsOf(path: string) {
  using input = new Input({ source: new FilePathSource(path), formats: ALL_FORMATS });
  const found: Record<string, string[]> = {};
  for (const track of await input.getTracks()) {
    const packets = await Array.fromAsync(new EncodedPacketSink(track).packets());
    found[track.type] = packets.map(({ type, timestamp, data }) =>
      `${type} ${Math.round(timestamp * 1000)} ${data.length}`
    );
  }
  return found;
}

async function remuxed(bytes: Uint8Array, check: (from: string, to: string) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "remux-" });
  try {
    await Deno.writeFile(`${folder}/from`, bytes);
    await remux(`${folder}/from`, `${folder}/to`, 1_795_304_976_755.125);
    await check(`${folder}/from`, `${folder}/to`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const tracks of ["both", "audio", "video"] as const) {
  Deno.test(`remux() keeps every packet at its time when a file has ${tracks}`, async () => {
    await remuxed(await sampleWebM(5, { fromSeconds: 0.42, tracks }), async (from, to) => {
      const packets = await packetsOf(to);
      assert.deepEqual(packets, await packetsOf(from));
      assert.equal(Object.keys(packets).length, tracks === "both" ? 2 : 1);
      assert.match(Object.values(packets)[0]?.[0] ?? "", /^key 420 /);
    });
  });
}

Deno.test("remux() keeps every whole packet of a file that has no end", async () => {
  const writes = await sampleWrites(5);
  for (const share of [0.3, 0.5, 0.9]) {
    await remuxed(joined(writes.slice(0, writes.length * share)), async (from, to) => {
      const packets = await packetsOf(to);
      assert.deepEqual(packets, await packetsOf(from));
      assert(Math.abs(await lengthSeconds(to) - 5 * share) < 0.2, `${share}`);
    });
  }
});

Deno.test("remux() writes the epoch, the length and an index", async () => {
  await remuxed(await sampleWebM(10), async (_, to) => {
    using input = new Input({ source: new FilePathSource(to), formats: ALL_FORMATS });
    assert.equal((await input.getMetadataTags()).comment, "gapless-epoch-ms=1795304976755.125");
    assert(Math.abs((await input.getDurationFromMetadata() ?? 0) - 10) < 0.05);
    // The id of the Cues element.
    const bytes = await Deno.readFile(to);
    assert(bytes.toHex().includes("1c53bb6b"));
  });
});
