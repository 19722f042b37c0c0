/**
 * Files without a camera: real WebM and MP4 whose packets carry numbers instead of pictures and sound,
 * which is all that copying them depends on.
 */
import {
  ALL_FORMATS,
  BufferSource,
  BufferTarget,
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  Input,
  Mp4OutputFormat,
  Output,
  WebMOutputFormat,
} from "mediabunny";

/** Packets of sound a second: 20 ms each. */
export const SOUND_RATE = 50;
/** Pictures a second. */
export const PICTURE_RATE = 30;
const KEY_EVERY = 60;

/** A stretch of a numbered world. */
export interface NumberedTake {
  fromSeconds: number;
  seconds: number;
  format: "webm" | "mp4";
  /** Every run of three pictures is decoded after the one that ends it (H.264 only). */
  reordered?: boolean;
  /** Which of {@linkcode RECORDS} an H.264 part has. */
  record?: number;
  sound?: boolean;
  picture?: boolean;
  /** Size of each picture. */
  pictureBytes?: number;
  width?: number;
}

/** What an H.264 decoder must know of pictures of 320x240, and of 640x480. */
export const RECORDS = [
  "0142c00dffe100186742c00dd90141fb0110000003001000000303c0f142a48001000568cb83cb20",
  "0142c01effe100186742c01ed900a03db0110000030001000003003c0f162e4801000568cb83cb20",
].map((hex) => Uint8Array.fromHex(hex));

/** Makes one file. */
export async function recordNumbered(take: NumberedTake): Promise<Uint8Array<ArrayBuffer>> {
  const { fromSeconds, seconds, format, pictureBytes = 64 } = take;
  const webm = format === "webm";
  const target = new BufferTarget();
  const output = new Output({
    format: webm ? new WebMOutputFormat() : new Mp4OutputFormat({ fastStart: false }),
    target,
  });
  const video = new EncodedVideoPacketSource(webm ? "vp8" : "avc");
  const audio = new EncodedAudioPacketSource("opus");
  if (take.picture ?? true) output.addVideoTrack(video);
  if (take.sound ?? true) output.addAudioTrack(audio);
  await output.start();
  const numbers = picturesOf(take);
  const soundFrom = Math.ceil(fromSeconds * SOUND_RATE - 1e-9);
  const soundTo = Math.floor((fromSeconds + seconds) * SOUND_RATE + 1e-9);
  let sound = soundFrom;
  const addSound = async (untilSeconds: number) => {
    for (; sound < soundTo && sound / SOUND_RATE - fromSeconds <= untilSeconds; sound++) {
      const at = Math.max(0, sound / SOUND_RATE - fromSeconds);
      // The first byte says: one frame of 20 ms.
      const packet = new EncodedPacket(bytesOf(0xf8, sound, 8), "key", at, 1 / SOUND_RATE);
      await audio.add(packet, {
        decoderConfig: { codec: "opus", sampleRate: 48_000, numberOfChannels: 1 },
      });
    }
  };
  for (const { number, key } of take.picture ?? true ? numbers : []) {
    const at = Math.max(0, number / PICTURE_RATE - fromSeconds);
    const packet = new EncodedPacket(
      bytesOf(0, number, pictureBytes),
      key ? "key" : "delta",
      at,
      1 / PICTURE_RATE,
    );
    await video.add(packet, {
      decoderConfig: {
        codec: webm ? "vp8" : "avc1.42001e",
        codedWidth: take.width ?? 320,
        codedHeight: 240,
        ...(!webm && { description: RECORDS[take.record ?? 0] }),
      },
    });
    if (take.sound ?? true) await addSound(at);
  }
  if (take.sound ?? true) await addSound(Infinity);
  await output.finalize();
  if (!target.buffer) throw new Error("The file is empty");
  return new Uint8Array(target.buffer);
}

function picturesOf({ fromSeconds, seconds, reordered }: NumberedTake) {
  const first = Math.ceil(fromSeconds * PICTURE_RATE - 1e-9);
  const last = Math.floor((fromSeconds + seconds) * PICTURE_RATE + 1e-9);
  const numbers: { number: number; key: boolean }[] = [];
  for (let number = first; number < last;) {
    const key = (number - first) % KEY_EVERY === 0;
    const groupEnd = Math.min(
      last,
      first + (Math.floor((number - first) / KEY_EVERY) + 1) * KEY_EVERY,
    );
    const ahead = key || !reordered ? 0 : Math.min(3, groupEnd - 1 - number);
    numbers.push({ number: number + ahead, key });
    for (let i = 0; i < ahead; i++) numbers.push({ number: number + i, key: false });
    number += ahead + 1;
  }
  return numbers;
}

/** One byte, the number, and as many more as wanted, behind a length as H.264 has it. */
function bytesOf(first: number, number: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes[0] = first;
  view.setUint32(4, number);
  return bytes;
}

/** A packet that was read back. */
export interface ReadPacket {
  /** null for what carries none, such as inserted silence. */
  number: number | null;
  seconds: number;
  type: "key" | "delta";
  data: Uint8Array;
}

/** A file that was read back. */
export interface ReadFile {
  mimeType: string;
  durationSeconds: number;
  title: string | undefined;
  video: ReadPacket[];
  audio: ReadPacket[];
}

/** Reads a film's file back, in decode order. */
export async function readNumbered(bytes: Uint8Array<ArrayBuffer>): Promise<ReadFile> {
  using input = new Input({ source: new BufferSource(bytes), formats: ALL_FORMATS });
  const read = async (track: ConstructorParameters<typeof EncodedPacketSink>[0] | null) => {
    const packets: ReadPacket[] = [];
    if (!track) return packets;
    for await (const { data, timestamp, type } of new EncodedPacketSink(track).packets()) {
      const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
      const number = data.length >= 8
        ? view.getUint32(data.length >= 64 ? data.length - 60 : 4)
        : null;
      packets.push({ number, seconds: timestamp, type, data });
    }
    return packets;
  };
  return {
    mimeType: await input.getMimeType(),
    durationSeconds: await input.getDurationFromMetadata() ?? 0,
    title: (await input.getMetadataTags()).title,
    video: await read(await input.getPrimaryVideoTrack()),
    audio: await read(await input.getPrimaryAudioTrack()),
  };
}
