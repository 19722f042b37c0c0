/**
 * Makes the finished file of an archive from what recorders uploaded: packets are copied, nothing is
 * encoded again.
 */
import {
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  FilePathSource,
  FilePathTarget,
  Input,
  type InputAudioTrack,
  type InputVideoTrack,
  MATROSKA,
  Mp4OutputFormat,
  Output,
  WebMOutputFormat,
} from "mediabunny";
import type { VideoCodec } from "../protocol.ts";
import { cutToWholeElements } from "./matroska.ts";

/** An upload and its place in the finished file. */
export interface Upload {
  path: string;
  /** Media time of the finished file at which this upload begins. */
  offsetSeconds: number;
}

/** A time that no upload covers, in media time of the finished file. */
export interface MediaGap {
  fromSeconds: number;
  toSeconds: number;
}

/** A finished file. */
export interface FinishedFile {
  /** To the end of the last packet. */
  seconds: number;
  hasAudio: boolean;
  hasVideo: boolean;
}

/** A stereo frame of 20 ms of silence (RFC 6716: CELT, fullband, code 0). */
const SILENT_OPUS = Uint8Array.of(0xfc, 0xff, 0xfe);
const OPUS_FRAME_SECONDS = 0.02;
/** A pause in the audio of up to this is jitter of timestamps. */
const TOLERATED_PAUSE_SECONDS = 0.03;
/** Between two uploads, up to this is no gap: a frame lasts 33 ms. */
const TOLERATED_GAP_SECONDS = 0.05;

/**
 * Joins uploads, each of which may end anywhere, into one MP4 (H.264) or WebM (VP8) at `to`. Where two
 * overlap the later one counts; missing audio between two is filled with silence.
 *
 * @throws {Error} when nothing playable was uploaded, and when `signal` aborts.
 */
export async function joinUploads(
  uploads: readonly Upload[],
  to: string,
  { codec, describe, signal }: {
    codec: VideoCodec;
    /** Makes the file's tag `comment`. */
    describe: (gaps: MediaGap[]) => string;
    signal: AbortSignal;
  },
): Promise<FinishedFile> {
  for (const { path } of uploads) await cutToWholeElements(path);
  const inputs = uploads.map(({ path }) =>
    // Nothing but Matroska is parsed, whatever was uploaded: a playlist could name other files.
    new Input({ source: new FilePathSource(path), formats: [MATROSKA] })
  );
  const output = new Output({
    format: codec === "avc" ? new Mp4OutputFormat({ fastStart: false }) : new WebMOutputFormat(),
    target: new FilePathTarget(to),
  });
  try {
    const segments: Segment[] = [];
    for (const [i, input] of inputs.entries()) {
      const segment = await readSegment(input, uploads[i]?.offsetSeconds ?? 0);
      if (segment) segments.push(segment);
    }
    const lanes = [await videoLane(segments), await audioLane(segments)].filter((lane) =>
      lane !== null
    );
    if (lanes.length === 0) throw new Error("Nothing playable was uploaded");
    output.setMetadataTags({ comment: describe(gapsBetween(segments)) });
    for (const lane of lanes) lane.addTo(output);
    await output.start();
    const seconds = await copyInterleaved(lanes, signal);
    await output.finalize();
    return {
      seconds,
      hasVideo: lanes.some(({ kind }) => kind === "video"),
      hasAudio: lanes.some(({ kind }) => kind === "audio"),
    };
  } catch (error) {
    if (output.state === "started") await output.cancel();
    throw error;
  } finally {
    for (const input of inputs) input.dispose();
  }
}

interface Segment {
  offsetSeconds: number;
  video: InputVideoTrack | null;
  audio: InputAudioTrack | null;
  /** Where its media begins and ends, in media time of the finished file. */
  startSeconds: number;
  endSeconds: number;
}

async function readSegment(input: Input, offsetSeconds: number): Promise<Segment | null> {
  // A recorder that died early has uploaded nothing that can be read.
  const tracks = await input.getTracks().catch(() => null);
  if (!tracks || tracks.length === 0) return null;
  const video = await input.getPrimaryVideoTrack();
  const audio = await input.getPrimaryAudioTrack();
  const first = video ?? audio;
  if (!first) return null;
  const packet = await new EncodedPacketSink(first).getFirstPacket();
  if (!packet) return null;
  return {
    ...{ offsetSeconds, video, audio },
    startSeconds: offsetSeconds + packet.timestamp,
    endSeconds: offsetSeconds + await first.computeDuration(),
  };
}

function gapsBetween(segments: readonly Segment[]): MediaGap[] {
  return segments.slice(1).flatMap(({ startSeconds: toSeconds }, i) => {
    const fromSeconds = segments[i]?.endSeconds ?? toSeconds;
    return toSeconds - fromSeconds > TOLERATED_GAP_SECONDS ? [{ fromSeconds, toSeconds }] : [];
  });
}

/** One track of the finished file. */
interface Lane {
  kind: "video" | "audio";
  addTo(output: Output): void;
  add(packet: EncodedPacket): Promise<void>;
  packets: AsyncGenerator<EncodedPacket>;
}

async function videoLane(segments: readonly Segment[]): Promise<Lane | null> {
  const parts = segments.flatMap(({ video, ...rest }) => video ? [{ track: video, ...rest }] : []);
  const decoderConfig = await parts[0]?.track.getDecoderConfig();
  const codec = await parts[0]?.track.getCodec();
  if (!decoderConfig || !codec) return null;
  const source = new EncodedVideoPacketSource(codec);
  return {
    kind: "video",
    addTo: (output) => void output.addVideoTrack(source),
    add: (packet) => source.add(packet, { decoderConfig }),
    packets: packetsOf(parts),
  };
}

async function audioLane(segments: readonly Segment[]): Promise<Lane | null> {
  const parts = segments.flatMap(({ audio, ...rest }) => audio ? [{ track: audio, ...rest }] : []);
  const decoderConfig = await parts[0]?.track.getDecoderConfig();
  const codec = await parts[0]?.track.getCodec();
  if (!decoderConfig || !codec) return null;
  const source = new EncodedAudioPacketSource(codec);
  return {
    kind: "audio",
    addTo: (output) => void output.addAudioTrack(source),
    add: (packet) => source.add(packet, { decoderConfig }),
    packets: codec === "opus" ? withoutPauses(packetsOf(parts)) : packetsOf(parts),
  };
}

/** The packets of all parts at their places; where the next part begins, the earlier one ends. */
async function* packetsOf(
  parts: readonly {
    track: InputVideoTrack | InputAudioTrack;
    offsetSeconds: number;
    startSeconds: number;
  }[],
): AsyncGenerator<EncodedPacket> {
  let lastSeconds = -Infinity;
  for (const [i, { track, offsetSeconds }] of parts.entries()) {
    const endSeconds = parts[i + 1]?.startSeconds ?? Infinity;
    for await (const packet of new EncodedPacketSink(track).packets()) {
      const timestamp = Math.max(0, packet.timestamp + offsetSeconds);
      if (timestamp >= endSeconds) break;
      if (timestamp <= lastSeconds) continue;
      lastSeconds = timestamp;
      const duration = Math.min(packet.duration, endSeconds - timestamp);
      yield packet.clone({ timestamp, duration });
    }
  }
}

/** Players stop at a pause in the audio: it is filled with silence. */
async function* withoutPauses(
  packets: AsyncGenerator<EncodedPacket>,
): AsyncGenerator<EncodedPacket> {
  let endSeconds: number | null = null;
  for await (const packet of packets) {
    while (endSeconds !== null && packet.timestamp - endSeconds > TOLERATED_PAUSE_SECONDS) {
      yield new EncodedPacket(SILENT_OPUS, "key", endSeconds, OPUS_FRAME_SECONDS);
      endSeconds += OPUS_FRAME_SECONDS;
    }
    endSeconds = packet.timestamp + (packet.duration || OPUS_FRAME_SECONDS);
    yield packet;
  }
}

/** Copies all packets in the order of their times, so that memory stays small; returns the end. */
async function copyInterleaved(lanes: readonly Lane[], signal: AbortSignal): Promise<number> {
  let endSeconds = 0;
  const heads = await Promise.all(
    lanes.map(async (lane) => ({ lane, next: await lane.packets.next() })),
  );
  for (;;) {
    signal.throwIfAborted();
    const [first] = heads.filter(({ next }) => !next.done)
      .sort((a, b) => (a.next.value?.timestamp ?? 0) - (b.next.value?.timestamp ?? 0));
    if (!first || first.next.done) return endSeconds;
    const packet: EncodedPacket = first.next.value;
    await first.lane.add(packet);
    endSeconds = Math.max(endSeconds, packet.timestamp + packet.duration);
    first.next = await first.lane.packets.next();
  }
}
