/**
 * One archive's file, read by range requests and rewritten on the fly as fragments that MediaSource
 * takes: the same encoded packets in another box, never re-encoded.
 */
import {
  AppendOnlyStreamTarget,
  EncodedAudioPacketSource,
  type EncodedPacket,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  Input,
  type InputAudioTrack,
  type InputTrack,
  type InputVideoTrack,
  MATROSKA,
  MP4,
  Mp4OutputFormat,
  Output,
  UrlSource,
  WEBM,
  WebMOutputFormat,
} from "../mediabunny.ts";

import { UnplayableFileError } from "./media_fetch.ts";

/** The two kinds of track a part has at most one of. */
export type Kind = "video" | "audio";

/** A piece of a track: whole packets, beginning with a key frame, in fragments. Media time, seconds. */
export interface Fragment {
  bytes: Uint8Array<ArrayBuffer>;
  startSeconds: number;
  endSeconds: number;
}

/** One track of a part. */
export interface PartTrack {
  kind: Kind;
  /** What to ask MediaSource for. */
  mimeType: string;
  /** Media time of its first packet, seconds. */
  startSeconds: number;
  /** Fragments from the key frame at or before `fromSeconds` (media time) to the end. */
  fragments(fromSeconds: number): AsyncGenerator<Fragment, void, void>;
}

/** An opened part. */
export interface PartFile {
  tracks: PartTrack[];
  startSeconds: number;
  endSeconds: number;
  close(): void;
}

/**
 * Bytes of one part kept in memory besides what MediaSource holds: with less than twice what mediabunny
 * reads ahead (16 MiB), it throws away what it has not used yet and reads it again.
 */
const CACHE_BYTES = 32 * 2 ** 20;
/** A fragment is closed at the first key frame after this much media. */
const FRAGMENT_SECONDS = 1;
/** ... and at the latest after this much, whatever the key frame distance. */
const LONGEST_FRAGMENT_SECONDS = 10;

/**
 * A file to be read in pieces by `fetchMedia`, of which at most `cacheBytes` stay in memory. Opening
 * costs nothing yet; dispose of it.
 */
export function openInput(url: string, fetchMedia: typeof fetch, cacheBytes: number): Input {
  return new Input({
    formats: [MP4, WEBM, MATROSKA],
    // Retrying is `fetchMedia`'s business; only a body that breaks off is asked for again here.
    source: new UrlSource(url, {
      fetchFn: fetchMedia,
      maxCacheSize: cacheBytes,
      getRetryDelay: (attempts, error) =>
        error instanceof TypeError && attempts < 3 ? attempts : null,
      handleUnhandledError: () => {},
    }),
  });
}

/** Opens a part. Rejects with what `fetchMedia` threw, or {@link UnplayableFileError}. */
export async function openPartFile(url: string, fetchMedia: typeof fetch): Promise<PartFile> {
  const input = openInput(url, fetchMedia, CACHE_BYTES);
  try {
    if (!await input.canRead()) throw new UnplayableFileError("is not a WebM or MP4 file");
    const found = [await input.getPrimaryVideoTrack(), await input.getPrimaryAudioTrack()];
    const tracks: PartTrack[] = [];
    for (const track of found) if (track) tracks.push(await describe(track));
    if (tracks.length === 0) throw new UnplayableFileError("holds neither picture nor sound");
    const endSeconds = await input.getDurationFromMetadata() ?? await input.computeDuration();
    const startSeconds = Math.min(...tracks.map((track) => track.startSeconds));
    return { tracks, startSeconds, endSeconds, close: () => input.dispose() };
  } catch (error) {
    input.dispose();
    throw error;
  }
}

async function describe(track: InputVideoTrack | InputAudioTrack): Promise<PartTrack> {
  const kind: Kind = track.isVideoTrack() ? "video" : "audio";
  const codec = await track.getCodecParameterString();
  if (!codec) throw new UnplayableFileError(`has ${kind} in an unknown format`);
  const container = inWebM(await track.getCodec()) ? "webm" : "mp4";
  return {
    kind,
    mimeType: `${kind}/${container}; codecs="${codec}"`,
    startSeconds: await track.getFirstTimestamp(),
    fragments: (fromSeconds) => fragmentsOf(track, container, fromSeconds),
  };
}

function inWebM(codec: string | null): boolean {
  return codec === "vp8" || codec === "vp9" || codec === "opus" || codec === "vorbis";
}

async function* fragmentsOf(
  track: InputVideoTrack | InputAudioTrack,
  container: "webm" | "mp4",
  fromSeconds: number,
): AsyncGenerator<Fragment, void, void> {
  const chunks: Uint8Array[] = [];
  const output = new Output({
    format: container === "webm"
      ? new WebMOutputFormat({ appendOnly: true, minimumClusterDuration: FRAGMENT_SECONDS })
      : new Mp4OutputFormat({ fastStart: "fragmented", minimumFragmentDuration: FRAGMENT_SECONDS }),
    target: new AppendOnlyStreamTarget(
      new WritableStream({ write: (chunk) => void chunks.push(chunk) }),
    ),
  });
  const add = await addTrack(output, track);
  await output.start();

  const take = (span: Span): Fragment => {
    const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of chunks.splice(0)) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return { bytes, ...span };
  };

  const sink = new EncodedPacketSink(track);
  const first = await sink.getKeyPacket(Math.max(0, fromSeconds)) ?? await sink.getFirstKeyPacket();
  let span: Span | null = null;
  let spanLength = 0;
  for await (const packet of first ? sink.packets(first) : []) {
    // Sound before time 0 is the encoder's run-in, not to be heard.
    if (packet.timestamp < 0) continue;
    const full = span !== null && packet.timestamp - span.startSeconds >= FRAGMENT_SECONDS &&
      (packet.type === "key" || spanLength >= LONGEST_FRAGMENT_SECONDS);
    await add(packet);
    if (full && span !== null && chunks.length > 0) {
      yield take(span);
      span = null;
    }
    span = extend(span, packet);
    spanLength = span.endSeconds - span.startSeconds;
  }
  await output.finalize();
  if (span !== null) yield take(span);
}

interface Span {
  startSeconds: number;
  endSeconds: number;
}

function extend(span: Span | null, packet: EncodedPacket): Span {
  const end = packet.timestamp + packet.duration;
  return span === null
    ? { startSeconds: packet.timestamp, endSeconds: end }
    : { startSeconds: span.startSeconds, endSeconds: Math.max(span.endSeconds, end) };
}

async function addTrack(
  output: Output,
  track: InputTrack,
): Promise<(packet: EncodedPacket) => Promise<void>> {
  if (track.isVideoTrack()) {
    const [codec, config] = [await track.getCodec(), await track.getDecoderConfig()];
    if (!codec || !config) throw new UnplayableFileError("has video in an unknown format");
    const source = new EncodedVideoPacketSource(codec);
    output.addVideoTrack(source, { rotation: await track.getRotation() });
    return (packet) => source.add(packet, { decoderConfig: config });
  }
  if (track.isAudioTrack()) {
    const [codec, config] = [await track.getCodec(), await track.getDecoderConfig()];
    if (!codec || !config) throw new UnplayableFileError("has audio in an unknown format");
    const source = new EncodedAudioPacketSource(codec);
    output.addAudioTrack(source);
    return (packet) => source.add(packet, { decoderConfig: config });
  }
  throw new UnplayableFileError("has a track that is neither picture nor sound");
}
