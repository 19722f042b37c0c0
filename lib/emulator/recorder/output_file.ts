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
} from "../../mediabunny.ts";
import { type Codecs, type FromRecorder, type RecordingRequest, uploadPath } from "../protocol.ts";
import { encodePacket } from "../packets.ts";
import { Compositor, even, type Tile } from "./compositor.ts";
import { type Size, toVideoFrame } from "./i420.ts";
import { SAMPLE_RATE } from "./tracks.ts";
import { Upload } from "./upload.ts";

/** Frames that may wait for the encoder: as many as may come at once after a stall of the worker. */
const MAX_WAITING_FRAMES = 60;
/** Time after which a frame is repeated, ms: a little less than between two ticks without cameras. */
const UNCHANGED_MS = 90;
/** Where a player can enter, and where a seam can lie, seconds. */
const KEY_FRAME_SECONDS = 2;
/** About 1.2 Mbit/s for 640x480. */
const quality = new Quality({ quality: "high", preferBitrate: true });
const AUDIO = { numberOfChannels: 2, sampleRate: SAMPLE_RATE, quality };

/** Codecs that this browser encodes, best first. */
export type EncodableCodecs = Pick<Extract<FromRecorder, { type: "hello" }>, "video" | "audio">;

/** Finds the codecs that this browser encodes. */
export async function encodableCodecs(): Promise<EncodableCodecs> {
  const video = await getEncodableVideoCodecs(undefined, { width: 1280, height: 720, quality });
  const audio = await getEncodableAudioCodecs(undefined, AUDIO);
  return {
    video: (["avc", "vp8"] as const).filter((codec) => video.includes(codec)),
    audio: (["aac", "opus"] as const).filter((codec) => audio.includes(codec)),
  };
}

/** One file of a recording. */
export class OutputFile {
  /** Frames that were dropped, because encoding did not keep up. */
  framesDropped = 0;
  #lastFrameMs = -Infinity;
  readonly #compositor: Compositor;
  readonly #upload: Upload;
  readonly #output: Output;
  readonly #video: VideoSampleSource;
  readonly #audio: AudioSampleSource;
  /** Times of the frames in the encoder, seconds. */
  readonly #encoding: number[] = [];

  /** @param audioEnd position after the last audio that was added; first, where it begins */
  constructor(
    name: string,
    { width, height }: Size,
    codecs: Codecs,
    { archiveId, segment, uploadToken, hasAudio, hasVideo }: RecordingRequest,
    public audioEnd: number,
    private readonly onError: (error: unknown) => void,
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
      quality,
      keyFrameInterval: KEY_FRAME_SECONDS,
      latencyMode: "realtime",
      onEncodedPacket: (packet, meta) => {
        upload.write(...encodePacket("video", packet, meta?.decoderConfig));
        // An encoder may skip frames: those before the one that it delivers.
        const skipped = this.#encoding.filter((each) => each < packet.timestamp - 1e-6).length;
        this.framesDropped += skipped;
        this.#encoding.splice(0, skipped + 1);
      },
    });
    this.#audio = new AudioSampleSource({
      codec: codecs.audio,
      quality,
      onEncodedPacket: (packet, meta) => {
        // The encoder fills its last packet up with silence.
        const duration = Math.min(packet.duration, this.audioEnd / SAMPLE_RATE - packet.timestamp);
        if (duration <= 0) return;
        upload.write(...encodePacket("audio", packet.clone({ duration }), meta?.decoderConfig));
      },
    });
    if (hasVideo) this.#output.addVideoTrack(this.#video);
    if (hasAudio) this.#output.addAudioTrack(this.#audio);
    upload.done.catch(onError);
    this.#output.start().catch(onError);
  }

  /** Encodes a frame of these tiles if they have changed, or none has been for a while. */
  addFrame(tiles: readonly Tile[], mediaMs: number): void {
    const hasChanged = this.#compositor.draw(tiles);
    if (!hasChanged && mediaMs < this.#lastFrameMs + UNCHANGED_MS) return;
    this.#lastFrameMs = Math.max(mediaMs, this.#lastFrameMs + 1);
    if (this.#encoding.length >= MAX_WAITING_FRAMES) return void this.framesDropped++;
    const timestamp = this.#lastFrameMs / 1000;
    const sample = new VideoSample(toVideoFrame(this.#compositor.frame), { timestamp });
    this.#encoding.push(timestamp);
    this.#video.add(sample).catch(this.onError).finally(() => sample.close());
  }

  /** Encodes the next audio, the left channel before the right. */
  addAudio(data: Float32Array<ArrayBuffer>): void {
    const timestamp = this.audioEnd / SAMPLE_RATE;
    this.audioEnd += data.length / AUDIO.numberOfChannels;
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
