/** The subscriber's end of WebRTC: what comes from one publisher. */
import type { WireRtc } from "../protocol.ts";
import { addCandidate, openPeer, type SendRtc, Steps } from "./negotiation.ts";

/** Longest wait for media after asking for it, ms; then it is asked for again. */
const attemptMs = 8_000;
/** How often media is asked for before giving up. */
const maxAttempts = 4;
/** How long a connection may be interrupted before it is made anew, ms. */
const interruptionMs = 4_000;
/** Sound and picture wait that long for late packets, ms: on a busy machine they would be stretched. */
const jitterBufferMs = 120;

/**
 * The subscriber's end of one stream, shared by everyone in this page who wants its media (a
 * subscriber's video element, the recorder): connected at the first {@link retain}, closed at the
 * last {@link release}.
 */
export class Inbound {
  /** The media that arrives; its tracks change when the connection is made anew. */
  media = new MediaStream();
  readonly #listeners = new Set<(state: "media" | "interrupted" | "closed") => void>();
  readonly #sound = new Audio();
  #holders = 0;
  #attempts = 0;
  #subscription = "";
  #peer: RTCPeerConnection | undefined;
  #steps = new Steps();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #state: "idle" | "connecting" | "media" | "closed" = "idle";

  /** @param onFeed takes the messages of a feed, which is asked for then in the place of media */
  constructor(
    private readonly send: SendRtc,
    private readonly onFeed?: (message: ArrayBuffer) => void,
  ) {
    // A remote audio track delivers samples only while something plays it.
    this.#sound.muted = true;
  }

  /** True once the media can never come again. */
  get closed(): boolean {
    return this.#state === "closed";
  }

  /** True while media arrives. */
  get connected(): boolean {
    return this.#state === "media";
  }

  /** Name of the current attempt, to match answers with. */
  get subscription(): string {
    return this.#subscription;
  }

  /** Calls back when media came (again), was interrupted, or ended for good. Returns how to stop. */
  watch(listener: (state: "media" | "interrupted" | "closed") => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Asks for the media on behalf of one more holder. */
  retain(): void {
    this.#holders += 1;
    if (this.#state === "idle") this.#ask();
  }

  /** Gives up one holder's claim. */
  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.close();
  }

  /** Begins anew: what came is of no use any more. */
  restart(): void {
    this.#again();
  }

  /** Ends the subscription. */
  close(): void {
    if (this.#state === "closed") return;
    if (this.#subscription !== "") this.send(this.#subscription, { kind: "close" });
    this.#drop();
    this.#state = "closed";
    this.#tell("closed");
    this.#listeners.clear();
  }

  /** Takes one step from the publisher. */
  receive(subscription: string, rtc: WireRtc): void {
    if (subscription !== this.#subscription || this.closed) return;
    if (rtc.kind === "close") return this.#again();
    const peer = this.#peer ??= this.#connect(subscription);
    this.#steps.add(async () => {
      if (rtc.kind === "offer") {
        await peer.setRemoteDescription({ type: "offer", sdp: rtc.sdp });
        await peer.setLocalDescription();
        this.send(subscription, { kind: "answer", sdp: peer.localDescription?.sdp ?? "" });
      } else if (rtc.kind === "candidate") {
        await addCandidate(peer, rtc.candidate);
      }
    }, () => this.#again());
  }

  #ask(): void {
    this.#attempts += 1;
    this.#state = "connecting";
    this.#subscription = crypto.randomUUID();
    this.send(this.#subscription, { kind: "request", feed: this.onFeed !== undefined });
    this.#timer = setTimeout(() => this.#again(), attemptMs);
  }

  #connect(subscription: string): RTCPeerConnection {
    const peer = openPeer(subscription, this.send);
    const media = new MediaStream();
    peer.ontrack = ({ track, receiver }) => {
      media.addTrack(track);
      receiver.jitterBufferTarget = jitterBufferMs;
    };
    peer.ondatachannel = ({ channel }) => {
      channel.binaryType = "arraybuffer";
      channel.onmessage = ({ data }) => {
        if (data instanceof ArrayBuffer) this.onFeed?.(data);
      };
      channel.onclose = () => {
        if (peer === this.#peer) this.#again();
      };
    };
    peer.onconnectionstatechange = () => {
      if (peer !== this.#peer) return;
      if (peer.connectionState === "connected") {
        clearTimeout(this.#timer);
        this.#attempts = 0;
        this.#state = "media";
        if (this.media === media) return this.#tell("media");
        this.media = media;
        this.#sound.srcObject = new MediaStream(media.getAudioTracks());
        this.#sound.play().catch(() => {}); // refused before a gesture: it is muted and only pulls
        this.#tell("media");
      } else if (peer.connectionState === "failed") this.#again();
      else if (peer.connectionState === "disconnected") {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#again(), interruptionMs);
        this.#tell("interrupted");
      }
    };
    return peer;
  }

  #again(): void {
    if (this.closed) return;
    this.#drop();
    if (this.#attempts >= maxAttempts) return this.close();
    this.#tell("interrupted");
    this.#ask();
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#peer?.close();
    this.#peer = undefined;
    this.#steps = new Steps();
    this.#sound.srcObject = null;
  }

  #tell(state: "media" | "interrupted" | "closed"): void {
    for (const listener of [...this.#listeners]) listener(state);
  }
}
