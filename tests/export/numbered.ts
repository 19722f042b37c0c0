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
  const { fromSeconds, seconds, format, pictureBytes = 64, sound = true, picture = true } = take;
  const webm = format === "webm";
  const target = new BufferTarget();
  const output = new Output({
    format: webm ? new WebMOutputFormat() : new Mp4OutputFormat({ fastStart: false }),
    target,
  });
  const video = new EncodedVideoPacketSource(webm ? "vp8" : "avc");
  const audio = new EncodedAudioPacketSource("opus");
  if (picture) output.addVideoTrack(video);
  if (sound) output.addAudioTrack(audio);
  await output.start();
  /** The first number of the take at a rate, and the one behind its last. */
  const numbersAt = (rate: number): [number, number] => [
    Math.ceil(fromSeconds * rate - 1e-9),
    Math.floor((fromSeconds + seconds) * rate + 1e-9),
  ];
  let [next, soundTo] = numbersAt(SOUND_RATE);
  const addSound = async (untilSeconds: number) => {
    for (; sound && next < soundTo && next / SOUND_RATE - fromSeconds <= untilSeconds; next++) {
      const at = Math.max(0, next / SOUND_RATE - fromSeconds);
      // The first byte says: one frame of 20 ms.
      const packet = new EncodedPacket(bytesOf(0xf8, next, 8), "key", at, 1 / SOUND_RATE);
      await audio.add(packet, {
        decoderConfig: { codec: "opus", sampleRate: 48_000, numberOfChannels: 1 },
      });
    }
  };
  const [first, end] = numbersAt(PICTURE_RATE);
  const pictures = decodeOrder(first, end - first, KEY_EVERY, [take.reordered ? 3 : 0]);
  for (const { number, type } of picture ? pictures : []) {
    const at = Math.max(0, number / PICTURE_RATE - fromSeconds);
    const bytes = bytesOf(0, number, pictureBytes);
    const packet = new EncodedPacket(bytes, type, at, 1 / PICTURE_RATE);
    await video.add(packet, {
      decoderConfig: {
        codec: webm ? "vp8" : "avc1.42001e",
        codedWidth: take.width ?? 320,
        codedHeight: 240,
        ...(!webm && { description: RECORDS[take.record ?? 0] }),
      },
    });
    await addSound(at);
  }
  await addSound(Infinity);
  await output.finalize();
  if (!target.buffer) throw new Error("The file is empty");
  return new Uint8Array(target.buffer);
}

/** A picture by its number, in decode order. */
export interface NumberedPicture {
  number: number;
  type: "key" | "delta";
}

/**
 * The pictures from `first` on in decode order, a key frame every `keyEvery`. The lengths of `runs`, in
 * turn, say how many pictures are decoded after the one that ends their run.
 */
export function decodeOrder(
  first: number,
  count: number,
  keyEvery: number,
  runs: readonly number[],
): NumberedPicture[] {
  const pictures: NumberedPicture[] = [];
  const add = (number: number) => pictures.push({ number, type: "delta" });
  for (let group = first; group < first + count; group += keyEvery) {
    const end = Math.min(group + keyEvery, first + count);
    pictures.push({ number: group, type: "key" });
    let run = 0;
    for (let next = group + 1; next < end;) {
      const ahead = Math.min(runs[run++ % runs.length] ?? 0, end - 1 - next);
      add(next + ahead);
      for (let between = next; between < next + ahead; between++) add(between);
      next += ahead + 1;
    }
  }
  return pictures;
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
