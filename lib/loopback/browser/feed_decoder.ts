/** The recorder's half of a feed, in the worker: its packets become pictures and sound again. */
import { type FeedPacket, PacketReader } from "./feed_packets.ts";
import { AudioFeed } from "./recorder_audio.ts";
import { ClockMap } from "./recorder_clock.ts";
import { copyPlanes, SpareMemory } from "./recorder_planes.ts";
import type { Ticker } from "./recorder_ticker.ts";
import { VideoFeed } from "./recorder_video.ts";

/** Warm-up of the publisher's clock, ms: sound comes a hundred times a second. */
const warmUpMs = 150;

/** One stream of somebody else's. */
export class FeedDecoder {
  readonly video = new VideoFeed(({ data }) => this.#spare.give(data));
  readonly audio = new AudioFeed();
  readonly #spare = new SpareMemory();
  readonly #packets = new PacketReader();
  /** The publisher's clock, the same for picture and sound. */
  readonly #clock = new ClockMap(warmUpMs);
  #decoder: VideoDecoder | null = null;
  #last: Promise<void> = Promise.resolve();

  /** @param onBroken called when nothing more can be decoded until the feed begins anew */
  constructor(private readonly ticker: Ticker, private readonly onBroken: () => void) {}

  /** Takes a message of the feed. */
  take(message: ArrayBuffer): void {
    const packet = this.#packets.take(message);
    if (packet === null) return;
    this.#clock.observe(packet.atMs, performance.now());
    if (packet.kind === "video") return this.#decode(packet);
    if (!this.#clock.ready) return;
    this.audio.add(packet.channels, packet.sampleRate, this.#clock.toClock(packet.atMs));
  }

  /** Ends the decoder. */
  close(): void {
    if (this.#decoder !== null && this.#decoder.state !== "closed") this.#decoder.close();
    this.#decoder = null;
    this.video.clear();
  }

  #decode({ atMs, key, data }: FeedPacket & { kind: "video" }): void {
    if (this.#decoder === null && !key) return;
    this.#decoder ??= this.#open();
    this.#decoder.decode(
      new EncodedVideoChunk({
        type: key ? "key" : "delta",
        timestamp: Math.round(atMs * 1000),
        data,
      }),
    );
  }

  #open(): VideoDecoder {
    const decoder = new VideoDecoder({
      // One after the other: copying a picture takes a moment.
      output: (frame) => this.#last = this.#last.then(() => this.#show(frame)),
      error: () => {
        this.#decoder = null;
        this.onBroken();
      },
    });
    decoder.configure({ codec: "vp8", optimizeForLatency: true });
    return decoder;
  }

  async #show(frame: VideoFrame): Promise<void> {
    if (!this.#clock.ready) return frame.close();
    const atMs = this.#clock.toClock(frame.timestamp / 1000);
    // A frame that cannot be read is one lost frame, not a lost feed.
    const planes = await copyPlanes(frame, this.#spare.take()).catch(() => null)
      .finally(() => frame.close());
    if (planes === null) this.ticker.lost(1);
    else this.ticker.add(this.video, planes, atMs);
  }
}
