/** Sound packets by their bytes: how long each one is, and ones that are silent. Pure. */

const OPUS_RATE = 48_000;
/** Samples in an AAC-LC frame (ISO/IEC 14496-3, 4.5.2.1). */
const AAC_SAMPLES = 1024;
/** Length of a frame at 48 kHz by the configuration in an Opus packet's first byte (RFC 6716, 3.1). */
const OPUS_SAMPLES = [
  ...[480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 1920, 2880],
  ...[480, 960, 480, 960],
  ...[120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960],
];

/** What the bytes of a sound packet depend on. */
export interface SoundFormat {
  codec: "opus" | "aac";
  sampleRate: number;
  channels: number;
}

/** The exact length of a packet, seconds: containers round it. */
export function packetSeconds(format: SoundFormat, data: Uint8Array): number {
  if (format.codec === "aac") return AAC_SAMPLES / format.sampleRate;
  const [first = 0, second = 0] = data;
  const frames = [1, 2, 2, second & 63][first & 3] ?? 1;
  return frames * (OPUS_SAMPLES[first >> 3] ?? 960) / OPUS_RATE;
}

/** A packet of silence that decoders take among any others of this format, or null. */
export function silentPacket(
  { codec, sampleRate, channels }: SoundFormat,
): { data: Uint8Array; seconds: number } | null {
  if (channels !== 1 && channels !== 2) return null;
  if (codec === "opus") {
    // One 20 ms CELT frame over the full band; the range coder reads all ones as "silence".
    const seconds = 960 / OPUS_RATE;
    return { data: new Uint8Array([channels === 2 ? 0xfc : 0xf8, 0xff, 0xfe]), seconds };
  }
  // A raw_data_block whose one element has no scale factor bands, then the end (14496-3, 4.4.2).
  const data = channels === 1
    ? new Uint8Array([0x00, 0x00, 0x00, 0x07])
    : new Uint8Array([0x21, 0x00, 0x00, 0x00, 0x00, 0x1c]);
  return { data, seconds: AAC_SAMPLES / sampleRate };
}
