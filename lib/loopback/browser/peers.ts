/**
 * WebRTC between a publisher's page and a subscriber's: one RTCPeerConnection a subscription. The
 * subscriber asks, the publisher offers, the subscriber answers; candidates trickle. Everything is
 * on one machine, so there is neither STUN nor TURN.
 */
import type { WireRtc } from "../protocol.ts";
import { FeedSender } from "./feed_sender.ts";
import { canReadFrames } from "./track_processor.ts";

/** Longest wait for media after asking for it, ms; then it is asked for again. */
const attemptMs = 8_000;
/** How often media is asked for before giving up. */
const maxAttempts = 4;
/** How long a connection may be interrupted before it is made anew, ms. */
const interruptionMs = 4_000;
/** Sound and picture wait that long for late packets, ms: on a busy machine they would be stretched. */
const jitterBufferMs = 120;
/** Highest video rate of one subscription, bits per second: enough for 1280x720 on one machine. */
const maxVideoBitsPerSecond = 3_000_000;

/** Sends one step of a negotiation to the other side. */
export type SendRtc = (subscription: string, rtc: WireRtc) => void;

function parseCandidate(text: string): RTCIceCandidateInit {
  const { candidate, sdpMid, sdpMLineIndex } = JSON.parse(text);
  return { candidate, sdpMid, sdpMLineIndex };
}

function newPeer(subscription: string, send: SendRtc): RTCPeerConnection {
  const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  peer.onicecandidate = ({ candidate }) => {
    if (candidate !== null) {
      send(subscription, { kind: "candidate", candidate: JSON.stringify(candidate) });
    }
  };
  return peer;
}

/** Runs the steps of one negotiation one after the other, whatever each one waits for. */
class Steps {
  #last: Promise<void> = Promise.resolve();
  /** Queues a step; a step that fails is passed to `onError` and the next one still runs. */
  add(step: () => Promise<void>, onError: (error: unknown) => void): void {
    this.#last = this.#last.then(step).catch(onError);
  }
}

interface OutboundPeer {
  peer: RTCPeerConnection;
  steps: Steps;
  /** What a recorder is sent in the place of media. */
  feed: FeedSender | null;
}

/** The publisher's end of every subscription to one stream. */
export class Outbound {
  /** By subscription. A subscriber may come back under another connection and keep its peer. */
  readonly #peers = new Map<string, OutboundPeer>();

  constructor(
    /** The tracks that are sent, in the order they are offered. */
    private readonly tracks: () => MediaStreamTrack[],
    private readonly send: (to: string, subscription: string, rtc: WireRtc) => void,
  ) {}

  /** Takes one step from a subscriber. */
  receive(from: string, subscription: string, rtc: WireRtc): void {
    if (rtc.kind === "request") return this.#offer(from, subscription, rtc.feed);
    const entry = this.#peers.get(subscription);
    if (entry === undefined) return;
    if (rtc.kind === "close") return this.#close(subscription);
    entry.steps.add(async () => {
      if (rtc.kind === "answer") {
        await entry.peer.setRemoteDescription({ type: "answer", sdp: rtc.sdp });
      } else if (rtc.kind === "candidate") {
        await entry.peer.addIceCandidate(parseCandidate(rtc.candidate));
      }
    }, () => this.#close(subscription));
  }

  /** Puts another track of the same kind in the place of one that is sent. */
  async replaceTrack(old: MediaStreamTrack, track: MediaStreamTrack): Promise<void> {
    for (const { feed } of this.#peers.values()) feed?.replace(old, track);
    const senders = [...this.#peers.values()].flatMap(({ peer }) => peer.getSenders());
    await Promise.all(
      senders.filter((sender) => sender.track === old).map((sender) => sender.replaceTrack(track)),
    );
  }

  /** A track was muted, or is no more. */
  tracksChanged(): void {
    for (const { feed } of this.#peers.values()) feed?.tracksChanged();
  }

  /** Ends every subscription. */
  close(): void {
    for (const subscription of this.#peers.keys()) this.#close(subscription);
  }

  #offer(to: string, subscription: string, wantsFeed: boolean): void {
    if (this.#peers.has(subscription)) return;
    if (wantsFeed && !canReadFrames()) return this.send(to, subscription, { kind: "close" });
    const peer = newPeer(subscription, (id, rtc) => this.send(to, id, rtc));
    const steps = new Steps();
    const feed = wantsFeed ? new FeedSender(peer.createDataChannel("feed"), this.tracks) : null;
    this.#peers.set(subscription, { peer, steps, feed });
    if (!wantsFeed) this.#addMedia(peer);
    peer.onconnectionstatechange = () => {
      if (peer.connectionState === "failed") this.#close(subscription);
    };
    steps.add(async () => {
      for (const sender of peer.getSenders()) {
        if (sender.track?.kind !== "video") continue;
        await sender.setParameters({
          ...sender.getParameters(),
          degradationPreference: "maintain-framerate",
        });
      }
      await peer.setLocalDescription();
      this.send(to, subscription, { kind: "offer", sdp: peer.localDescription?.sdp ?? "" });
    }, () => this.#close(subscription));
  }

  #addMedia(peer: RTCPeerConnection): void {
    const media = new MediaStream();
    for (const track of this.tracks()) {
      peer.addTransceiver(track, {
        direction: "sendonly",
        streams: [media],
        // No highest frame rate: it would drop what a busy machine delivers in a burst.
        ...(track.kind === "video" && { sendEncodings: [{ maxBitrate: maxVideoBitsPerSecond }] }),
      });
    }
  }

  #close(subscription: string): void {
    const { peer, feed } = this.#peers.get(subscription) ?? {};
    feed?.close();
    peer?.close();
    this.#peers.delete(subscription);
  }
}

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
        await peer.addIceCandidate(parseCandidate(rtc.candidate));
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
    const peer = newPeer(subscription, this.send);
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
