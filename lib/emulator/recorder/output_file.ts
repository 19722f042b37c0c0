/** One file of a recording: encodes frames and audio and uploads the packets. */
import {
  AudioSample,
  AudioSampleSource,
  getEncodableAudioCodecs,
  getEncodableVideoCodecs,
  MkvOutputFormat,
  NullTarget,
  Output,
  Quality,
  VideoSample,
  VideoSampleSource,
} from "mediabunny";
import { type Codecs, type FromRecorder, type RecordingRequest, uploadPath } from "../protocol.ts";
import { encodePacket } from "../packets.ts";
import { Compositor, even, type Tile } from "./compositor.ts";
import { type I420Frame, type Size, toVideoFrame } from "./i420.ts";
import { SAMPLE_RATE } from "./tracks.ts";
import { Upload } from "./upload.ts";

/** Frames that may wait for the encoder: as many as may come at once after a stall of the worker. */
const MAX_WAITING_FRAMES = 60;
/** Where a player can enter, and where a seam can lie, seconds. */
const KEY_FRAME_SECONDS = 2;
const AUDIO = {
  numberOfChannels: 2,
  sampleRate: SAMPLE_RATE,
  quality: new Quality({ bitrate: 96_000 }),
};

/** Codecs that this browser encodes, best first. */
export type EncodableCodecs = Pick<Extract<FromRecorder, { type: "hello" }>, "video" | "audio">;

/** About an eighth of a bit a pixel at 30 frames a second, within bounds. */
function videoQuality({ width, height }: Size): Quality {
  const bitrate = Math.round(width * height * 30 * 0.13);
  return new Quality({ bitrate: Math.min(4_000_000, Math.max(600_000, bitrate)) });
}

/** Finds the codecs that this browser encodes. */
export async function encodableCodecs(): Promise<EncodableCodecs> {
  const size = { width: 1280, height: 720 };
  const video = await getEncodableVideoCodecs(undefined, { ...size, quality: videoQuality(size) });
  const audio = await getEncodableAudioCodecs(undefined, AUDIO);
  return {
    video: (["avc", "vp8"] as const).filter((codec) => video.includes(codec)),
    audio: (["aac", "opus"] as const).filter((codec) => audio.includes(codec)),
  };
}

/** One file of a recording. */
export class OutputFile {
  /** Position up to which audio was added, and the last frame's time: kept by the recording. */
  mixedTo = 0;
  lastFrameMs = -Infinity;
  lastFrame: I420Frame | null = null;
  readonly #compositor: Compositor;
  readonly #upload: Upload;
  readonly #output: Output;
  readonly #video: VideoSampleSource;
  readonly #audio: AudioSampleSource;
  /** Times of the frames in the encoder, seconds. */
  readonly #encoding: number[] = [];

  /** @param onDropped takes how many frames were dropped, because encoding does not keep up */
  constructor(
    readonly name: string,
    { width, height }: Size,
    codecs: Codecs,
    { archiveId, segment, uploadToken, hasAudio, hasVideo }: RecordingRequest,
    private readonly onError: (error: unknown) => void,
    private readonly onDropped: (frames: number) => void,
  ) {
    const size = { width: even(width), height: even(height) };
    this.#compositor = new Compositor(size);
    const upload = new Upload(uploadPath(archiveId, segment, name), uploadToken);
    this.#upload = upload;
    this.#output = new Output({
      // What it writes is not needed, only its encoders are.
      format: new MkvOutputFormat({ appendOnly: true }),
      target: new NullTarget(),
    });
    this.#video = new VideoSampleSource({
      codec: codecs.video,
      quality: videoQuality(size),
      keyFrameInterval: KEY_FRAME_SECONDS,
      latencyMode: "realtime",
      onEncodedPacket: (packet, meta) => {
        upload.write(encodePacket("video", packet, meta?.decoderConfig));
        // An encoder may skip frames: those before the one that it delivers.
        const skipped = this.#encoding.filter((each) => each < packet.timestamp - 1e-6).length;
        if (skipped > 0) onDropped(skipped);
        this.#encoding.splice(0, skipped + 1);
      },
    });
    this.#audio = new AudioSampleSource({
      codec: codecs.audio,
      quality: AUDIO.quality,
      onEncodedPacket: (packet, meta) =>
        upload.write(encodePacket("audio", packet, meta?.decoderConfig)),
    });
    if (hasVideo) this.#output.addVideoTrack(this.#video);
    if (hasAudio) this.#output.addAudioTrack(this.#audio);
    upload.done.catch(onError);
    this.#output.start().catch(onError);
  }

  /** Encodes a frame of these tiles, unless too many wait for that. Times rise strictly. */
  addFrame(tiles: readonly Tile[], mediaMs: number): void {
    if (this.#encoding.length >= MAX_WAITING_FRAMES) return this.onDropped(1);
    const timestamp = mediaMs / 1000;
    const frame = toVideoFrame(this.#compositor.compose(tiles));
    const sample = new VideoSample(frame, { timestamp });
    this.#encoding.push(timestamp);
    this.#video.add(sample).catch(this.onError).finally(() => sample.close());
  }

  /** Encodes audio, the left channel before the right; `mediaSamples` is its position. */
  addAudio(data: Float32Array<ArrayBuffer>, mediaSamples: number): void {
    const timestamp = mediaSamples / SAMPLE_RATE;
    const sample = new AudioSample({ ...AUDIO, data, format: "f32-planar", timestamp });
    this.#audio.add(sample).catch(this.onError).finally(() => sample.close());
  }

  /** Finishes the file; resolves when all of it is uploaded. */
  async finish(): Promise<void> {
    await this.#output.finalize();
    this.#upload.close();
    await this.#upload.done;
  }

  /** Gives the file up. */
  cancel(): void {
    this.#upload.abort();
    this.#output.cancel().catch(() => {}); // nobody needs it any more
  }
}
