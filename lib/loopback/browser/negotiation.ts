/**
 * WebRTC between a publisher's page and a subscriber's: one RTCPeerConnection a subscription. The
 * subscriber asks, the publisher offers, the subscriber answers; candidates trickle. Everything is
 * on one machine, so there is neither STUN nor TURN.
 */
import * as z from "zod";
import type { WireRtc } from "../protocol.ts";

/** Sends one step of a negotiation to the other side. */
export type SendRtc = (subscription: string, rtc: WireRtc) => void;

/** `RTCIceCandidate.toJSON()` (WebRTC 4.8.1), as far as it is needed. */
const candidateSchema = z.object({
  candidate: z.string(),
  sdpMid: z.string().nullable(),
  sdpMLineIndex: z.number().nullable(),
});

/** A connection whose candidates go to the other side. */
export function openPeer(subscription: string, send: SendRtc): RTCPeerConnection {
  const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  peer.onicecandidate = ({ candidate }) => {
    if (candidate !== null) {
      send(subscription, { kind: "candidate", candidate: JSON.stringify(candidate) });
    }
  };
  return peer;
}

/**
 * Takes a candidate of the other side's.
 * @throws {Error} where it is none.
 */
export async function addCandidate(peer: RTCPeerConnection, candidate: string): Promise<void> {
  await peer.addIceCandidate(candidateSchema.parse(JSON.parse(candidate)));
}

/** Runs the steps of one negotiation one after the other, whatever each one waits for. */
export class Steps {
  #last: Promise<void> = Promise.resolve();
  /** Queues a step; a step that fails is passed to `onError` and the next one still runs. */
  add(step: () => Promise<void>, onError: (error: unknown) => void): void {
    this.#last = this.#last.then(step).catch(onError);
  }
}
