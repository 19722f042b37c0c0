/** One part's file, read packet by packet through range requests. */
import {
  EncodedPacket,
  EncodedPacketSink,
  Input,
  type InputAudioTrack,
  type InputVideoTrack,
  MATROSKA,
  MP4,
  UrlSource,
  WEBM,
} from "../mediabunny.ts";
import { UnplayableFileError } from "../player/media_fetch.ts";
import type { PictureFormat, SoundPartFormat } from "./container.ts";
import type { TrackSpan } from "./plan.ts";
import { packetSeconds } from "./silence.ts";

/** One track of an opened part. Times are media time, seconds. */
export interface ReadableTrack<Format> {
  format: Format;
  span: TrackSpan;
  /** Its packets in decode order, from the one at or before `fromSeconds` on; read as they are asked for. */
  packets(fromSeconds: number): AsyncGenerator<EncodedPacket, void, void>;
}

/** A part's pictures. */
export interface PictureTrack extends ReadableTrack<PictureFormat> {
  decoderConfig: VideoDecoderConfig;
}
/** A part's sound. */
export interface SoundTrack extends ReadableTrack<SoundPartFormat> {
  decoderConfig: AudioDecoderConfig;
}

/** An opened part; close it. */
export interface PartReader {
  video: PictureTrack | null;
  audio: SoundTrack | null;
  close(): void;
}

/** Bytes of one part that are kept in memory. With half as much, what was read ahead is thrown out and read again. */
export const CACHE_BYTES = 32 * 2 ** 20;
/** Waits before a body that broke off is asked for again, seconds; `fetchMedia` does all other retrying. */
const RESUME_SECONDS = 1;

/** Opens a part. Rejects with what `fetchMedia` threw, or {@link UnplayableFileError}. */
export async function openPart(url: string, fetchMedia: typeof fetch): Promise<PartReader> {
  const input = new Input({
    formats: [MP4, WEBM, MATROSKA],
    source: new UrlSource(url, {
      fetchFn: fetchMedia,
      maxCacheSize: CACHE_BYTES,
      getRetryDelay: (_tries, error) => error instanceof TypeError ? RESUME_SECONDS : null,
      handleUnhandledError: () => {},
    }),
  });
  try {
    if (!await input.canRead()) throw new UnplayableFileError("is not a WebM or MP4 file");
    const endSeconds = await input.getDurationFromMetadata() ?? await input.computeDuration();
    const videoTrack = await input.getPrimaryVideoTrack();
    const audioTrack = await input.getPrimaryAudioTrack();
    const video = videoTrack && await pictures(videoTrack, endSeconds);
    const audio = audioTrack && await sound(audioTrack, endSeconds);
    if (!video && !audio) throw new UnplayableFileError("holds neither picture nor sound");
    return { video, audio, close: () => input.dispose() };
  } catch (error) {
    input.dispose();
    throw error;
  }
}

async function pictures(track: InputVideoTrack, endSeconds: number): Promise<PictureTrack | null> {
  const sink = new EncodedPacketSink(track);
  let first = await sink.getFirstKeyPacket({ metadataOnly: true });
  while (first && first.timestamp < 0) {
    first = await sink.getNextKeyPacket(first, { metadataOnly: true });
  }
  if (!first) return null;
  const [codec, decoderConfig] = [await track.getCodec(), await track.getDecoderConfig()];
  if (!codec || !decoderConfig) throw new UnplayableFileError("has video in an unknown format");
  return {
    format: {
      codec,
      codecString: decoderConfig.codec,
      width: await track.getCodedWidth(),
      height: await track.getCodedHeight(),
      description: bytesOf(decoderConfig.description),
    },
    span: { startSeconds: first.timestamp, endSeconds },
    decoderConfig,
    packets: (fromSeconds) => packetsFrom(sink, () => sink.getKeyPacket(fromSeconds)),
  };
}

async function sound(track: InputAudioTrack, endSeconds: number): Promise<SoundTrack | null> {
  const sink = new EncodedPacketSink(track);
  const first = await sink.getFirstPacket({ metadataOnly: true });
  if (!first) return null;
  const [codec, decoderConfig] = [await track.getCodec(), await track.getDecoderConfig()];
  if (!codec || !decoderConfig) throw new UnplayableFileError("has audio in an unknown format");
  const { sampleRate, numberOfChannels: channels } = decoderConfig;
  return {
    format: { codec, sampleRate, channels, description: bytesOf(decoderConfig.description) },
    // Sound before time 0 is the encoder's run-in, not to be heard.
    span: { startSeconds: Math.max(0, first.timestamp), endSeconds },
    decoderConfig,
    async *packets(fromSeconds) {
      for await (const packet of packetsFrom(sink, () => sink.getPacket(fromSeconds))) {
        if (packet.timestamp < 0) continue;
        const known = codec === "opus" || codec === "aac";
        yield known
          ? packet.clone({ duration: packetSeconds({ codec, sampleRate, channels }, packet.data) })
          : packet;
      }
    },
  };
}

/**
 * One packet after the other, never ahead: mediabunny's own iterator reads as many packets in advance as
 * were taken in the last second, which is no bound at all for whoever takes them as fast as it can.
 */
async function* packetsFrom(
  sink: EncodedPacketSink,
  find: () => Promise<EncodedPacket | null>,
): AsyncGenerator<EncodedPacket, void, void> {
  let packet = await find() ?? await sink.getFirstPacket();
  while (packet) {
    yield packet;
    packet = await sink.getNextPacket(packet);
  }
}

function bytesOf(source: AllowSharedBufferSource | undefined): Uint8Array | null {
  if (!source) return null;
  if (ArrayBuffer.isView(source)) {
    return new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice();
  }
  return new Uint8Array(source).slice();
}
