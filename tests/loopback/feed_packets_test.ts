import assert from "node:assert/strict";
import {
  type FeedPacket,
  PacketReader,
  toMessages,
} from "../../lib/loopback/browser/feed_packets.ts";

function read(messages: ArrayBuffer[]): FeedPacket[] {
  const reader = new PacketReader();
  return messages.flatMap((message) => reader.take(message) ?? []);
}

Deno.test("a picture of any size arrives as it was, in messages that every browser sends", () => {
  for (const length of [0, 1, 65_519, 65_520, 65_521, 300_000]) {
    const data = Uint8Array.from({ length }, (_, i) => i * 31);
    const packet: FeedPacket = { kind: "video", atMs: 1234.5, key: length > 1, data };
    const messages = toMessages(packet);
    assert(messages.every(({ byteLength }) => byteLength <= 65_536));
    assert.deepEqual(read(messages), [packet]);
  }
});

Deno.test("sound arrives with its rate and every channel", () => {
  for (const channelCount of [1, 2]) {
    const channels = Array.from(
      { length: channelCount },
      (_, channel) => Float32Array.from({ length: 480 }, (_, i) => Math.sin(i + channel)),
    );
    const packet: FeedPacket = { kind: "audio", atMs: 20, sampleRate: 44_100, channels };
    assert.deepEqual(read(toMessages(packet)), [packet]);
  }
});

Deno.test("packets that follow each other do not mix", () => {
  const first: FeedPacket = { kind: "video", atMs: 1, key: true, data: new Uint8Array(100_000) };
  const second: FeedPacket = { kind: "video", atMs: 2, key: false, data: new Uint8Array([7]) };
  assert.deepEqual(read([...toMessages(first), ...toMessages(second)]), [first, second]);
});

Deno.test("a message that is none is refused", () => {
  assert.throws(() => new PacketReader().take(new ArrayBuffer(3)), RangeError);
});

Deno.test("a packet without an end is refused before it fills the memory", () => {
  const [piece] = toMessages({ kind: "video", atMs: 0, key: true, data: new Uint8Array(100_000) });
  assert(piece);
  const reader = new PacketReader();
  assert.throws(() => {
    for (let i = 0; i < 1_000; i++) reader.take(piece);
  }, RangeError);
});
