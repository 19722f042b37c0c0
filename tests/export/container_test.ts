import assert from "node:assert/strict";
import { parameterSets } from "../../lib/export/avc.ts";
import { chooseContainer, fileNameOf, type PartFormats } from "../../lib/export/container.ts";
import { packetSeconds, silentPacket } from "../../lib/export/silence.ts";
import { RECORDS } from "./numbered.ts";

const vp8 = {
  codec: "vp8",
  codecString: "vp8",
  width: 640,
  height: 480,
  description: null,
};
const vp9 = { ...vp8, codec: "vp9", codecString: "vp09.00.10.08" };
const avc = {
  ...vp8,
  codec: "avc",
  codecString: "avc1.42c00d",
  description: RECORDS[0] ?? new Uint8Array(),
};
const opus = { codec: "opus", sampleRate: 48_000, channels: 1, description: null };
const aac = {
  codec: "aac",
  sampleRate: 48_000,
  channels: 2,
  description: new Uint8Array([0x11, 0x90]),
};

type Tracks = Omit<PartFormats, "seq">;
const choose = (parts: Tracks[]) => chooseContainer(parts.map((part, seq) => ({ ...part, seq })));

const POSSIBLE: [string, Tracks[], { extension: string; inBand?: true; sizeChanges?: true }][] = [
  ["VP8 and Opus", [{ video: vp8, audio: opus }], { extension: "webm" }],
  ["VP9 and Opus", [{ video: vp9, audio: opus }], { extension: "webm" }],
  ["H.264 and AAC", [{ video: avc, audio: aac }], { extension: "mp4" }],
  ["H.264 and Opus", [{ video: avc, audio: opus }], { extension: "mp4" }],
  ["Opus alone", [{ video: null, audio: opus }], { extension: "webm" }],
  ["AAC alone", [{ video: null, audio: aac }], { extension: "mp4" }],
  ["pictures alone", [{ video: avc, audio: null }], { extension: "mp4" }],
  ["parts that lack one kind", [{ video: vp8, audio: null }, { video: null, audio: opus }], {
    extension: "webm",
  }],
  ["Opus in one and two channels", [{ video: vp8, audio: opus }, {
    video: vp8,
    audio: { ...opus, channels: 2 },
  }], { extension: "webm" }],
  ["VP8 of two sizes", [{ video: vp8, audio: opus }, {
    video: { ...vp8, width: 1280 },
    audio: opus,
  }], { extension: "webm", sizeChanges: true }],
  ["H.264 that begins differently", [{ video: avc, audio: aac }, {
    video: { ...avc, width: 1280, description: RECORDS[1] ?? null },
    audio: aac,
  }], { extension: "mp4", sizeChanges: true, inBand: true }],
];
for (const [name, parts, { extension, inBand = false, sizeChanges = false }] of POSSIBLE) {
  Deno.test(`chooseContainer() puts ${name} into ${extension}`, () => {
    const choice = choose(parts);
    assert.ok(choice.kind === "possible", JSON.stringify(choice));
    assert.equal(choice.container.extension, extension);
    assert.deepEqual([choice.inBand, choice.sizeChanges], [inBand, sizeChanges]);
  });
}

const IMPOSSIBLE: [string, Tracks[], RegExp][] = [
  [
    "two kinds of pictures",
    [{ video: vp8, audio: opus }, { video: avc, audio: opus }],
    /Part 1 has pictures in VP8 and part 2 in H\.264/,
  ],
  [
    "two kinds of sound",
    [{ video: avc, audio: aac }, { video: avc, audio: opus }],
    /Part 1 has sound in AAC and part 2 in Opus/,
  ],
  ["AAC of two rates", [{ video: avc, audio: aac }, {
    video: avc,
    audio: { ...aac, sampleRate: 44_100 },
  }], /Part 2 has sound of another rate/],
  ["VP9 of two profiles", [{ video: vp9, audio: opus }, {
    video: { ...vp9, codecString: "vp09.02.10.10" },
    audio: opus,
  }], /another VP9 profile/],
  ["VP8 with AAC", [{ video: vp8, audio: aac }], /VP8 with AAC cannot/],
  ["other codecs", [{ video: { ...vp8, codec: "hevc" }, audio: aac }], /H\.265 with AAC cannot/],
  ["H.264 that does not say how it is decoded", [{
    video: { ...avc, description: null },
    audio: aac,
  }], /Part 1 does not say/],
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
