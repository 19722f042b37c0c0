import assert from "node:assert/strict";
import { parameterSets } from "../../lib/export/avc.ts";
import { chooseContainer, fileNameOf, type PartFormats } from "../../lib/export/container.ts";
import { packetSeconds, silentPacket } from "../../lib/export/silence.ts";
import { RECORDS } from "./numbered.ts";

const vp8 = { codec: "vp8", codecString: "vp8", width: 640, height: 480, description: null };
const vp9 = { ...vp8, codec: "vp9", codecString: "vp09.00.10.08" };
const otherVp9 = { ...vp9, codecString: "vp09.02.10.10" };
const [record, otherRecord] = RECORDS.map((description) => ({ description }));
const avc = { ...vp8, ...record, codec: "avc", codecString: "avc1.42c00d" };
const otherAvc = { ...avc, ...otherRecord, width: 1280 };
const opus = { codec: "opus", sampleRate: 48_000, channels: 1, description: null };
const aac = {
  codec: "aac",
  sampleRate: 48_000,
  channels: 2,
  description: new Uint8Array([17, 144]),
};

/** The video and the audio of each part. */
type Parts = [PartFormats["video"], PartFormats["audio"]][];
const choose = (parts: Parts) =>
  chooseContainer(parts.map(([video, audio], seq) => ({ seq, video, audio })));

const POSSIBLE: [string, Parts, { extension: string; inBand?: true; sizeChanges?: true }][] = [
  ["VP8 and Opus", [[vp8, opus]], { extension: "webm" }],
  ["VP9 and Opus", [[vp9, opus]], { extension: "webm" }],
  ["H.264 and AAC", [[avc, aac]], { extension: "mp4" }],
  ["H.264 and Opus", [[avc, opus]], { extension: "mp4" }],
  ["Opus alone", [[null, opus]], { extension: "webm" }],
  ["AAC alone", [[null, aac]], { extension: "mp4" }],
  ["pictures alone", [[avc, null]], { extension: "mp4" }],
  ["parts that lack one kind", [[vp8, null], [null, opus]], { extension: "webm" }],
  [
    "Opus in one and two channels",
    [[vp8, opus], [vp8, { ...opus, channels: 2 }]],
    { extension: "webm" },
  ],
  [
    "VP8 of two sizes",
    [[vp8, opus], [{ ...vp8, width: 1280 }, opus]],
    { extension: "webm", sizeChanges: true },
  ],
  [
    "H.264 that begins differently",
    [[avc, aac], [otherAvc, aac]],
    { extension: "mp4", sizeChanges: true, inBand: true },
  ],
];
for (const [name, parts, { extension, inBand = false, sizeChanges = false }] of POSSIBLE) {
  Deno.test(`chooseContainer() puts ${name} into ${extension}`, () => {
    const choice = choose(parts);
    assert.ok(choice.kind === "possible", JSON.stringify(choice));
    assert.equal(choice.container.extension, extension);
    assert.deepEqual([choice.inBand, choice.sizeChanges], [inBand, sizeChanges]);
  });
}

const IMPOSSIBLE: [string, Parts, RegExp][] = [
  [
    "two kinds of pictures",
    [[vp8, opus], [avc, opus]],
    /Part 1 has pictures in VP8 and part 2 in H\.264/,
  ],
  ["two kinds of sound", [[avc, aac], [avc, opus]], /Part 1 has sound in AAC and part 2 in Opus/],
  [
    "AAC of two rates",
    [[avc, aac], [avc, { ...aac, sampleRate: 44_100 }]],
    /Part 2 has sound of another rate/,
  ],
  ["VP9 of two profiles", [[vp9, opus], [otherVp9, opus]], /another VP9 profile/],
  ["VP8 with AAC", [[vp8, aac]], /VP8 with AAC cannot/],
  ["other codecs", [[{ ...vp8, codec: "hevc" }, aac]], /H\.265 with AAC cannot/],
  [
    "H.264 that does not say how it is decoded",
    [[{ ...avc, description: null }, aac]],
    /Part 1 does not say/,
  ],
  ["no part at all", [], /No part can be read/],
];
for (const [name, parts, reason] of IMPOSSIBLE) {
  Deno.test(`chooseContainer() refuses ${name} and says why`, () => {
    const choice = choose(parts);
    assert.ok(choice.kind === "impossible");
    assert.match(choice.reason, reason);
  });
}

Deno.test("fileNameOf() is a name on every disk", () => {
  const webm = { extension: "webm", mimeType: "video/webm" } as const;
  const names: [string, string][] = [
    ["All hands", "All hands.webm"],
    ['a/b\\c: "d"?', "a b c d.webm"],
    ["..\u0000 /", "Film.webm"],
    ["", "Film.webm"],
    ["é 日本", "é 日本.webm"],
    ["x".repeat(300), `${"x".repeat(100)}.webm`],
  ];
  for (const [film, file] of names) assert.equal(fileNameOf(film, webm), file);
});

Deno.test("parameterSets() refuses a record that ends too early", () => {
  assert.throws(() => parameterSets((RECORDS[0] ?? new Uint8Array()).subarray(0, 20)), RangeError);
});

Deno.test("packetSeconds() reads an Opus packet's length from its first bytes, an AAC one's from the rate", () => {
  const stereo = { codec: "opus", sampleRate: 48_000, channels: 2 } as const;
  const lengths: [number[], number][] = [
    [[0xfc, 0], 0.02],
    [[0xf9, 0], 0.04],
    [[0xfb, 3], 0.06],
    [[0x18, 0], 0.06],
    [[0x08, 0], 0.02],
    [[0xe0, 0], 0.0025],
  ];
  for (const [bytes, seconds] of lengths) {
    assert.equal(packetSeconds(stereo, new Uint8Array(bytes)), seconds, `${bytes}`);
  }
  const sound = { codec: "aac", sampleRate: 44_100, channels: 2 } as const;
  assert.equal(packetSeconds(sound, new Uint8Array(9)), 1024 / 44_100);
});

Deno.test("silentPacket() has silence for one and two channels, and none for more", () => {
  for (const codec of ["opus", "aac"] as const) {
    for (const channels of [1, 2]) {
      const format = { codec, sampleRate: 48_000, channels };
      const silence = silentPacket(format);
      assert.ok(silence);
      assert.equal(silence.seconds, packetSeconds(format, silence.data));
    }
    assert.equal(silentPacket({ codec, sampleRate: 48_000, channels: 6 }), null);
  }
});
