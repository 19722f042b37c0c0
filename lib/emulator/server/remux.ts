/**
 * Makes the finished file of an archive from what recorders uploaded: packets are copied, nothing is
 * encoded again.
 */
import { Buffer } from "node:buffer";
import { createReadStream } from "node:fs";
import {
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedVideoPacketSource,
  FilePathTarget,
  Mp4OutputFormat,
  Output,
  WebMOutputFormat,
} from "mediabunny";
import type { ArchiveRecord } from "../../store/mod.ts";
import { LENGTHS_BYTES, type Packet, packetHeaderSchema } from "../packets.ts";
import { jsonText } from "./errors.ts";
import { LIMITS } from "./limits.ts";

/** A time in the finished file: of an upload, or one that no upload covers. */
export interface MediaSpan {
  fromSeconds: number;
  toSeconds: number;
}
type Segment = MediaSpan & { packets(): AsyncGenerator<Packet> };

/** A stereo frame of 20 ms of silence (RFC 6716: CELT, fullband, code 0). */
const SILENT_OPUS = Uint8Array.of(0xfc, 0xff, 0xfe);
const OPUS_FRAME_SECONDS = 0.02;
/** A pause in the audio of up to this is jitter of timestamps. */
const TOLERATED_PAUSE_SECONDS = 0.03;
/** Between two uploads, up to this is no gap: a frame lasts 33 ms. */
const TOLERATED_GAP_SECONDS = 0.05;

/**
 * Joins uploads, each of which may end anywhere, into one MP4 (H.264) or WebM (VP8) at `to`. Where two
 * overlap the later one counts; missing audio between two is filled with silence. `describe` makes the
 * file's tag `comment`. Resolves to its length, to the end of the last packet, and what it has.
 *
 * @throws {Error} when nothing playable was uploaded, and when `signal` aborts.
 */
export async function joinUploads(
  uploads: readonly { path: string; offsetSeconds: number }[],
  to: string,
  { codecs, describe, signal }: {
    codecs: ArchiveRecord["codecs"];
    describe: (gaps: MediaSpan[]) => string;
    signal?: AbortSignal;
  },
): Promise<{ seconds: number; hasAudio: boolean; hasVideo: boolean }> {
  const segments: Segment[] = [];
  const gaps: MediaSpan[] = [];
  let videoConfig: VideoDecoderConfig | undefined;
  let audioConfig: AudioDecoderConfig | undefined;
  for (const { path, offsetSeconds } of uploads) {
    const packets = () => readPackets(path, offsetSeconds);
    let fromSeconds = Infinity;
    let toSeconds = -Infinity;
    for await (const { timestamp, duration, ...packet } of packets()) {
      fromSeconds = Math.min(fromSeconds, timestamp);
      toSeconds = Math.max(toSeconds, timestamp + duration);
      if (packet.kind === "video") videoConfig ??= packet.config;
      else audioConfig ??= packet.config;
    }
    const lastSeconds = segments.at(-1)?.toSeconds ?? Infinity;
    // A recorder that died early has uploaded nothing that can be read.
    if (fromSeconds < Infinity) segments.push({ packets, fromSeconds, toSeconds });
    if (fromSeconds < Infinity && fromSeconds - lastSeconds > TOLERATED_GAP_SECONDS) {
      gaps.push({ fromSeconds: lastSeconds, toSeconds: fromSeconds });
    }
  }

  const isMp4 = codecs.video === "avc";
  const output = new Output({
    format: isMp4 ? new Mp4OutputFormat({ fastStart: false }) : new WebMOutputFormat(),
    target: new FilePathTarget(to),
  });
  output.setMetadataTags({ comment: describe(gaps) });
  const video = new EncodedVideoPacketSource(codecs.video);
  const audio = new EncodedAudioPacketSource(codecs.audio);
  if (videoConfig) output.addVideoTrack(video);
  if (audioConfig) output.addAudioTrack(audio);
  if (!videoConfig && !audioConfig) throw new Error("Nothing playable was uploaded");
  try {
    await output.start();
    let seconds = 0;
    for await (const { kind, packet } of joined(segments, codecs.audio === "opus")) {
      signal?.throwIfAborted();
      if (kind === "video") await video.add(packet, { decoderConfig: videoConfig });
      else await audio.add(packet, { decoderConfig: audioConfig });
      seconds = Math.max(seconds, packet.timestamp + packet.duration);
    }
    await output.finalize();
    return { seconds, hasVideo: Boolean(videoConfig), hasAudio: Boolean(audioConfig) };
  } catch (error) {
    await output.cancel();
    throw error;
  }
}

/**
 * The packets of all segments; where the next one begins, the earlier one ends. Players stop at a pause
 * in the audio: `isFilled` has it filled with silence.
 */
async function* joined(segments: readonly Segment[], isFilled: boolean) {
  const lastSeconds = { video: -Infinity, audio: -Infinity };
  let audioEndSeconds = Infinity;
  for (const [i, { packets }] of segments.entries()) {
    const nextSeconds = segments[i + 1]?.fromSeconds ?? Infinity;
    for await (const { kind, type, timestamp, duration, data } of packets()) {
      if (timestamp >= nextSeconds || timestamp <= lastSeconds[kind]) continue;
      lastSeconds[kind] = timestamp;
      const fittingSeconds = Math.min(duration, nextSeconds - timestamp);
      if (kind === "audio") {
        while (isFilled && timestamp - audioEndSeconds > TOLERATED_PAUSE_SECONDS) {
          const silence = new EncodedPacket(
            SILENT_OPUS,
            "key",
            audioEndSeconds,
            OPUS_FRAME_SECONDS,
          );
          yield { kind, packet: silence };
          audioEndSeconds += OPUS_FRAME_SECONDS;
        }
        audioEndSeconds = timestamp + (fittingSeconds || OPUS_FRAME_SECONDS);
      }
      yield { kind, packet: new EncodedPacket(data, type, timestamp, fittingSeconds) };
    }
  }
}

const headerText = jsonText.pipe(packetHeaderSchema);

/** The packets of an upload at their places in the finished file, up to the last whole one. */
async function* readPackets(path: string, offsetSeconds: number): AsyncGenerator<Packet> {
  let unread = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    unread = Buffer.concat([unread, chunk]);
    while (unread.length >= LENGTHS_BYTES) {
      const dataAt = LENGTHS_BYTES + unread.readUInt32LE(0);
      const end = dataAt + unread.readUInt32LE(4);
      if (end > LIMITS.uploadBytes) return;
      if (end > unread.length) break;
      const { data: header } = headerText.safeParse(unread.toString("utf8", LENGTHS_BYTES, dataAt));
      if (!header) return;
      const timestamp = Math.max(0, header.timestamp + offsetSeconds);
      yield { ...header, timestamp, data: unread.subarray(dataAt, end) };
      unread = unread.subarray(end);
    }
  }
}
