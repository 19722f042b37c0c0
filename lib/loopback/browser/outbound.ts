/** The publisher's end of WebRTC: what goes to subscribers, and to recorders. */
import type { WireRtc } from "../protocol.ts";
import { FeedSender } from "./feed_sender.ts";
import { addCandidate, openPeer, Steps } from "./negotiation.ts";
import { canReadFrames } from "./track_processor.ts";

/** Highest video rate of one subscription, bits per second: enough for 1280x720 on one machine. */
const maxVideoBitsPerSecond = 3_000_000;

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
        await addCandidate(entry.peer, rtc.candidate);
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
    const peer = openPeer(subscription, (id, rtc) => this.send(to, id, rtc));
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
