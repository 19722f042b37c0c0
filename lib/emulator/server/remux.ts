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
import type { ArchiveRecord } from "../../store/mod.ts";

/** A time that no upload covers, in media time of the finished file. */
export interface MediaGap {
  fromSeconds: number;
  toSeconds: number;
}

/** A stereo frame of 20 ms of silence (RFC 6716: CELT, fullband, code 0). */
const SILENT_OPUS = Uint8Array.of(0xfc, 0xff, 0xfe);
const OPUS_FRAME_SECONDS = 0.02;
/** A pause in the audio of up to this is jitter of timestamps. */
const TOLERATED_PAUSE_SECONDS = 0.03;
/** Between two uploads, up to this is no gap: a frame lasts 33 ms. */
const TOLERATED_GAP_SECONDS = 0.05;

/** An upload that can be played, and its place in the finished file. */
interface Segment {
  video: InputVideoTrack | null;
  audio: InputAudioTrack | null;
  offsetSeconds: number;
  startSeconds: number;
}

/** One track of the finished file. */
interface Lane {
  packets: AsyncGenerator<EncodedPacket, undefined>;
  add(packet: EncodedPacket): Promise<void>;
}

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
    describe: (gaps: MediaGap[]) => string;
    signal?: AbortSignal;
  },
): Promise<{ seconds: number; hasAudio: boolean; hasVideo: boolean }> {
  using inputs = new DisposableStack();
  const segments: Segment[] = [];
  const gaps: MediaGap[] = [];
  let fromSeconds = Infinity;
  for (const { path, offsetSeconds } of uploads) {
    await cutToWholeElements(path);
    // Nothing but Matroska is parsed, whatever was uploaded: a playlist could name other files.
    const input = inputs.use(new Input({ source: new FilePathSource(path), formats: [MATROSKA] }));
    // A recorder that died early has uploaded nothing that can be read.
    const video = await input.getPrimaryVideoTrack().catch(() => null);
    const audio = await input.getPrimaryAudioTrack().catch(() => null);
    const track = video ?? audio;
    const first = track && await new EncodedPacketSink(track).getFirstPacket();
    if (!track || !first) continue;
    const toSeconds = offsetSeconds + first.timestamp;
    if (toSeconds - fromSeconds > TOLERATED_GAP_SECONDS) gaps.push({ fromSeconds, toSeconds });
    segments.push({ video, audio, offsetSeconds, startSeconds: toSeconds });
    fromSeconds = offsetSeconds + await track.computeDuration();
  }

  const isMp4 = codecs.video === "avc";
  const output = new Output({
    format: isMp4 ? new Mp4OutputFormat({ fastStart: false }) : new WebMOutputFormat(),
    target: new FilePathTarget(to),
  });
  output.setMetadataTags({ comment: describe(gaps) });
  const lanes: Lane[] = [];
  const video = await segments.find(({ video }) => video)?.video?.getDecoderConfig();
  if (video) {
    const source = new EncodedVideoPacketSource(codecs.video);
    output.addVideoTrack(source);
    const packets = packetsOf(segments, "video", false);
    lanes.push({ packets, add: (packet) => source.add(packet, { decoderConfig: video }) });
  }
  const audio = await segments.find(({ audio }) => audio)?.audio?.getDecoderConfig();
  if (audio) {
    const source = new EncodedAudioPacketSource(codecs.audio);
    output.addAudioTrack(source);
    const packets = packetsOf(segments, "audio", codecs.audio === "opus");
    lanes.push({ packets, add: (packet) => source.add(packet, { decoderConfig: audio }) });
  }
  if (lanes.length === 0) throw new Error("Nothing playable was uploaded");
  try {
    await output.start();
    const seconds = await copyInterleaved(lanes, signal);
    await output.finalize();
    return { seconds, hasVideo: Boolean(video), hasAudio: Boolean(audio) };
  } catch (error) {
    await output.cancel();
    throw error;
  }
}

/**
 * The packets of all segments at their places; where the next one begins, the earlier one ends. Players
 * stop at a pause in the audio: `isFilled` has it filled with silence.
 */
async function* packetsOf(
  segments: readonly Segment[],
  kind: "video" | "audio",
  isFilled: boolean,
): AsyncGenerator<EncodedPacket, undefined> {
  const parts = segments.flatMap(({ [kind]: track, ...place }) => track ? { track, ...place } : []);
  let lastSeconds = -Infinity;
  let endSeconds = Infinity;
  for (const [i, { track, offsetSeconds }] of parts.entries()) {
    const nextSeconds = parts[i + 1]?.startSeconds ?? Infinity;
    for await (const packet of new EncodedPacketSink(track).packets()) {
      const timestamp = Math.max(0, packet.timestamp + offsetSeconds);
      if (timestamp >= nextSeconds) break;
      if (timestamp <= lastSeconds) continue;
      while (isFilled && timestamp - endSeconds > TOLERATED_PAUSE_SECONDS) {
        yield new EncodedPacket(SILENT_OPUS, "key", endSeconds, OPUS_FRAME_SECONDS);
        endSeconds += OPUS_FRAME_SECONDS;
      }
      const duration = Math.min(packet.duration, nextSeconds - timestamp);
      lastSeconds = timestamp;
      endSeconds = timestamp + (duration || OPUS_FRAME_SECONDS);
      yield packet.clone({ timestamp, duration });
    }
  }
}

/** Copies all packets in the order of their times, so that memory stays small; returns the end. */
async function copyInterleaved(lanes: readonly Lane[], signal?: AbortSignal): Promise<number> {
  const pull = async ({ packets }: Lane) => (await packets.next()).value;
  const heads = await Promise.all(lanes.map(async (lane) => ({ lane, next: await pull(lane) })));
  const timeOf = ({ next }: { next?: EncodedPacket }) => next?.timestamp ?? Infinity;
  for (let endSeconds = 0;;) {
    signal?.throwIfAborted();
    const [head] = heads.sort((a, b) => timeOf(a) - timeOf(b));
    if (!head?.next) return endSeconds;
    await head.lane.add(head.next);
    endSeconds = Math.max(endSeconds, head.next.timestamp + head.next.duration);
    head.next = await pull(head.lane);
  }
}

// Append-only Matroska files (RFC 9559) have a segment and clusters of unknown size, in which whole
// elements follow one another.

/** Segment and Cluster, of unknown size: they contain what follows, up to the next of their kind. */
const CONTAINERS: ReadonlySet<number> = new Set([0x18538067, 0x1f43b675]);
/** Elements of known size. */
const ELEMENTS: ReadonlySet<number> = new Set([
  0x1a45dfa3, // EBML header
  0x114d9b74, // SeekHead
  0x1549a966, // Info
  0x1654ae6b, // Tracks
  0x1c53bb6b, // Cues
  0x1254c367, // Tags
  0xec, // Void
  0xe7, // Timestamp
  0xa3, // SimpleBlock
  0xa0, // BlockGroup
]);
/** An id of 4 bytes and a size of 8. */
const MAX_HEADER_BYTES = 12;

/**
 * Cuts a file after its last whole element. An upload may end anywhere; mediabunny (1.61.0) loses the
 * last cluster, up to 2 s, if that is incomplete, and must be given well-formed files.
 */
export async function cutToWholeElements(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  const { size } = await file.stat();
  const buffer = new Uint8Array(64 * 1024);
  let window = buffer.subarray(0, 0);
  let windowAt = 0;
  for (let at = 0;;) {
    if (at + MAX_HEADER_BYTES > windowAt + window.length) {
      windowAt = await file.seek(at, Deno.SeekMode.Start);
      window = buffer.subarray(0, await file.read(buffer) ?? 0);
    }
    const id = readNumber(window, at - windowAt);
    const length = readNumber(window, at - windowAt + id.bytes);
    // All bits of a size are set when it is unknown.
    const isOpen = length.value === 2 ** (7 * length.bytes) - 1;
    const end = at + id.bytes + length.bytes + (isOpen ? 0 : length.value);
    const isKnown = (isOpen ? CONTAINERS : ELEMENTS).has(id.marked);
    // Not a number where the header is incomplete.
    if (!isKnown || !(end <= size)) return await file.truncate(at);
    at = end;
  }
}

/** A number of variable length (RFC 8794), with its length mark and without; NaN if it is cut off. */
function readNumber(window: Uint8Array, at: number) {
  const bytes = Math.clz32(window[at] ?? 0) - 23;
  const isWhole = bytes <= 8 && at + bytes <= window.length;
  const digits = window.subarray(at, at + bytes);
  const marked = isWhole ? digits.reduce((sum, byte) => sum * 256 + byte, 0) : NaN;
  return { bytes, marked, value: marked - 2 ** (7 * bytes) };
}
