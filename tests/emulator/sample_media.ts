/** Files as recorders upload them, of made-up packets, and what a finished file has in it. */
import { Buffer } from "node:buffer";
import { BlobSource, EncodedPacketSink, Input, MATROSKA, MP4, WEBM } from "mediabunny";
import { encodePacket, LENGTHS_BYTES, packetHeaderSchema } from "../../lib/emulator/packets.ts";
import type { Codecs } from "../../lib/emulator/protocol.ts";

/** What a sample has in it. */
export interface SampleOptions {
  codec?: Codecs["video"];
  /** Media time of its first packet. */
  fromSeconds?: number;
  tracks?: "both" | "audio" | "video";
}

const AUDIO_CONFIG = { codec: "opus", numberOfChannels: 2, sampleRate: 48_000 };
const SIZE = { codedWidth: 640, codedHeight: 480 };
/** AVCDecoderConfigurationRecord (ISO 14496-15, 5.2.4.1) of a Baseline stream of 640x480. */
const AVC_CONFIG = Uint8Array.fromHex("0142c01effe100096742c01eda02807b2001000468ce3880");
/** Head of a VP8 key frame of 640x480 (RFC 6386, 9.1), and of another frame. */
const VP8_KEY = Uint8Array.fromHex("1000009d012a8002e001");
const VP8_DELTA = Uint8Array.fromHex("110000");

/** A whole sample. */
export function sampleFile(seconds: number, options?: SampleOptions): Uint8Array<ArrayBuffer> {
  return joined(samplePackets(seconds, options));
}

/** Bytes one after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

/**
 * A sample, packet by packet, as a recorder streams it: video of 30 frames a second with a key frame
 * every 2 s, Opus packets of 20 ms.
 */
export function samplePackets(
  seconds: number,
  { codec = "vp8", fromSeconds = 0, tracks = "both" }: SampleOptions = {},
): Uint8Array<ArrayBuffer>[] {
  const packets: Uint8Array<ArrayBuffer>[] = [];
  const videoConfig = codec === "vp8"
    ? { codec: "vp8", ...SIZE }
    : { codec: "avc1.42c01e", description: AVC_CONFIG, ...SIZE };
  // Five packets of audio last as long as three frames.
  for (let i = 0; i < seconds * 50; i++) {
    if (tracks !== "video") {
      const timestamp = fromSeconds + i / 50;
      const data = new Uint8Array(80).fill(0xfc);
      const audio = { data, type: "key", timestamp, duration: 0.02 } as const;
      packets.push(joined(encodePacket("audio", audio, i === 0 ? AUDIO_CONFIG : undefined)));
    }
    if (i % 5 > 2 || tracks === "audio") continue;
    const frame = Math.floor(i / 5) * 3 + i % 5;
    const isKey = frame % 60 === 0;
    const data = codec === "vp8" ? vp8Frame(isKey, frame) : avcFrame(isKey, frame);
    const timestamp = fromSeconds + frame / 30;
    const type = isKey ? "key" : "delta";
    const video = { data, type, timestamp, duration: 1 / 30 } as const;
    packets.push(joined(encodePacket("video", video, frame === 0 ? videoConfig : undefined)));
  }
  return packets;
}

function vp8Frame(isKey: boolean, frame: number): Uint8Array {
  const data = new Uint8Array(isKey ? 3000 : 600).fill(frame % 256);
  data.set(isKey ? VP8_KEY : VP8_DELTA);
  return data;
}

/** One NAL unit behind its length. */
function avcFrame(isKey: boolean, frame: number): Uint8Array {
  const data = new Uint8Array(isKey ? 3000 : 600).fill(frame % 255 + 1);
  new DataView(data.buffer).setUint32(0, data.length - 4);
  data[4] = isKey ? 0x65 : 0x41;
  return data;
}

/** What is in a file. */
export interface MediaContent {
  /** Name of its format, as mediabunny has it. */
  format: string;
  seconds: number;
  comment: string;
  /** By type of track: each packet as "key 420 3000" (type, ms, bytes). */
  packets: Record<string, string[]>;
}

/** What is in an upload, as {@link MediaContent.packets} has it. */
export function packetsIn(upload: Uint8Array<ArrayBuffer>): MediaContent["packets"] {
  const packets: MediaContent["packets"] = {};
  const view = new DataView(upload.buffer);
  for (let at = 0; at < upload.length;) {
    const dataAt = at + LENGTHS_BYTES + view.getUint32(at, true);
    const length = view.getUint32(at + 4, true);
    const json = new TextDecoder().decode(upload.subarray(at + LENGTHS_BYTES, dataAt));
    const { kind, type, timestamp } = packetHeaderSchema.parse(JSON.parse(json));
    (packets[kind] ??= []).push(`${type} ${Math.round(timestamp * 1000)} ${length}`);
    at = dataAt + length;
  }
  return packets;
}

/** Reads a file packet by packet. */
export async function readMedia(bytes: Uint8Array<ArrayBuffer>): Promise<MediaContent> {
  const source = new BlobSource(new Blob([bytes]));
  using input = new Input({ source, formats: [MP4, WEBM, MATROSKA] });
  const packets: Record<string, string[]> = {};
  for (const track of await input.getTracks()) {
    const all = await Array.fromAsync(new EncodedPacketSink(track).packets());
    packets[track.type] = all.map(({ type, timestamp, data }) =>
      `${type} ${Math.round(timestamp * 1000)} ${data.length}`
    );
  }
  return {
    format: (await input.getFormat()).name,
    seconds: await input.computeDuration(),
    comment: (await input.getMetadataTags()).comment ?? "",
    packets,
  };
}

/** The longest distance between packets of a track that follow each other, ms. */
export function longestPauseMs(packets: readonly string[] = []): number {
  const times = packets.map((packet) => Number(packet.split(" ")[1]));
  return Math.max(...times.slice(1).map((ms, i) => ms - (times[i] ?? ms)));
}
