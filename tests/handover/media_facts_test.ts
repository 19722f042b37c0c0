import assert from "node:assert/strict";
import {
  BufferTarget,
  EncodedPacket,
  EncodedVideoPacketSource,
  Output,
  WebMOutputFormat,
} from "mediabunny";
import { readMediaFacts } from "../../lib/handover/media_facts.ts";

/** Two seconds of VP8-shaped packets; what is in them does not matter here. */
async function webm(comment?: string): Promise<Uint8Array<ArrayBuffer>> {
  const output = new Output({ format: new WebMOutputFormat(), target: new BufferTarget() });
  const source = new EncodedVideoPacketSource("vp8");
  output.addVideoTrack(source);
  if (comment !== undefined) output.setMetadataTags({ comment });
  await output.start();
  for (let i = 0; i < 60; i++) {
    const packet = new EncodedPacket(new Uint8Array(200), i % 30 ? "delta" : "key", i / 30, 1 / 30);
    await source.add(packet, {
      decoderConfig: { codec: "vp8", codedWidth: 64, codedHeight: 48 },
    });
  }
  await output.finalize();
  return new Uint8Array(output.target.buffer ?? new ArrayBuffer(0));
}

/** What is read of a file that a server sends in ranges. */
async function factsOf(file: Uint8Array<ArrayBuffer>) {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const range = /bytes=(\d+)-(\d*)/.exec(request.headers.get("range") ?? "");
    if (!range) return new Response(file);
    const from = Number(range[1]);
    const to = range[2] ? Math.min(Number(range[2]), file.length - 1) : file.length - 1;
    const headers = { "content-range": `bytes ${from}-${to}/${file.length}` };
    return new Response(file.slice(from, to + 1), { status: 206, headers });
  });
  try {
    return await readMediaFacts(`http://127.0.0.1:${server.addr.port}/file.webm`);
  } finally {
    await server.shutdown();
  }
}

Deno.test("readMediaFacts() reads length, epoch, gaps and losses from the file itself", async () => {
  const gaps = [{ fromMs: 1_800_000_000_500, toMs: 1_800_000_000_900 }];
  const losses = { framesNotDelivered: 3, framesDropped: 0 };
  const comment = `gapless ${JSON.stringify({ epochMs: 1_800_000_000_123.5, gaps, ...losses })}`;
  const facts = await factsOf(await webm(comment));
  assert.deepEqual([facts.gaps, facts.losses], [gaps, losses]);
  // WebM does not say how long its last frame is shown.
  assert.ok(facts.durationMs > 1_960 && facts.durationMs <= 2_000, `${facts.durationMs}`);
  assert.equal(facts.epochMs, 1_800_000_000_123.5);
});

for (const comment of [undefined, "gapless {", 'gapless {"epochMs":"now"}', "a holiday"]) {
  Deno.test(`readMediaFacts() knows no epoch or losses of a file with the comment ${comment}`, async () => {
    const { epochMs, gaps, losses } = await factsOf(await webm(comment));
    assert.deepEqual([epochMs, gaps, losses], [null, [], null]);
  });
}

Deno.test("readMediaFacts() throws for what is no media", async () => {
  await assert.rejects(factsOf(new TextEncoder().encode("not a film")));
});
