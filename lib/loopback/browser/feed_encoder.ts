/** The publisher's half of a feed, in the worker: every picture and sample, encoded in its order. */
import { type FeedPacket, toMessages } from "./feed_packets.ts";
import { EarlySound, readChannels } from "./recorder_audio.ts";
import { ClockMap, soundWarmUpMs } from "./recorder_clock.ts";
import { type Planes, toFrame } from "./recorder_planes.ts";

/** Pictures that may wait for a busy encoder, about four seconds; more are not taken. */
const maxWaiting = 120;

/** Bits a second: plenty, for the recorder encodes anew what it composes. */
function bitrate(width: number, height: number): number {
  return Math.min(6_000_000, Math.max(1_000_000, Math.round(width * height * 30 * 0.2)));
}

/** Encodes one stream's camera and microphone for one recorder. */
export class FeedEncoder {
  readonly #sound = new ClockMap(soundWarmUpMs);
  readonly #early = new EarlySound();
  #encoder: VideoEncoder | null = null;
  #width = 0;
  #height = 0;

  constructor(private readonly send: (messages: ArrayBuffer[]) => void) {}

  /** Takes a camera's picture of the moment `atMs`; its memory is free afterwards. */
  pushPicture(planes: Planes, atMs: number): void {
    if ((this.#encoder?.encodeQueueSize ?? 0) >= maxWaiting) return;
    const frame = toFrame(planes, atMs);
    this.#encoderFor(planes.width, planes.height).encode(frame);
    frame.close();
  }

  /** Takes a microphone's data and closes it. */
  pushData(data: AudioData): void {
    const nowMs = performance.now();
    const mediaMs = data.timestamp / 1000;
    if (!this.#early.has(mediaMs, nowMs)) {
      this.#sound.observe(mediaMs, nowMs);
      if (this.#sound.ready) {
        this.#deliver({
          kind: "audio",
          atMs: this.#sound.toClock(mediaMs),
          sampleRate: data.sampleRate,
          channels: readChannels(data),
        });
      }
    }
    data.close();
  }

  /** Ends the encoder. */
  close(): void {
    if (this.#encoder !== null && this.#encoder.state !== "closed") this.#encoder.close();
    this.#encoder = null;
  }

  /** An encoder for pictures of this size; a new one begins with a key frame. */
  #encoderFor(width: number, height: number): VideoEncoder {
    const known = this.#encoder;
    const fits = known?.state === "configured" && width === this.#width && height === this.#height;
    if (known !== null && fits) return known;
    const encoder = known !== null && known.state !== "closed" ? known : new VideoEncoder({
      output: (chunk) => {
        const data = new Uint8Array(chunk.byteLength);
        chunk.copyTo(data);
        this.#deliver({
          kind: "video",
          atMs: chunk.timestamp / 1000,
          key: chunk.type === "key",
          data,
        });
      },
      // The next picture gets a new encoder.
      error: () => {},
    });
    encoder.configure({
      codec: "vp8",
      width,
      height,
      bitrate: bitrate(width, height),
      framerate: 30,
      latencyMode: "realtime",
    });
    this.#encoder = encoder;
    this.#width = width;
    this.#height = height;
    return encoder;
  }

  #deliver(packet: FeedPacket): void {
    this.send(toMessages(packet));
  }
}
